/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/target.h"

#include "base/clock.h"
#include "dataplane/group.h"
#include "dataplane/hold.h"
#include "dataplane/stage.h"

/* Events that a subscriber sees at once: one who polls takes away the line he waits for. */
#define GROUP 16u
/* Of those that wait, at most so many a target and a round: others have work as well. */
#define WAITING_A_ROUND 64u

/* To be woken once this worker has nothing better to do, or by the main core. */
static inline void note_sleeper(struct worker *worker, struct target *target)
{
	if (VEX_LIKELY(!vex_lane_wake_needed(&target->writer)))
		return;
	worker->kick_pending |= target_bit(target);
	VEX_STORE_RELAXED(&target->kick_wanted, true);
}

/* False where there is no room for the GAP that has to come first. */
static bool flush_gap(struct target *target)
{
	uint64_t announced = target->writer.lost_count;

	if (VEX_LIKELY(!announced))
		return true;
	if (!vex_lane_flush_gap(&target->writer, vex_clock_now()))
		return false;
	target->stat->gaps++;
	target->stat->announced += announced;
	return true;
}

bool target_put(struct worker *worker, struct target *target, const struct vex_record *record)
{
	struct vex_lane_writer *writer = &target->writer;
	uint32_t size = record->size;
	struct vex_record *to = NULL;

	if (flush_gap(target) && size <= target->record_max)
		to = vex_lane_reserve(writer, size);
	if (!to)
		return false;
	vex_lane_copy(to, record, size);
	vex_lane_stage(writer, to, size);
	target->stat->delivered++;
	target->stat->bytes += size;
	worker->stat->copies++;
	return true;
}

void target_publish(struct worker *worker, struct target *target)
{
	vex_lane_publish(&target->writer);
	note_sleeper(worker, target);
}

/*
 * Writes events of a burst until one finds no room; returns those written. The writer is kept
 * in registers meanwhile, by a function of its own: spills between the stores to a line that the
 * subscriber polls gave him the time to take it away (measured: one more crossing of it an event).
 */
static __attribute__((noinline)) uint64_t write_burst(struct worker *worker, struct target *target, const struct burst *burst,
		uint64_t wanted)
{
	struct vex_lane_writer writer = target->writer;
	const struct vex_record *first = NULL; /* of the group that is staged */
	uint64_t left = wanted, bytes = 0;
	uint32_t staged = 0;

	for (; left; left &= left - 1) {
		const struct vex_record *record = burst->record[__builtin_ctzll(left)];
		uint32_t size = record->size;
		struct vex_record *to;

		if (VEX_UNLIKELY(writer.lost_count || size > target->record_max))
			break;
		to = vex_lane_reserve(&writer, size);
		if (VEX_UNLIKELY(!to))
			break;
		vex_lane_copy_rest(to, record, size);
		if (first)
			vex_lane_copy_line(to, record, size);
		else
			first = record;
		vex_lane_stage(&writer, to, size);
		bytes += size;
		if (++staged % GROUP == 0) {
			vex_lane_publish_from(&writer, first);
			first = NULL;
		}
	}
	if (first)
		vex_lane_publish_from(&writer, first);
	target->writer = writer;
	target->stat->delivered += staged;
	target->stat->bytes += bytes;
	worker->stat->copies += staged;
	return wanted & ~left;
}

void target_lose(struct worker *worker, struct target *target, enum vex_class class,
		enum vex_gap_reason reason)
{
	vex_lane_publish(&target->writer); /* what was written has lower numbers */
	vex_lane_lose(&target->writer, 1, reason);
	worker->gap_pending |= target_bit(target);
	target->stat->target_full += reason == VEX_GAP_TARGET_FULL;
	target->stat->too_large += reason == VEX_GAP_TOO_LARGE;
	worker->stat->class[class].missed++;
}

static void lose_victim(
		struct worker *worker, struct target *target, const struct backlog_victim *victim)
{
	target->stat->held--;
	target_lose(worker, target, victim->class, VEX_GAP_TARGET_FULL);
	worker->stat->class[victim->class].displaced++;
	hold_release(worker, victim->held, VEX_DROP_TARGET_FULL);
}

