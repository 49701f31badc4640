/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/group_look.h"

#include <xxhash.h>

#include "dataplane/ruleset.h"
#include "dataplane/target.h"

/* A lane that is full. */
#define LOAD_FULL 1024u

struct vex_member_stat *group_member_stat(const struct worker *worker, const struct group *group,
		uint32_t member)
{
	return &worker->plane->stat->member_of[worker->index][group->rows[member]];
}

/* How far a subscriber says it has read; one that can't be true is no news. */
uint64_t group_position(const struct target *target)
{
	uint64_t read = VEX_LOAD_ACQUIRE(&target->writer.peer->position); /* by vex_lane_release() */

	return read <= target->writer.head ? read : target->seen_position;
}

uint32_t group_index(const struct ruleset *set, const struct group *group)
{
	for (uint32_t i = 0; set && i < set->group_count; i++)
		if (set->groups[i] == group)
			return i;
	return UINT32_MAX;
}

const struct ruleset *group_set(const struct plan *plan)
{
	return plan->rules ? plan->rules->set : NULL;
}

/* A subscriber that came in the place of another begins anew. */
static void set_target(const struct plan *plan, struct group_state *state, uint32_t member,
		uint8_t subscriber)
{
	uint64_t serial = plan->targets[subscriber]->serial;

	state->targets[member] = subscriber;
	if (state->serials[member] != serial)
		state->breakers[member] = (struct breaker){.state = BREAKER_CLOSED};
	state->serials[member] = serial;
}

/* Who the members are, once a plan; of several subscribers of one name the first. */
void group_resolve(const struct plan *plan, struct group_state *state)
{
	const struct ruleset *set = group_set(plan);
	const struct rule_image_group_of *groups;

	if (state->plan == plan->generation)
		return;
	state->plan = plan->generation;
	state->index = group_index(set, state->group);
	memset(state->targets, GROUP_GONE, sizeof(state->targets));
	if (state->index == UINT32_MAX)
		return;
	groups = rule_image_part(set->image, RULE_PART_GROUPS);
	for (uint32_t i = 0; i < state->group->member_count; i++) {
		uint32_t number = set->members[groups[state->index].member_first + i];
		uint64_t who = plan->named[number] & plan->subscribers;

		if (who)
			set_target(plan, state, i, (uint8_t)__builtin_ctzll(who));
	}
}

/* A lane with something in it whose reader does not move. */
static bool stands_still(struct target *target, uint64_t now_ns, uint64_t slow_ns)
{
	uint64_t read = group_position(target);

	if (read != target->seen_position || read == target->writer.head) {
		target->seen_position = read;
		target->seen_ns = now_ns;
	}
	return now_ns - target->seen_ns >= slow_ns;
}

static void open_breaker(struct worker *worker, const struct group_look *look, uint32_t member)
{
	struct group_state *state = look->state;
	struct vex_member_stat *stat = group_member_stat(worker, state->group, member);

	stat->opened += state->breakers[member].state != BREAKER_OPEN;
	breaker_fail(&state->breakers[member], look->now_ns);
	stat->state = BREAKER_OPEN;
}

void group_fail(struct worker *worker, struct group_look *look, uint32_t member)
{
	uint64_t bit = 1ull << member;

	if (look->usable & bit)
		open_breaker(worker, look, member);
	look->usable &= ~bit;
	look->spare &= ~bit;
}

void group_took(struct group_look *look, uint32_t member, uint64_t end)
{
	struct breaker *breaker = &look->state->breakers[member];
	uint64_t bit = 1ull << member;

	look->took |= bit;
	if (breaker->state != BREAKER_OPEN || !(look->usable & bit))
		return;
	breaker_probe(breaker, look->now_ns, end);
	look->usable &= ~bit;
	look->spare |= bit;
}

/* It was found full or slow, but has read since, and has room again. */
static bool has_read_on(const struct target *target, const struct breaker *breaker, uint64_t load)
{
	return target->seen_ns > breaker->since_ns && load < LOAD_FULL / 2;
}

