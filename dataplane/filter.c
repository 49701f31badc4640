/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Filter: decides who is to get each event, and why nobody is: by the rules that matched, their
 * limits, and each subscriber's own filter, which is applied on top of everything. Without a rule
 * set everyone gets what he asked for. docs/rules.md tells what is decided here.
 */
#include "dataplane/stage.h"

#include "base/clock.h"
#include "event/event.h"

#define ADDED_HERE (1u << VEX_ATTR_ROUTE | 1u << VEX_ATTR_SUPPRESSED)

/* A burst under judgement. Masks have a bit an event. */
struct trial {
	struct rules_worker *rules;
	const struct plan *plan;
	struct burst *burst;
	uint64_t now_ns;
	uint64_t open;	  /* that rules may judge: GAPs are told to everyone, whatever they say */
	uint64_t gaps;
	struct quota_verdict quota; /* of their tenants; rules don't see what it drops */
	uint64_t matched; /* by any rule */
	uint64_t dropped; /* by a rule that leads nowhere */
	uint64_t plain;	  /* matched by a rule without a route: it stands for the default */
	uint64_t passed;  /* those that one of these let pass */
	uint64_t held;	  /* that any rule held back by its limits; of the first that did: */
	uint64_t held_for[RULE_LIMIT_RATE + 1];
	uint64_t held_routed; /* by a rule with a route */
	uint64_t redacted;
	uint64_t told; /* that end a suppression */
	uint32_t first[VEX_BURST_MAX];
	uint16_t count[VEX_BURST_MAX];
	struct vex_attr_suppressed suppressed[VEX_BURST_MAX];
};

/* -- without rules -- */

static void lead_by_default(const struct plan *plan, struct burst *burst)
{
	uint64_t reverse = plan->subscribers & ~plan->defaults;

	burst_ask(plan, burst, burst->wanted);
	burst->of_class[VEX_CLASS_NORMAL] = burst_all(burst);
	if (VEX_LIKELY(!reverse))
		return;
	for (uint64_t gaps = burst_gaps(burst); reverse; reverse &= reverse - 1)
		burst->wanted[__builtin_ctzll(reverse)] &= gaps;
}

/* -- what one rule that matched makes of its events -- */

static enum rule_limit_verdict ask_limit(struct trial *trial, uint32_t index, uint32_t event)
{
	const struct ruleset *set = trial->rules->set;
	struct vex_attr_suppressed told = {0};
	enum rule_limit_verdict verdict = rule_limit_ask(trial->rules->limits, set->states[index],
			&set->limits[set->rules[index].limit], &set->reader,
			trial->burst->record[event], trial->now_ns, &told);

	if (VEX_UNLIKELY(told.count && !(trial->told >> event & 1))) {
		trial->told |= 1ull << event;
		trial->suppressed[event] = told;
	}
	return verdict;
}

/* Those of its events that a rule leads on, this time. */
static uint64_t limit(struct trial *trial, uint32_t index, uint64_t events)
{
	uint64_t pass = events;

	if (VEX_LIKELY(trial->rules->set->rules[index].limit == RULE_IMAGE_NONE))
		return events;
	for (uint64_t left = events; left; left &= left - 1) {
		uint64_t bit = left & -left;
		enum rule_limit_verdict verdict = ask_limit(trial, index,
				(uint32_t)__builtin_ctzll(left));

		if (verdict == RULE_LIMIT_PASS)
			continue;
		pass &= ~bit;
		trial->held_for[verdict] |= bit & ~trial->held;
		trial->held |= bit;
	}
	return pass;
}

static void lead_to_all(struct burst *burst, uint64_t who, uint64_t events)
{
	for (; who; who &= who - 1)
		burst->wanted[__builtin_ctzll(who)] |= events;
}

static void lead_to_group(struct trial *trial, uint32_t group, uint64_t events)
{
	struct rules_worker *rules = trial->rules;

	if (events && !rules->group_events[group])
		rules->group_hits[trial->burst->group_hit_count++].group = group;
	rules->group_events[group] |= events;
}

