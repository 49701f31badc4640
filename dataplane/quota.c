/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/quota.h"

#include <rte_cycles.h>

#include "dataplane/choose.h"
#include "dataplane/stage.h"

#define SHARE_ONE (1u << 16)
#define RATE_FINE 1000000u /* events a second; up to there a token is a millionth of an event */

static uint32_t events_of(uint64_t demand, uint64_t window)
{
	return (demand >> 32) + 2 >= (uint32_t)window ? (uint32_t)demand : 0;
}

/*
 * A worker's share, in proportion to what came to it and to others in the last window. Who had
 * nothing then is taken for an average one.
 */
static uint64_t share_of(const struct quotas *quotas, uint32_t worker, uint32_t number)
{
	const struct quota_cell *own = &quotas->cells[worker][number];
	uint64_t mine = events_of(own->demand, own->window), others = 0, active = 0;

	for (uint32_t i = 0; i < quotas->worker_count; i++) {
		uint64_t demand = VEX_LOAD_RELAXED(&quotas->cells[i][number].demand);
		uint32_t events = i == worker ? 0 : events_of(demand, own->window);

		others += events;
		active += events != 0;
	}
	if (!others)
		return SHARE_ONE;
	if (!mine)
		mine = others / active;
	return (mine * SHARE_ONE + mine + others - 1) / (mine + others);
}

static uint64_t scaled(uint64_t events, uint64_t share, uint32_t scale)
{
	double tokens = (double)events * scale * (double)share / SHARE_ONE;

	return tokens > scale ? (uint64_t)tokens : scale; /* an event must fit, or none would ever pass */
}

/* Tokens that were saved up stay; what is too many for the new bucket is lost. */
static void make_profile(struct quota_cell *cell, const struct rule_image_quota *quota,
		uint64_t share)
{
	double per_s = (double)quota->events * 1e9 / (double)quota->per_ns;
	uint32_t scale = per_s > RATE_FINE ? 1000 : 1000000;
	double rate = per_s * scale * (double)share / SHARE_ONE;
	struct rte_meter_srtcm_params params = {.cir = rate >= 1 ? (uint64_t)rate : 1,
			.cbs = scaled(quota->burst, share, scale),
			.ebs = quota->excess ? scaled(quota->excess, share, scale) : 0};

	rte_meter_srtcm_profile_config(&cell->profile, &params);
	cell->scale = scale;
	cell->share = share;
	cell->events = quota->events;
	cell->per_ns = quota->per_ns;
	cell->burst = quota->burst;
	cell->excess = quota->excess;
}

static bool is_same(const struct quota_cell *cell, const struct rule_image_quota *quota)
{
	return cell->events == quota->events && cell->per_ns == quota->per_ns &&
			cell->burst == quota->burst && cell->excess == quota->excess;
}

/* The first event begins with a full bucket, of its share. */
static void begin(struct quota_cell *cell, const struct rule_image_quota *quota, uint64_t share,
		uint64_t now_tsc)
{
	make_profile(cell, quota, share);
	rte_meter_srtcm_config(&cell->meter, &cell->profile);
	cell->meter.time = now_tsc;
}

static void turn_window(struct quota_cell *cell, uint64_t window)
{
	uint64_t count = cell->count < UINT32_MAX ? cell->count : UINT32_MAX;

	if (cell->count)
		VEX_STORE_RELAXED(&cell->demand, (uint64_t)(uint32_t)cell->window << 32 | count);
	cell->window = window;
	cell->count = 0;
}

enum rte_color quota_meter(struct quotas *quotas, uint32_t worker, uint32_t number,
		const struct rule_image_quota *quota, uint64_t now_ns, uint64_t now_tsc)
{
	struct quota_cell *cell = &quotas->cells[worker][number];
	uint64_t window = now_ns >> QUOTA_WINDOW_SHIFT;
	bool turned = window != cell->window;

	if (VEX_UNLIKELY(turned))
		turn_window(cell, window);
	if (VEX_UNLIKELY(!cell->scale)) {
		begin(cell, quota, share_of(quotas, worker, number), now_tsc);
	} else if (VEX_UNLIKELY(turned || !is_same(cell, quota))) {
		uint64_t share = share_of(quotas, worker, number);

		if (share != cell->share || !is_same(cell, quota))
			make_profile(cell, quota, share);
	}
	cell->count++;
	return rte_meter_srtcm_color_blind_check(&cell->meter, &cell->profile, now_tsc,
			cell->scale);
}