void target_displace(struct worker *worker, const struct backlog_victim *victim)
{
	for (uint64_t left = worker->backlogged; left; left &= left - 1) {
		struct target *target = worker->plan->targets[__builtin_ctzll(left)];
		bool runs = target->stat->generation & 1;

		if (!backlog_remove(&target->backlog, victim->class, victim->held))
			continue;
		if (!runs)
			vex_stat_begin(&target->stat->generation);
		lose_victim(worker, target, victim);
		if (!runs)
			vex_stat_end(&target->stat->generation);
		hold_unblock(worker, &target->backlog);
	}
}

bool target_wait(struct worker *worker, struct target *target, uint32_t number)
{
	enum vex_class class = (enum vex_class)worker->held.slots[number].class;
	struct backlog_victim victim;
	enum backlog_verdict verdict = backlog_offer(&target->backlog, worker->plan->policies,
			class, number, &victim);

	if (verdict == BACKLOG_REFUSED)
		return false;
	worker->held.slots[number].waiting++;
	worker->backlogged |= target_bit(target);
	target->stat->held++;
	if (verdict == BACKLOG_DISPLACED)
		lose_victim(worker, target, &victim);
	hold_block(worker, &target->backlog);
	return true;
}

static bool wait_for_room(struct worker *worker, struct target *target, struct burst *burst,
		uint32_t i, enum vex_class class)
{
	uint32_t number = HELD_NONE;

	if (worker->plan->holds && target->backlog.capacity)
		number = hold_number(worker, burst, i, class);
	return number != HELD_NONE && target_wait(worker, target, number);
}

static void write_or_wait(struct worker *worker, struct target *target, struct burst *burst, uint32_t i,
		enum vex_class class, uint64_t *got)
{
	if (burst->record[i]->size > target->record_max) {
		burst->too_large |= 1ull << i;
		target_lose(worker, target, class, VEX_GAP_TOO_LARGE);
	} else if (target_may_pass(target, class) &&
			target_put(worker, target, burst->record[i])) {
		*got |= 1ull << i;
	} else if (!wait_for_room(worker, target, burst, i, class)) {
		target_lose(worker, target, class, VEX_GAP_TARGET_FULL);
	}
}

/* The most urgent first: what room there still is, or comes meanwhile, is theirs. */
static __attribute__((noinline, cold)) uint64_t write_late(
		struct worker *worker, struct target *target, struct burst *burst, uint64_t wanted)
{
	uint64_t got = 0;

	for (unsigned class = 0; class < VEX_CLASS_COUNT; class++)
		for (uint64_t left = wanted & burst->of_class[class]; left; left &= left - 1)
			write_or_wait(worker, target, burst, (uint32_t)__builtin_ctzll(left),
					(enum vex_class)class, &got);
	return got;
}

uint64_t target_write(
		struct worker *worker, struct target *target, struct burst *burst, uint64_t wanted)
{
	uint64_t got = 0;

	vex_stat_begin(&target->stat->generation);
	target->stat->offered += (uint64_t)__builtin_popcountll(wanted);
	if (VEX_LIKELY(!(worker->backlogged & target_bit(target))))
		got = write_burst(worker, target, burst, wanted);
	if (VEX_UNLIKELY(got != wanted))
		got |= write_late(worker, target, burst, wanted & ~got);
	vex_stat_end(&target->stat->generation);
	target_publish(worker, target);
	return got;
}

/* The backlog's next event, or NULL. */
static const struct vex_record *next_waiting(
		const struct worker *worker, const struct target *target)
{
	unsigned class = backlog_urgent(&target->backlog);

	if (class == VEX_CLASS_COUNT)
		return NULL;
	return worker->held.slots[backlog_first(&target->backlog, class)].record;
}

static void write_next(struct worker *worker, struct target *target)
{
	uint32_t number = backlog_take(&target->backlog, backlog_urgent(&target->backlog));

	target->stat->held--;
	worker->held.slots[number].delivered = true;
	hold_release(worker, number, VEX_DROP_TARGET_FULL);
}