static void lead(struct trial *trial, const struct rule_image_rule *rule, uint64_t events)
{
	const struct ruleset *set = trial->rules->set;

	for (uint32_t i = 0; i < rule->target_count; i++) {
		const struct rules_destination *to =
				&set->destinations[set->targets[rule->target_first + i]];

		switch (to->kind) {
		case RULE_TARGET_SUBSCRIBER:
			lead_to_all(trial->burst, trial->plan->named[to->index], events);
			break;
		case RULE_TARGET_BOUNDARY:
			lead_to_all(trial->burst, trial->plan->of_boundary[to->index], events);
			break;
		case RULE_TARGET_GROUP:
			lead_to_group(trial, to->index, events);
			break;
		default:
			trial->dropped |= events;
		}
	}
}

static void note_match(struct trial *trial, uint32_t index, uint64_t events)
{
	for (uint64_t fresh = events & ~trial->matched; fresh; fresh &= fresh - 1)
		trial->first[__builtin_ctzll(fresh)] = index;
	for (uint64_t left = events; left; left &= left - 1)
		trial->count[__builtin_ctzll(left)] += trial->count[__builtin_ctzll(left)] != UINT16_MAX;
	trial->matched |= events;
}

static void judge(struct trial *trial, uint32_t index, uint64_t events)
{
	const struct ruleset *set = trial->rules->set;
	const struct rule_image_rule *rule = &set->rules[index];
	struct vex_rule_stat *stat = &trial->rules->stats[set->slots[index]];
	uint64_t pass = limit(trial, index, events);
	uint64_t held = events & ~pass;

	note_match(trial, index, events);
	trial->burst->of_class[rule->qos] |= events;
	if (VEX_UNLIKELY(rule->redact_count))
		trial->redacted |= events;
	if (rule->target_count) {
		lead(trial, rule, pass);
		trial->held_routed |= held;
	} else {
		trial->plain |= events;
		trial->passed |= pass;
	}
	stat->matched += (uint64_t)__builtin_popcountll(events);
	stat->routed += (uint64_t)__builtin_popcountll(pass);
	stat->limited += (uint64_t)__builtin_popcountll(held);
	stat->last_ns = trial->now_ns;
}

/* -- all rules together -- */

/* The most urgent class of the rules that matched; normal where none did. */
static void settle_classes(const struct trial *trial, struct burst *burst)
{
	uint64_t left = burst_all(burst);

	for (unsigned i = 0; i < VEX_CLASS_COUNT; i++) {
		burst->of_class[i] &= left;
		left &= ~burst->of_class[i];
	}
	burst->of_class[VEX_CLASS_NORMAL] |= left;
	for (unsigned i = 0; i < VEX_CLASS_LOW; i++)
		burst->of_class[i] &= ~trial->quota.demoted;
	burst->of_class[VEX_CLASS_LOW] |= trial->quota.demoted;
}

static void settle_groups(struct trial *trial)
{
	struct burst *burst = trial->burst;
	uint64_t *events = trial->rules->group_events;

	for (uint32_t i = 0; i < burst->group_hit_count; i++) {
		struct group_hit *hit = &burst->group_hits[i];

		hit->events = events[hit->group] & ~trial->dropped;
		events[hit->group] = 0;
	}
}

/* Leaves of what rules lead to each subscriber what he asked for. Returns what anybody is to get. */
static uint64_t settle_subscribers(struct trial *trial, const uint64_t *asked, uint64_t by_default)
{
	const struct plan *plan = trial->plan;
	struct burst *burst = trial->burst;
	uint64_t any = 0;

	for (uint64_t left = plan->subscribers; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint64_t led = plan->defaults >> i & 1 ? by_default : burst->wanted[i];

		burst->wanted[i] = asked[i] & ((led & ~trial->dropped) | trial->gaps);
		any |= burst->wanted[i];
	}
	for (uint32_t i = 0; i < burst->group_hit_count; i++)
		any |= burst->group_hits[i].events;
	return any;
}