uint32_t quota_cell_of(struct quotas *quotas, uint32_t tenant)
{
	uint32_t place = (uint32_t)choose_mix(tenant + 1ull), fresh = 0;

	for (uint32_t i = 0; i < QUOTA_SLOTS; i++, place++) {
		uint64_t *slot = &quotas->slots[place & (QUOTA_SLOTS - 1)];
		uint64_t found = VEX_LOAD_ACQUIRE(slot);

		if (!found) {
			if (!fresh && VEX_LOAD_RELAXED(&quotas->used) >= QUOTA_TENANTS_MAX)
				return 0;
			if (!fresh)
				fresh = 1 + __atomic_fetch_add(&quotas->used, 1, __ATOMIC_RELAXED);
			if (fresh > QUOTA_TENANTS_MAX)
				return 0;
			if (__atomic_compare_exchange_n(slot, &found,
					    (uint64_t)tenant << 32 | fresh, false,
					    __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
				return fresh;
		}
		if (found >> 32 == tenant)
			return (uint32_t)found;
	}
	return 0;
}

const struct rule_image_quota *quota_find(const struct rule_image_quota *quotas, uint64_t count,
		uint32_t tenant)
{
	bool any = count && quotas[count - 1].any;
	uint64_t first = 0, behind = count - any;

	while (first < behind) {
		uint64_t middle = first + (behind - first) / 2;

		if (quotas[middle].tenant == tenant)
			return &quotas[middle];
		if (quotas[middle].tenant < tenant)
			first = middle + 1;
		else
			behind = middle;
	}
	return any ? &quotas[count - 1] : NULL;
}

/* -- bursts -- */

/* Events of a port mostly have one tenant: what was found out about it is kept for a burst. */
struct asked {
	bool known;
	uint32_t tenant;
	uint32_t cell;
	const struct rule_image_quota *quota;
	struct vex_tenant_stat *stat;
};

static void find_out(struct worker *worker, struct asked *asked, uint32_t tenant)
{
	const struct ruleset *set = worker->plan->rules->set;
	uint32_t row;

	*asked = (struct asked){.known = true, .tenant = tenant};
	asked->quota = quota_find(rule_image_part(set->image, RULE_PART_QUOTAS),
			set->image->parts[RULE_PART_QUOTAS].count, tenant);
	if (!asked->quota)
		return;
	asked->cell = quota_cell_of(set->quotas, tenant);
	row = asked->cell < VEX_TENANTS_MAX ? asked->cell : 0;
	if (row)
		VEX_STORE_RELAXED(&worker->plane->stat->tenant[row], tenant + 1ull);
	asked->stat = &worker->stat->tenant[row];
}

static bool read_tenant(const struct vex_record *record, uint32_t *tenant)
{
	const void *value = vex_record_attr(record, VEX_ATTR_TENANT, NULL);

	if (value)
		memcpy(tenant, value, sizeof(*tenant));
	return value != NULL;
}

static void judge(struct quota_verdict *verdict, const struct asked *asked, enum rte_color color,
		uint64_t bit)
{
	bool demotes = color == RTE_COLOR_YELLOW && asked->quota->over == RULE_OVER_DEMOTE;

	if (color == RTE_COLOR_RED)
		verdict->dropped |= bit;
	else if (demotes)
		verdict->demoted |= bit;
	asked->stat->passed += color != RTE_COLOR_RED && !demotes;
	asked->stat->demoted += demotes;
	asked->stat->dropped += color == RTE_COLOR_RED;
}

struct quota_verdict quota_ask(struct worker *worker, const struct burst *burst, uint64_t events)
{
	uint64_t now_ns = worker_now_ns(worker), now_tsc = rte_rdtsc();
	struct quotas *quotas = worker->plan->rules->set->quotas;
	struct quota_verdict verdict = {0, 0};
	struct asked asked = {.known = false};
	uint32_t tenant;

	for (uint64_t left = events; left; left &= left - 1) {
		if (!read_tenant(burst->record[__builtin_ctzll(left)], &tenant))
			continue;
		if (!asked.known || asked.tenant != tenant)
			find_out(worker, &asked, tenant);
		if (asked.quota)
			judge(&verdict, &asked, quota_meter(quotas, worker->index, asked.cell,
							asked.quota, now_ns, now_tsc),
					left & -left);
	}
	return verdict;
}
