/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/group.h"

#include "dataplane/group_work.h"
#include "dataplane/stage.h"

/* Writes an event to a member. False where it has no room, or none for a guard where one is due. */
static bool give(struct worker *worker, struct group_look *look, uint32_t member,
		const struct vex_record *record, enum vex_class class)
{
	struct group_state *state = look->state;
	struct target *target = worker->plan->targets[state->targets[member]];
	bool guarded = class == VEX_CLASS_CRITICAL, written;

	if (!target_may_pass(target, class) ||
			(guarded && !group_can_guard(worker, target, record->size)))
		return false;
	vex_stat_begin(&target->stat->generation);
	written = target_put(worker, target, record);
	target->stat->offered += written;
	vex_stat_end(&target->stat->generation);
	if (!written)
		return false;
	worker->staged |= target_bit(target);
	group_member_stat(worker, state->group, member)->chosen++;
	look->load[member] += (vex_lane_stride(record->size) << 10) / (target->writer.mask + 1);
	if (guarded)
		group_guard(worker, state, member, record);
	group_took(look, member, target->writer.head);
	return true;
}

bool group_give(struct worker *worker, struct group_look *look, const struct vex_record *record,
		enum vex_class class, uint64_t among)
{
	uint32_t member;

	while (among && (member = group_choose(worker, look, record, among)) != CHOOSE_NONE) {
		if (give(worker, look, member, record, class))
			return true;
		group_fail(worker, look, member);
	}
	return false;
}

void group_publish(struct worker *worker)
{
	for (uint64_t left = worker->staged; left; left &= left - 1)
		target_publish(worker, worker->plan->targets[__builtin_ctzll(left)]);
	worker->staged = 0;
}

static enum vex_class class_of(const struct burst *burst, uint32_t i)
{
	unsigned class = 0;

	while (class < VEX_CLASS_LOW && !(burst->of_class[class] >> i & 1))
		class++;
	return (enum vex_class)class;
}

/*
 * A member that got the event anyway, by a rule that names it, is a member that got it: unless it
 * can't be given to another should this one not read it.
 */
static bool has_it(struct worker *worker, const struct group_look *look, const struct burst *burst,
		uint32_t i)
{
	const struct vex_record *record = burst->record[i];

	for (uint64_t left = look->live; left; left &= left - 1) {
		uint32_t member = (uint32_t)__builtin_ctzll(left);
		uint32_t subscriber = look->state->targets[member];

		if (VEX_LIKELY(!(burst->wanted[subscriber] >> i & 1)))
			continue;
		if (class_of(burst, i) != VEX_CLASS_CRITICAL)
			return true;
		if (!group_can_guard(worker, worker->plan->targets[subscriber], record->size))
			continue;
		group_guard(worker, look->state, member, record);
		return true;
	}
	return false;
}

static bool wait_for_room(struct worker *worker, struct group_state *state, struct burst *burst,
		uint32_t i, enum vex_class class, uint64_t fits)
{
	uint32_t number = HELD_NONE;

	if (worker->plan->holds && state->backlog.capacity)
		number = hold_number(worker, burst, i, class);
	return number != HELD_NONE && group_wait(worker, state, number, fits);
}

/* Those for whom nothing waits that goes before an event of this class. */
static uint64_t waits_not(const struct group_state *state, enum vex_class class)
{
	return backlog_urgent(&state->backlog) > class ? UINT64_MAX : ~state->waits;
}

static bool deliver_one(struct worker *worker, struct group_look *look, struct burst *burst, uint32_t i,
		uint64_t asked)
{
	struct group_state *state = look->state;
	enum vex_class class = class_of(burst, i);
	uint64_t fits = group_who_fits(worker, look, burst->record[i], class, asked);

	if (group_give(worker, look, burst->record[i], class, fits & waits_not(state, class)))
		return true;
	if (!fits) {
		burst->too_large |= 1ull << i;
		group_lose(worker, state, class, VEX_GAP_TOO_LARGE);
	} else if (!wait_for_room(worker, state, burst, i, class, fits)) {
		group_lose(worker, state, class, VEX_GAP_TARGET_FULL);
	}
	return false;
}

static uint64_t deliver_hit(struct worker *worker, struct group_look *look, struct burst *burst,
		uint64_t events, uint64_t *any)
{
	uint64_t got = 0;

	for (uint64_t left = events; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint64_t asked = group_who_asked(worker, look, burst->record[i]);

		if (!asked || has_it(worker, look, burst, i))
			continue;
		*any |= 1ull << i;
		if (deliver_one(worker, look, burst, i, asked))
			got |= 1ull << i;
	}
	return got;
}

static void count_passed_over(struct worker *worker, const struct group_look *look, uint64_t events)
{
	const struct group *group = look->state->group;
	uint64_t all = UINT64_MAX >> (64 - group->member_count);

	for (uint64_t left = all & ~(look->usable | look->took); left; left &= left - 1)
		group_member_stat(worker, group, (uint32_t)__builtin_ctzll(left))->skipped +=
				(uint64_t)__builtin_popcountll(events);
}

uint64_t group_deliver(struct worker *worker, struct burst *burst, uint64_t *any, uint64_t *gone)
{
	const struct ruleset *set = group_set(worker->plan);
	uint64_t got = 0;

	for (uint32_t i = 0; i < burst->group_hit_count; i++) {
		const struct group_hit *hit = &burst->group_hits[i];
		struct group_look look;

		group_look(worker, &look, set->groups[hit->group]->states[worker->index]);
		if (!look.live)
			*gone |= hit->events;
		got |= deliver_hit(worker, &look, burst, hit->events, any);
		count_passed_over(worker, &look, hit->events);
	}
	group_publish(worker);
	return got;
}
