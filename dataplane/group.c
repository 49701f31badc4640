/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/group.h"

#include "dataplane/group_look.h"
#include "dataplane/stage.h"

#define WAITING_A_ROUND 64u

/* -- what waits, and what lies unread -- */

static void list(struct worker *worker, struct group_state *state)
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

/* An event that is nobody's any more. The first live member is told; false where there is none. */
static bool lose(struct worker *worker, struct group_state *state, enum vex_class class)
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
		target_lose(worker, target, class);
		if (!runs)
			vex_stat_end(&target->stat->generation);
		return true;
	}
	return false;
}

static void lose_victim(struct worker *worker, struct group_state *state,
		const struct backlog_victim *victim)
{
	bool told = lose(worker, state, victim->class);

	worker->stat->class[victim->class].displaced += told;
	hold_release(worker, victim->held, told ? VEX_DROP_TARGET_FULL : VEX_DROP_TARGET_GONE);
}

static bool wait(struct worker *worker, struct group_state *state, uint32_t number)
{
	enum vex_class class = (enum vex_class)worker->held.slots[number].class;
	struct backlog_victim victim;
	enum backlog_verdict verdict = backlog_offer(&state->backlog, worker->plan->policies,
			class, number, &victim);

	if (verdict == BACKLOG_REFUSED)
		return false;
	worker->held.slots[number].waiting++;
	list(worker, state);
	if (verdict == BACKLOG_DISPLACED)
		lose_victim(worker, state, &victim);
	hold_block(worker, &state->backlog, class);
	return true;
}

/* Forgets what the subscriber has read. */
static void trim(struct worker *worker, struct target *target)
{
	uint64_t read = group_position(target);

	while (guard_any(&target->guards) && guard_first(&target->guards)->end <= read) {
		struct guard guard = guard_pop(&target->guards);

		guard.group->guards--;
		hold_unguard(worker, guard.held);
	}
	if (!guard_any(&target->guards))
		worker->guarded &= ~target_bit(target);
}

static void keep_guard(struct worker *worker, struct group_state *state, struct target *target,
		uint32_t number)
{
	worker->held.slots[number].guards++;
	guard_push(&target->guards, (struct guard){target->writer.head, state, number});
	worker->guarded |= target_bit(target);
	state->guards++;
	list(worker, state);
}

/* -- delivery -- */

/*
 * Writes an event to a member; number is that of one that has to be guarded, or HELD_NONE. False
 * where the member has no room.
 */
static bool give(struct worker *worker, struct group_look *look, uint32_t member,
		const struct vex_record *record, enum vex_class class, uint32_t number)
{
	struct group_state *state = look->state;
	struct target *target = worker->plan->targets[state->targets[member]];
	bool written;

	if (number != HELD_NONE && guard_full(&target->guards))
		trim(worker, target);
	if (!target_may_pass(target, class) ||
			(number != HELD_NONE && guard_full(&target->guards)))
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
	if (number != HELD_NONE)
		keep_guard(worker, state, target, number);
	group_took(look, member, target->writer.head);
	return true;
}

/*
 * Tries members until one has room; those that have none are passed over from now on. A breaker
 * only tells who is asked first: no event waits or is lost while any member has room.
 */
static bool give_any(struct worker *worker, struct group_look *look, const struct vex_record *record,
		enum vex_class class, uint32_t number, uint64_t among)
{
	uint32_t member;

	while ((member = group_choose(worker, look, record, among)) != CHOOSE_NONE) {
		if (give(worker, look, member, record, class, number))
			return true;
		group_fail(worker, look, member);
	}
	return false;
}

static void publish(struct worker *worker)
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

/* A member that gets the event anyway, by a rule that names it, is a member that got it. */
static bool has_it(const struct group_look *look, const struct burst *burst, uint32_t i)
{
	for (uint64_t left = look->live; left; left &= left - 1)
		if (burst->wanted[look->state->targets[__builtin_ctzll(left)]] >> i & 1)
			return true;
	return false;
}

