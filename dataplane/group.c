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
		target_lose(worker, target, class, VEX_GAP_TARGET_FULL);
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

static void end_guard(struct worker *worker, struct target *target)
{
	struct group_state *state = guard_first(&target->guards)->group;

	if (state)
		state->guards--;
	guard_pop(&target->guards);
	if (!guard_any(&target->guards))
		worker->guarded &= ~target_bit(target);
}

/* Forgets what the subscriber has read. */
static void trim(struct worker *worker, struct target *target)
{
	uint64_t read = group_position(target);

	while (guard_any(&target->guards) && guard_first(&target->guards)->end <= read)
		end_guard(worker, target);
}

/* Whether an event that is written to a member now can be given to another one later. */
static bool can_guard(struct worker *worker, struct target *target, uint32_t size)
{
	if (!guard_has_room(&target->guards, size))
		trim(worker, target);
	return guard_has_room(&target->guards, size);
}

static void keep_guard(struct worker *worker, struct group_state *state, uint32_t member,
		const struct vex_record *record)
{
	struct target *target = worker->plan->targets[state->targets[member]];

	guard_push(&target->guards, (struct guard){target->writer.head, state, member, record->size},
			record);
	worker->guarded |= target_bit(target);
	state->guards++;
	list(worker, state);
}

/* -- delivery -- */

/* Writes an event to a member. False where it has no room, or none for a guard where one is due. */
static bool give(struct worker *worker, struct group_look *look, uint32_t member,
		const struct vex_record *record, enum vex_class class)
{
	struct group_state *state = look->state;
	struct target *target = worker->plan->targets[state->targets[member]];
	bool guarded = class == VEX_CLASS_CRITICAL, written;

	if (!target_may_pass(target, class) ||
			(guarded && !can_guard(worker, target, record->size)))
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
		keep_guard(worker, state, member, record);
	group_took(look, member, target->writer.head);
	return true;
}

/*
 * Tries members until one has room; those that have none are passed over from now on. A breaker
 * only tells who is asked first: no event waits or is lost while any member has room.
 */
static bool give_any(struct worker *worker, struct group_look *look, const struct vex_record *record,
		enum vex_class class, uint64_t among)
{
	uint32_t member;

	while ((member = group_choose(worker, look, record, among)) != CHOOSE_NONE) {
		if (give(worker, look, member, record, class))
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
		if (!can_guard(worker, worker->plan->targets[subscriber], record->size))
			continue;
		keep_guard(worker, look->state, member, record);
		return true;
	}
	return false;
}

static bool wait_for_room(struct worker *worker, struct group_state *state, struct burst *burst,
		uint32_t i, enum vex_class class)
{
	uint32_t number = HELD_NONE;

	if (worker->plan->holds && state->backlog.capacity)
		number = hold_number(worker, burst, i, class);
	return number != HELD_NONE && wait(worker, state, number);
}

static bool deliver_one(struct worker *worker, struct group_look *look, struct burst *burst, uint32_t i,
		uint64_t among)
{
	struct group_state *state = look->state;
	enum vex_class class = class_of(burst, i);

	if (backlog_urgent(&state->backlog) > class &&
			give_any(worker, look, burst->record[i], class, among))
		return true;
	if (!wait_for_room(worker, state, burst, i, class))
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

		if (!among || has_it(worker, look, burst, i))
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

	if (!give_any(worker, look, held->record, (enum vex_class)held->class,
			    group_who_asked(worker, look, held->record)))
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

static bool wait_again(struct worker *worker, struct group_state *state,
		const struct vex_record *record, struct vex_member_stat *left_by)
{
	uint32_t number = HELD_NONE;

	if (state->backlog.capacity)
		number = hold_copy(worker, record, VEX_CLASS_CRITICAL, left_by);
	if (number == HELD_NONE)
		return false;
	if (wait(worker, state, number))
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

/*
 * The event is on nobody's account: it was delivered once, and is now once more. False where it
 * stays for now.
 */
static bool give_back(struct worker *worker, struct target *from, const struct guard *guard)
{
	struct group_state *state = guard->group;
	const struct vex_record *record = guard_record(guard);
	struct vex_member_stat *left_by = group_member_stat(worker, state->group, guard->member);
	struct group_look look;

	group_look(worker, &look, state);
	if (give_any(worker, &look, record, VEX_CLASS_CRITICAL,
			    group_who_asked(worker, &look, record))) {
		left_by->returned++;
		publish(worker);
		return true;
	}
	if (look.live && wait_again(worker, state, record, left_by))
		return true;
	if (look.live && patient(worker, from))
		return false;
	left_by->lost++;
	lose(worker, state, VEX_CLASS_CRITICAL);
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