/* Whether there is room for this, or for the GAP before it; looked at before anything is changed.
 */
static bool has_room(struct target *target, const struct vex_record *record)
{
	uint32_t size = target->writer.lost_count ? VEX_GAP_RECORD_SIZE : record->size;

	return vex_lane_reserve(&target->writer, size) != NULL;
}

static void write_waiting(struct worker *worker, struct target *target)
{
	const struct vex_record *record = next_waiting(worker, target);
	uint32_t budget = WAITING_A_ROUND;

	if (record && has_room(target, record)) {
		vex_stat_begin(&target->stat->generation);
		while (record && budget-- && target_put(worker, target, record)) {
			write_next(worker, target);
			record = next_waiting(worker, target);
		}
		vex_stat_end(&target->stat->generation);
		target_publish(worker, target);
	}
	if (!record)
		worker->backlogged &= ~target_bit(target);
	hold_unblock(worker, &target->backlog);
}

static void forget_target(struct worker *worker, struct target *target)
{
	worker->leaving &= ~target_bit(target);
	worker->backlogged &= ~target_bit(target);
	worker->guarded &= ~target_bit(target);
	hold_unblock(worker, &target->backlog);
	VEX_STORE_RELEASE(&target->left, true); /* acquired by subscriber_reap(); no use after it */
}

static void give_up(struct worker *worker, struct target *target)
{
	uint32_t number = backlog_take(&target->backlog, backlog_urgent(&target->backlog));

	/* Its lane's page tells it of the loss, should it still be there to see it. */
	vex_lane_lose(&target->writer, 1, VEX_GAP_TARGET_FULL);
	target->stat->held--;
	target->stat->target_gone++;
	hold_release(worker, number, VEX_DROP_TARGET_GONE);
}

/* What a group gave to it and it did not read goes to others; then what waits is given up. */
static void leave(struct worker *worker, struct target *target)
{
	uint32_t budget = WAITING_A_ROUND;

	while (budget && guard_any(&target->guards) && group_take_back(worker, target))
		budget--;
	vex_stat_begin(&target->stat->generation);
	for (; budget && target->backlog.total; budget--)
		give_up(worker, target);
	vex_stat_end(&target->stat->generation);
	worker->idle_rounds = 0; /* others wait for what was taken back */
	if (!target->backlog.total && !guard_any(&target->guards))
		forget_target(worker, target);
}

void target_write_waiting(struct worker *worker)
{
	const struct plan *plan = worker->plan;

	vex_stat_begin(&worker->stat->generation);
	for (uint64_t left = worker->backlogged & plan->subscribers; left; left &= left - 1)
		write_waiting(worker, plan->targets[__builtin_ctzll(left)]);
	for (uint64_t left = worker->leaving; left; left &= left - 1)
		leave(worker, plan->targets[__builtin_ctzll(left)]);
	if (worker->groups)
		group_write_waiting(worker);
	if (worker->blocked_since)
		hold_end_block(worker);
	vex_stat_end(&worker->stat->generation);
}

void target_adopt_plan(struct worker *worker, const struct plan *old)
{
	const struct plan *plan = worker->plan;

	if (worker->groups)
		group_adopt_plan(worker, old);
	worker->leaving = plan->leaving;
	for (uint64_t left = plan->leaving; left; left &= left - 1) {
		struct target *target = plan->targets[__builtin_ctzll(left)];

		if (!target->backlog.total && !guard_any(&target->guards))
			forget_target(worker, target);
	}
}

void target_announce(struct worker *worker)
{
	const struct plan *plan = worker->plan;
	uint64_t left = worker->gap_pending & plan->subscribers;

	worker->gap_pending = 0;
	for (; left; left &= left - 1) {
		struct target *target = plan->targets[__builtin_ctzll(left)];

		if (!target->writer.lost_count)
			continue;
		vex_stat_begin(&target->stat->generation);
		if (!flush_gap(target))
			worker->gap_pending |= target_bit(target);
		vex_stat_end(&target->stat->generation);
		note_sleeper(worker, target);
	}
}