static bool deliver_one(struct worker *worker, struct group_look *look, struct burst *burst, uint32_t i,
		uint64_t among)
{
	struct group_state *state = look->state;
	enum vex_class class = class_of(burst, i);
	uint32_t number = HELD_NONE;

	if (class == VEX_CLASS_CRITICAL)
		number = hold_number(worker, burst, i, class);
	if (backlog_urgent(&state->backlog) > class &&
			give_any(worker, look, burst->record[i], class, number, among))
		return true;
	if (worker->plan->holds && state->backlog.capacity && number == HELD_NONE)
		number = hold_number(worker, burst, i, class);
	if (!worker->plan->holds || number == HELD_NONE || !wait(worker, state, number))
		lose(worker, state, class);
	return false;
}

static uint64_t deliver_hit(struct worker *worker, struct group_look *look, struct burst *burst,
		uint64_t events, uint64_t *any)
{
	uint64_t got = 0;

	for (uint64_t left = events; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint64_t among = group_who_asked(worker, look, burst->record[i]);

		if (!among || has_it(look, burst, i))
			continue;
		*any |= 1ull << i;
		if (deliver_one(worker, look, burst, i, among))
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
	publish(worker);
	return got;
}

/* -- later -- */

static bool give_held(struct worker *worker, struct group_look *look, uint32_t number)
{
	struct held *held = &worker->held.slots[number];
	bool guarded = held->class == VEX_CLASS_CRITICAL;

	if (!give_any(worker, look, held->record, (enum vex_class)held->class,
			    guarded ? number : HELD_NONE, group_who_asked(worker, look, held->record)))
		return false;
	held->delivered = true;
	return true;
}

/* No member is there any more: there is nobody to wait for. */
static void give_up(struct worker *worker, struct group_state *state)
{
	uint32_t number = backlog_take(&state->backlog, backlog_urgent(&state->backlog));

	hold_release(worker, number, VEX_DROP_TARGET_GONE);
}

static void write_waiting(struct worker *worker, struct group_state *state)
{
	uint32_t budget = WAITING_A_ROUND;
	struct group_look look;

	if (!state->backlog.total)
		return;
	group_look(worker, &look, state);
	while (state->backlog.total && budget--) {
		unsigned class = backlog_urgent(&state->backlog);
		uint32_t number = backlog_first(&state->backlog, class);

		if (!look.live) {
			give_up(worker, state);
			continue;
		}
		if (!give_held(worker, &look, number))
			break;
		backlog_take(&state->backlog, class);
		hold_release(worker, number, VEX_DROP_TARGET_FULL);
	}
	hold_unblock(worker, &state->backlog);
}

void group_write_waiting(struct worker *worker)
{
	struct group_state **link = &worker->groups;
	uint64_t left = worker->guarded & worker->plan->subscribers;

	for (; left; left &= left - 1)
		trim(worker, worker->plan->targets[__builtin_ctzll(left)]);
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
	publish(worker);
}

bool group_evict(struct worker *worker, enum vex_class class)
{
	struct backlog_victim victim;
	bool evicted = false;

	for (struct group_state *state = worker->groups; state; state = state->next) {
		if (!backlog_evict(&state->backlog, worker->plan->policies, class, &victim))
			continue;
		lose_victim(worker, state, &victim);
		evicted = true;
	}
	return evicted;
}

static void count_taken_back(struct worker *worker, const struct group_state *state)
{
	for (uint32_t i = 0; i < state->group->member_count; i++)
		if (state->targets[i] == GROUP_GONE)
			group_member_stat(worker, state->group, i)->returned++;
}

/* The event is on nobody's account: it was delivered once, and is now once more. */
void group_take_back(struct worker *worker, struct target *target)
{
	uint64_t read = group_position(target);
	struct guard guard = guard_pop(&target->guards);
	struct group_state *state = guard.group;
	struct held *held = &worker->held.slots[guard.held];
	struct group_look look;

	if (!guard_any(&target->guards))
		worker->guarded &= ~target_bit(target);
	state->guards--;
	if (guard.end > read) {
		group_look(worker, &look, state);
		count_taken_back(worker, state);
		held->waiting++; /* so that it stays until it is given */
		if (look.live && !give_held(worker, &look, guard.held) &&
				!wait(worker, state, guard.held))
			lose(worker, state, (enum vex_class)held->class);
		publish(worker);
		hold_release(worker, guard.held, VEX_DROP_TARGET_GONE);
	}
	hold_unguard(worker, guard.held);
}
