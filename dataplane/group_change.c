/* SPDX-License-Identifier: BSD-3-Clause */
/* Another rule set: what becomes of groups that it has not. */
#include "dataplane/group_look.h"
#include "dataplane/stage.h"

/* The first of the members it had that is there still. */
static struct target *heir(const struct worker *worker, const struct group_state *state)
{
	const struct plan *plan = worker->plan;

	for (uint32_t i = 0; i < state->group->member_count; i++)
		if (state->targets[i] != GROUP_GONE && (plan->subscribers >> state->targets[i] & 1))
			return plan->targets[state->targets[i]];
	return NULL;
}

static void leave_to(struct worker *worker, struct target *target, uint32_t number)
{
	vex_stat_begin(&target->stat->generation);
	target->stat->offered++;
	if (!target_wait(worker, target, number))
		target_lose(worker, target, (enum vex_class)worker->held.slots[number].class,
				VEX_GAP_TARGET_FULL);
	vex_stat_end(&target->stat->generation);
}

static void dissolve(struct worker *worker, struct group_state *state)
{
	struct target *target = heir(worker, state);

	while (state->backlog.total) {
		uint32_t number = backlog_take(&state->backlog, backlog_urgent(&state->backlog));

		worker->held.slots[number].left_by = NULL; /* the group may be gone before it */
		if (target)
			leave_to(worker, target, number);
		hold_release(worker, number, target ? VEX_DROP_TARGET_FULL : VEX_DROP_TARGET_GONE);
	}
	hold_unblock(worker, &state->backlog);
}

static void forget_guards_of(struct target *target, const struct group_state *state)
{
	const struct guards *guards = &target->guards;
	struct guard *guard;

	for (uint64_t at = guards->tail; at != guards->head; at += guard_stride(guard->size)) {
		guard = guard_at(guards, at);
		if (guard->group == state)
			guard->group = NULL;
	}
}

/*
 * What lies unread is its reader's alone: there is no group to give it to. A subscriber of the old
 * plan that has guards is there still, since it leaves only without.
 */
static void forget_guards(struct worker *worker, const struct plan *old,
		const struct group_state *state)
{
	uint64_t left = worker->guarded & (old->subscribers | old->leaving);

	for (; left; left &= left - 1)
		forget_guards_of(old->targets[__builtin_ctzll(left)], state);
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
		group_resolve(old, state);
		dissolve(worker, state);
		forget_guards(worker, old, state);
		state->guards = 0;
		state->listed = false;
		*link = state->next;
	}
	vex_stat_end(&worker->stat->generation);
}
