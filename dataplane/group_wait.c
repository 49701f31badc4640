/* SPDX-License-Identifier: BSD-3-Clause */
/* What waits for groups. */
#include "dataplane/group_work.h"
#include "dataplane/stage.h"

#define WAITING_A_ROUND 64u

/* A look at all that waits, from the most urgent on. Masks have a bit a member. */
struct scan {
	struct group_look look;
	uint64_t blocked; /* they have no room for something before: nothing behind it is theirs */
	uint64_t waits;	  /* what stays is for them */
	uint32_t budget;
};

void group_list(struct worker *worker, struct group_state *state)
{
	if (state->listed)
		return;
	state->listed = true;
	state->next = worker->groups;
	worker->groups = state;
}

static bool idle(const struct group_state *state)
{
	return !state->backlog.total && !state->guards;
}

bool group_lose(struct worker *worker, struct group_state *state, enum vex_class class,
		enum vex_gap_reason reason)
{
	struct target *target;
	bool runs;

	group_resolve(worker->plan, state);
	for (uint32_t i = 0; i < state->group->member_count; i++) {
		if (state->targets[i] == GROUP_GONE)
			continue;
		target = worker->plan->targets[state->targets[i]];
		runs = target->stat->generation & 1;
		if (!runs)
			vex_stat_begin(&target->stat->generation);
		target->stat->offered++;
		target_lose(worker, target, class, reason);
		if (!runs)
			vex_stat_end(&target->stat->generation);
		return true;
	}
	return false;
}

static void lose_victim(struct worker *worker, struct group_state *state,
		const struct backlog_victim *victim)
{
	bool told = group_lose(worker, state, victim->class, VEX_GAP_TARGET_FULL);

	worker->stat->class[victim->class].displaced += told;
	hold_release(worker, victim->held, told ? VEX_DROP_TARGET_FULL : VEX_DROP_TARGET_GONE);
}

bool group_wait(struct worker *worker, struct group_state *state, uint32_t number, uint64_t fits)
{
	enum vex_class class = (enum vex_class)worker->held.slots[number].class;
	struct backlog_victim victim;
	enum backlog_verdict verdict = backlog_offer(&state->backlog, worker->plan->policies,
			class, number, &victim);

	if (verdict == BACKLOG_REFUSED)
		return false;
	worker->held.slots[number].waiting++;
	state->waits |= fits;
	group_list(worker, state);
	if (verdict == BACKLOG_DISPLACED)
		lose_victim(worker, state, &victim);
	hold_block(worker, &state->backlog);
	return true;
}

/*
 * What one of those who are there could still take stays until it can. Of those who are left
 * nobody may have asked for it, or have a lane large enough: then it is lost.
 */
static bool settle(struct worker *worker, struct scan *scan, uint32_t number, enum vex_drop *reason)
{
	struct held *held = &worker->held.slots[number];
	enum vex_class class = (enum vex_class)held->class;
	uint64_t asked = group_who_asked(worker, &scan->look, held->record);
	uint64_t fits = group_who_fits(worker, &scan->look, held->record, class, asked);

	*reason = VEX_DROP_TARGET_GONE;
	if (group_give(worker, &scan->look, held->record, class, fits & ~scan->blocked)) {
		held->delivered = true;
		return true;
	}
	scan->blocked |= fits;
	scan->waits |= fits;
	if (asked && !fits) {
		group_lose(worker, scan->look.state, class, VEX_GAP_TOO_LARGE);
		*reason = VEX_DROP_TOO_LARGE;
	}
	return !fits;
}

/*
 * Members may have asked for different events: what waits for one who has no room does not hold
 * up what others could take. Returns whether all of the class was looked at.
 */
static bool write_class(struct worker *worker, struct scan *scan, unsigned class)
{
	struct backlog *backlog = &scan->look.state->backlog;
	enum vex_drop reason;
	uint32_t i = 0;

	while (i < backlog->queue[class].count && scan->budget &&
			(scan->blocked != scan->look.live || !scan->look.live)) {
		uint32_t number = backlog_at(backlog, class, i);

		if (!settle(worker, scan, number, &reason)) {
			i++;
			continue;
		}
		backlog_take_at(backlog, class, i);
		hold_release(worker, number, reason);
		scan->budget--;
	}
	return i == backlog->queue[class].count;
}

static void write_waiting(struct worker *worker, struct group_state *state)
{
	struct scan scan = {.budget = WAITING_A_ROUND};
	bool all = true;

	if (state->backlog.total) {
		group_look(worker, &scan.look, state);
		for (unsigned class = 0; class < VEX_CLASS_COUNT; class++)
			all = write_class(worker, &scan, class) && all;
	}
	state->waits = all ? scan.waits : UINT64_MAX;
	hold_unblock(worker, &state->backlog);
}

void group_write_waiting(struct worker *worker)
{
	struct group_state **link = &worker->groups;
	uint64_t left = worker->guarded & worker->plan->subscribers;

	for (; left; left &= left - 1)
		group_trim(worker, worker->plan->targets[__builtin_ctzll(left)]);
	while (*link) {
		struct group_state *state = *link;

		write_waiting(worker, state);
		if (!idle(state)) {
			link = &state->next;
			continue;
		}
		state->listed = false;
		*link = state->next;
	}
	group_publish(worker);
}

void group_displace(struct worker *worker, const struct backlog_victim *victim)
{
	for (struct group_state *state = worker->groups; state; state = state->next) {
		if (!backlog_remove(&state->backlog, victim->class, victim->held))
			continue;
		lose_victim(worker, state, victim);
		hold_unblock(worker, &state->backlog);
	}
}