static void look_at_member(struct worker *worker, struct group_look *look, uint32_t member)
{
	const struct group *group = look->state->group;
	struct breaker *breaker = &look->state->breakers[member];
	struct target *target = worker->plan->targets[look->state->targets[member]];
	bool slow = stands_still(target, look->now_ns, group->slow_ns);

	breaker_check(breaker, look->now_ns, group->probe_ns, target->seen_position);
	group_member_stat(worker, group, member)->state = breaker->state;
	look->live |= 1ull << member;
	look->subscribers |= target_bit(target);
	if (look->largest > target->record_max)
		look->largest = target->record_max;
	if (!target->guards.capacity)
		look->largest = 0;
	look->load[member] = (target->writer.head - target->seen_position) * LOAD_FULL /
			(target->writer.mask + 1);
	if (slow && breaker->state == BREAKER_CLOSED)
		open_breaker(worker, look, member);
	else if (breaker_admits(breaker, look->now_ns, group->probe_ns))
		look->usable |= 1ull << member;
	else if (breaker->state == BREAKER_OPEN && has_read_on(target, breaker, look->load[member]))
		look->reviving |= 1ull << member;
}

void group_look(struct worker *worker, struct group_look *look, struct group_state *state)
{
	*look = (struct group_look){.state = state,
			.now_ns = worker_now_ns(worker),
			.largest = UINT32_MAX};
	group_resolve(worker->plan, state);
	for (uint32_t i = 0; i < state->group->member_count; i++)
		if (state->targets[i] != GROUP_GONE)
			look_at_member(worker, look, i);
	if (!look->usable) /* nobody else: they are probed at once */
		look->usable = look->reviving;
	look->spare = look->live & ~look->usable;
}

/* Members whose own filters let the event pass. */
uint64_t group_who_asked(const struct worker *worker, const struct group_look *look,
		const struct vex_record *record)
{
	const struct plan *plan = worker->plan;
	uint64_t asked = plan->by_type[record->type] & plan->by_boundary[record->boundary];
	uint64_t members = 0;

	if (VEX_LIKELY(!(look->subscribers & ~asked)))
		return look->live;
	for (uint64_t left = look->live; left; left &= left - 1) {
		uint32_t member = (uint32_t)__builtin_ctzll(left);

		members |= (asked >> look->state->targets[member] & 1) << member;
	}
	return members;
}

uint64_t group_who_fits(const struct worker *worker, const struct group_look *look,
		const struct vex_record *record, enum vex_class class, uint64_t among)
{
	uint64_t fits = 0;

	if (VEX_LIKELY(record->size <= look->largest))
		return among;
	for (uint64_t left = among; left; left &= left - 1) {
		const struct target *target =
				worker->plan->targets[look->state->targets[__builtin_ctzll(left)]];

		if (record->size <= target->record_max && (class != VEX_CLASS_CRITICAL ||
					guard_can(&target->guards, record->size)))
			fits |= left & -left;
	}
	return fits;
}

static uint64_t key_of(const struct worker *worker, const struct group_state *state,
		const struct vex_record *record)
{
	const struct ruleset *set = group_set(worker->plan);
	const struct rule_image_group_of *groups = rule_image_part(set->image, RULE_PART_GROUPS);
	const struct rule_image_keys *by = &groups[state->index].by;
	uint64_t hash = 0;

	for (uint32_t i = 0; i < by->count; i++) {
		struct rule_datum value = rule_reader_read(&set->reader,
				&set->reader.keys[by->first + i], record);

		hash = choose_mix(hash + i + 1);
		if (value.has && value.is_text)
			hash = XXH3_64bits_withSeed(value.text.data, value.text.len, hash);
		else if (value.has)
			hash = choose_mix(hash ^ value.number);
	}
	return hash;
}

uint32_t group_choose(const struct worker *worker, struct group_look *look,
		const struct vex_record *record, uint64_t among)
{
	const struct group *group = look->state->group;
	struct choose_from from = {.balance = group->balance,
			.count = group->member_count,
			.members = group->members,
			.usable = look->usable & among,
			.load = look->load};

	if (!from.usable)
		from.usable = look->spare & among;
	if (group->balance == CHOOSE_HASH && from.usable)
		from.key = key_of(worker, look->state, record);
	return choose(&from, &look->state->choice);
}
