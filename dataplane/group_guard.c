/* SPDX-License-Identifier: BSD-3-Clause */
/* Critical events that members have not read yet, and what becomes of them when one goes. */
#include "dataplane/group_work.h"
#include "dataplane/stage.h"

static void end_guard(struct worker *worker, struct target *target)
{
	struct group_state *state = guard_first(&target->guards)->group;

	if (state)
		state->guards--;
	guard_pop(&target->guards);
	if (!guard_any(&target->guards))
		worker->guarded &= ~target_bit(target);
}

void group_trim(struct worker *worker, struct target *target)
{
	uint64_t read = group_position(target);

	while (guard_any(&target->guards) && guard_first(&target->guards)->end <= read)
		end_guard(worker, target);
}

bool group_can_guard(struct worker *worker, struct target *target, uint32_t size)
{
	if (!guard_has_room(&target->guards, size))
		group_trim(worker, target);
	return guard_has_room(&target->guards, size);
}

void group_guard(struct worker *worker, struct group_state *state, uint32_t member,
		const struct vex_record *record)
{
	struct target *target = worker->plan->targets[state->targets[member]];

	guard_push(&target->guards, (struct guard){target->writer.head, state, member, record->size},
			record);
	worker->guarded |= target_bit(target);
	state->guards++;
	group_list(worker, state);
}

static bool wait_again(struct worker *worker, struct group_state *state,
		const struct vex_record *record, uint64_t fits, struct vex_member_stat *left_by)
{
	uint32_t number = HELD_NONE;

	if (fits && state->backlog.capacity)
		number = hold_copy(worker, record, VEX_CLASS_CRITICAL, left_by);
	if (number == HELD_NONE)
		return false;
	if (group_wait(worker, state, number, fits))
		return true;
	hold_drop(worker, number);
	return false;
}

/* As long as its class may block a worker, an event that finds no place stays where it is. */
static bool patient(struct worker *worker, struct target *target)
{
	const struct class_policy *policy = &worker->plan->policies[VEX_CLASS_CRITICAL];
	uint64_t now = worker_now_ns(worker);

	if (!target->returns_since)
		target->returns_since = now;
	return policy->overload == CLASS_BLOCK && now - target->returns_since < policy->block_ns;
}

static struct vex_member_stat *who_left(struct worker *worker, const struct guard *guard)
{
	if (guard->member == GUARD_OF_NOBODY)
		return NULL;
	return group_member_stat(worker, guard->group->group, guard->member);
}

/*
 * The event is on nobody's account: it was delivered once, and is now once more. False where it
 * stays for now.
 */
static bool give_back(struct worker *worker, struct target *from, const struct guard *guard)
{
	struct group_state *state = guard->group;
	const struct vex_record *record = guard_record(guard);
	struct vex_member_stat *left_by = who_left(worker, guard);
	struct group_look look;
	uint64_t asked, fits;

	group_look(worker, &look, state);
	asked = group_who_asked(worker, &look, record);
	fits = group_who_fits(worker, &look, record, VEX_CLASS_CRITICAL, asked);
	if (group_give(worker, &look, record, VEX_CLASS_CRITICAL, fits)) {
		from->returns_since = 0;
		if (left_by)
			left_by->returned++;
		group_publish(worker);
		return true;
	}
	if (wait_again(worker, state, record, fits, left_by)) {
		from->returns_since = 0;
		return true;
	}
	if (fits && patient(worker, from))
		return false;
	if (left_by)
		left_by->lost++;
	group_lose(worker, state, VEX_CLASS_CRITICAL,
			asked && !fits ? VEX_GAP_TOO_LARGE : VEX_GAP_TARGET_FULL);
	return true;
}

bool group_take_back(struct worker *worker, struct target *target)
{
	const struct guard *guard = guard_first(&target->guards);

	if (guard->group && guard->end > group_position(target) &&
			!give_back(worker, target, guard))
		return false;
	end_guard(worker, target);
	return true;
}