/* What nobody gets because it was held back: not what nobody had asked for anyway. */
static void name_drops(struct trial *trial, const uint64_t *asked, uint64_t kept_back, uint64_t any)
{
	static const enum vex_drop drops[RULE_LIMIT_RATE + 1] = {
			[RULE_LIMIT_SAMPLED] = VEX_DROP_SAMPLED,
			[RULE_LIMIT_SUPPRESSED] = VEX_DROP_SUPPRESSED,
			[RULE_LIMIT_RATE] = VEX_DROP_RATE_LIMITED,
	};
	uint64_t asked_for = 0, lost;

	for (uint64_t left = trial->plan->defaults; left; left &= left - 1)
		asked_for |= asked[__builtin_ctzll(left)];
	lost = ((kept_back & asked_for) | trial->held_routed) & ~any & ~trial->dropped;
	for (unsigned i = RULE_LIMIT_SAMPLED; i <= RULE_LIMIT_RATE; i++)
		trial->burst->dropped[drops[i]] = trial->held_for[i] & lost;
	trial->burst->dropped[VEX_DROP_RULE_DROP] = trial->dropped;
}

static uint64_t settle(struct trial *trial)
{
	uint64_t asked[VEX_SUBSCRIBERS_MAX], any;
	uint64_t kept_back = trial->plain & ~trial->passed;

	burst_ask(trial->plan, trial->burst, asked);
	settle_classes(trial, trial->burst);
	settle_groups(trial);
	any = settle_subscribers(trial, asked, trial->open & ~kept_back);
	if (VEX_UNLIKELY(trial->held | trial->dropped))
		name_drops(trial, asked, kept_back, any);
	return any;
}

/* -- what becomes of the records -- */

static void plan_redaction(const struct trial *trial, struct rule_hits hits, uint32_t event,
		struct rule_redaction *redaction)
{
	const struct ruleset *set = trial->rules->set;

	rule_redaction_begin(redaction, trial->burst->record[event]);
	for (uint32_t i = 0; i < hits.count; i++) {
		const struct rule_image_rule *rule = &set->rules[hits.hits[i].rule];

		if ((hits.hits[i].events >> event & 1) && rule->redact_count)
			rule_redaction_add(redaction, &set->reader,
					&set->redacts[rule->redact_first], rule->redact_count);
	}
}

/* Hashes may make it longer than its object is: it moves to a long one, or they become masks. */
static void redact(struct worker *worker, struct trial *trial, struct rule_hits hits, uint32_t event)
{
	const struct rule_secret *secret = trial->rules->secret;
	struct vex_record **record = &trial->burst->record[event];
	struct vex_record *out = trial->rules->redacted;
	bool in_object = *record == &trial->burst->object[event]->record;
	struct rule_redaction redaction;
	void *longer;
	uint32_t size;

	plan_redaction(trial, hits, event, &redaction);
	size = rule_redaction_write(&redaction, secret, out, VEX_RECORD_MADE_MAX);
	if (VEX_UNLIKELY(in_object && size > VEX_OBJECT_RECORD_MAX)) {
		if (rte_mempool_get(worker->long_objects, &longer) == 0)
			*record = longer;
		else
			size = rule_redaction_write(&redaction, secret, out, VEX_OBJECT_RECORD_MAX);
	}
	memcpy(*record, out, size);
}

/* Behind what stands there: objects have room for it, see struct vex_object. */
static void append(struct vex_record *record, enum vex_attr_id id, const void *payload, uint32_t len)
{
	uint8_t *at = (uint8_t *)record + record->size;
	uint32_t head = vex_attr_head(id, len);

	memset(at + vex_attr_span(len) - 8, 0, 8);
	memcpy(at, &head, sizeof(head));
	memcpy(at + VEX_ATTR_HEAD, payload, len);
	record->size += vex_attr_span(len);
	record->attr_count++;
}

/* The same by words: narrow stores that a wide load follows would be waited for. */
static inline void append_route(struct vex_record *record, const struct vex_attr_route *route)
{
	uint64_t *at = (uint64_t *)((uint8_t *)record + record->size);

	at[0] = vex_attr_head(VEX_ATTR_ROUTE, sizeof(*route)) | route->generation << 32;
	at[1] = route->generation >> 32 | (uint64_t)route->rule << 32;
	at[2] = route->matched | (uint64_t)route->qos << 16 | (uint64_t)route->priority << 24 |
			route->fingerprint << 32;
	at[3] = route->fingerprint >> 32;
	record->size += VEX_RECORD_ADDED_MAX / 2;
	record->attr_count++;
}

