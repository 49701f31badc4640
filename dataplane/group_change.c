/* SPDX-License-Identifier: BSD-3-Clause */
/* Another rule set: what becomes of groups that it has not. */
#include "dataplane/group_work.h"
#include "dataplane/stage.h"

static void leave_to(struct worker *worker, struct target *target, uint32_t number, bool fits)
{
	enum vex_class class = (enum vex_class)worker->held.slots[number].class;

	vex_stat_begin(&target->stat->generation);
	target->stat->offered++;
	if (!fits)
		target_lose(worker, target, class, VEX_GAP_TOO_LARGE);
	else if (!target_wait(worker, target, number))
		target_lose(worker, target, class, VEX_GAP_TARGET_FULL);
	vex_stat_end(&target->stat->generation);
}

/*
 * To the first of the members it had that is there still, has asked for it and has a lane that is
 * large enough. Returns why nobody got it where nobody waits for it.
 */
static enum vex_drop leave_to_heir(struct worker *worker, const struct group_state *state,
		uint32_t number)
{
	const struct vex_record *record = worker->held.slots[number].record;
	const struct plan *plan = worker->plan;
	uint64_t asked = who_asked(plan, record) & plan->subscribers;
	struct target *small = NULL;

	for (uint32_t i = 0; i < state->group->member_count; i++) {
		struct target *target;

		if (state->targets[i] == GROUP_GONE || !(asked >> state->targets[i] & 1))
			continue;
		target = plan->targets[state->targets[i]];
		if (record->size <= target->record_max) {
			leave_to(worker, target, number, true);
			return VEX_DROP_TARGET_FULL;
		}
		small = target;
	}
	if (!small)
		return VEX_DROP_TARGET_GONE;
	leave_to(worker, small, number, false);
	return VEX_DROP_TOO_LARGE;
}

static void dissolve(struct worker *worker, struct group_state *state)
{
	while (state->backlog.total) {
		uint32_t number = backlog_take(&state->backlog, backlog_urgent(&state->backlog));

		worker->held.slots[number].left_by = NULL; /* the group may be gone before it */
		hold_release(worker, number, leave_to_heir(worker, state, number));
	}
	hold_unblock(worker, &state->backlog);
}

/* The worker's part of the new set's group of that name, or NULL. */
static struct group_state *successor(const struct worker *worker, const struct group_state *state)
{
	const struct ruleset *set = group_set(worker->plan);

	for (uint32_t i = 0; set && i < set->group_count; i++)
		if (set->groups[i]->name == state->group->name)
			return set->groups[i]->states[worker->index];
	return NULL;
}

static uint32_t member_of(const struct group *group, uint64_t name)
{
	uint32_t i = 0;

	while (i < group->member_count && group->members[i].hash != name)
		i++;
	return i < group->member_count ? i : GUARD_OF_NOBODY;
}

static void pass_on(struct worker *worker, struct guard *guard, struct group_state *to)
{
	const struct group *from = guard->group->group;

	guard->group->guards--;
	guard->group = to;
	if (!to)
		return;
	guard->member = guard->member == GUARD_OF_NOBODY
			? GUARD_OF_NOBODY
			: member_of(to->group, from->members[guard->member].hash);
	to->guards++;
	group_list(worker, to);
}

/*
 * What lies unread belongs to the group of the same name, or else is its reader's alone: there is no
 * group to give it to. A subscriber of the old plan that has guards is there still, since it
 * leaves only without.
 */
static void pass_on_guards(struct worker *worker, const struct plan *old,
		const struct group_state *state)
{
	uint64_t left = worker->guarded & (old->subscribers | old->leaving);
	struct group_state *to = successor(worker, state);

	for (; left; left &= left - 1) {
		const struct guards *guards = &old->targets[__builtin_ctzll(left)]->guards;
		struct guard *guard;

		for (uint64_t at = guards->tail; at != guards->head; at += guard_stride(guard->size)) {
			guard = guard_at(guards, at);
			if (guard->group == state)
				pass_on(worker, guard, to);
		}
	}
}

void group_adopt_plan(struct worker *worker, const struct plan *old)
{
	struct group_state **link = &worker->groups;

	if (group_set(old) == group_set(worker->plan))
		return;
	vex_stat_begin(&worker->stat->generation);
	while (*link) {
		struct group_state *state = *link;

		if (group_index(group_set(worker->plan), state->group) != UINT32_MAX) {
			link = &state->next;
			continue;
		}
		state->listed = false;
		*link = state->next;
		group_resolve(old, state);
		dissolve(worker, state);
		pass_on_guards(worker, old, state);
	}
	vex_stat_end(&worker->stat->generation);
}