static uint8_t class_of(const struct burst *burst, uint32_t event)
{
	unsigned class = 0;

	if (VEX_LIKELY(burst->of_class[VEX_CLASS_NORMAL] >> event & 1))
		return VEX_CLASS_NORMAL;
	while (class < VEX_CLASS_LOW && !(burst->of_class[class] >> event & 1))
		class++;
	return (uint8_t)class;
}

static void tell_route(const struct trial *trial, uint32_t event)
{
	const struct ruleset *set = trial->rules->set;
	struct vex_attr_route route = {.generation = set->generation,
			.rule = VEX_ROUTE_NO_RULE,
			.qos = class_of(trial->burst, event),
			.priority = VEX_ROUTE_NO_PRIORITY};

	if (trial->matched >> event & 1) {
		route.rule = trial->first[event];
		route.matched = trial->count[event];
		route.priority = set->rules[route.rule].priority;
		route.fingerprint = set->rules[route.rule].fingerprint;
	}
	append_route(trial->burst->record[event], &route);
	if (VEX_UNLIKELY(trial->told >> event & 1))
		append(trial->burst->record[event], VEX_ATTR_SUPPRESSED, &trial->suppressed[event],
				sizeof(trial->suppressed[event]));
}

/* Of events that somebody gets. */
static void rewrite(struct worker *worker, struct trial *trial, struct rule_hits hits,
		uint64_t events)
{
	uint64_t left;

	for (left = trial->burst->routed & events; VEX_UNLIKELY(left != 0); left &= left - 1)
		vex_record_remove(trial->burst->record[__builtin_ctzll(left)], ADDED_HERE);
	for (left = trial->redacted & events; VEX_UNLIKELY(left != 0); left &= left - 1)
		redact(worker, trial, hits, (uint32_t)__builtin_ctzll(left));
	for (left = trial->open & events; left; left &= left - 1)
		tell_route(trial, (uint32_t)__builtin_ctzll(left));
}

static void count(struct worker *worker, struct trial *trial)
{
	struct rules_worker *rules = trial->rules;
	struct rule_worker_counts counts = rule_worker_counts(rules->matching);

	worker->stat->cache_hits += counts.cache_hits - rules->counted.cache_hits;
	worker->stat->cache_flushes += counts.cache_flushes - rules->counted.cache_flushes;
	worker->stat->matched += (uint64_t)__builtin_popcountll(trial->matched);
	rules->counted = counts;
}

static void lead_by_rules(struct worker *worker, struct burst *burst)
{
	struct rules_worker *rules = worker->plan->rules;
	struct rule_hits hits = rule_filter(rules->matching);
	struct trial trial;

	memset(&trial, 0, offsetof(struct trial, first));
	memset(trial.count, 0, burst->count * sizeof(trial.count[0]));
	trial.rules = rules;
	trial.plan = worker->plan;
	trial.burst = burst;
	trial.now_ns = vex_clock_now();
	trial.gaps = burst_gaps(burst);
	trial.open = burst_all(burst) & ~trial.gaps;
	if (VEX_UNLIKELY(rules->set->quotas != NULL))
		trial.quota = quota_ask(worker, burst, trial.open);
	trial.open &= ~trial.quota.dropped;
	burst->dropped[VEX_DROP_QUOTA] = trial.quota.dropped;
	burst->group_hits = rules->group_hits;
	for (uint32_t i = 0; i < hits.count; i++)
		if (hits.hits[i].events & trial.open)
			judge(&trial, hits.hits[i].rule, hits.hits[i].events & trial.open);
	rewrite(worker, &trial, hits, settle(&trial));
	count(worker, &trial);
}

void stage_filter(struct worker *worker, struct burst *burst)
{
	const struct plan *plan = worker->plan;

	burst->judged = plan->rules != NULL;
	if (VEX_UNLIKELY(burst->judged))
		memset(burst->dropped, 0, sizeof(burst->dropped));
	memset(burst->of_class, 0, sizeof(burst->of_class));
	burst->group_hit_count = 0;
	for (uint64_t left = plan->subscribers; left; left &= left - 1)
		burst->wanted[__builtin_ctzll(left)] = 0;
	if (VEX_UNLIKELY(!burst->count))
		return;
	if (VEX_UNLIKELY(plan->rules != NULL))
		lead_by_rules(worker, burst);
	else
		lead_by_default(plan, burst);
}
