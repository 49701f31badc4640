/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/target.h"

#include "base/clock.h"
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

static bool write_one(struct worker *worker, struct target *target, const struct vex_record *record)
{
	struct vex_lane_writer *writer = &target->writer;
	uint32_t size = record->size;
	struct vex_record *to = NULL;

	if (flush_gap(target) && size <= target->record_max)
		to = vex_lane_reserve(writer, size);
	if (!to)
		return false;
	vex_lane_copy(to, record, size);
	vex_lane_commit(writer, to, size);
	target->stat->delivered++;
	target->stat->bytes += size;
	worker->stat->copies++;
	return true;
}

/*
 * Writes events of a burst until one finds no room; returns those written. The writer is kept
 * in registers meanwhile.
 */
static uint64_t write_burst(struct worker *worker, struct target *target, const struct burst *burst,
		uint64_t wanted)
{
	struct vex_lane_writer writer = target->writer;
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
		vex_lane_copy(to, record, size);
		vex_lane_stage(&writer, to, size);
		bytes += size;
		if (++staged % GROUP == 0)
			vex_lane_publish(&writer);
	}
	vex_lane_publish(&writer);
	target->writer = writer;
	target->stat->delivered += staged;
	target->stat->bytes += bytes;
	worker->stat->copies += staged;
	return wanted & ~left;
}

static void lose(struct worker *worker, struct target *target, unsigned class)
{
	vex_lane_lose(&target->writer, 1, VEX_GAP_TARGET_FULL);
	worker->gap_pending |= target_bit(target);
	target->stat->target_full++;
	worker->stat->class[class].missed++;
}

/* The port of a held event is one of this worker's, whose burst may be the one that runs. */
static void settle(struct worker *worker, const struct held *held, enum vex_drop reason)
{
	struct vex_port_stat *port = held->port->stat;
	struct vex_class_stat *class = &worker->stat->class[held->class];
	bool runs = port->generation & 1;

	if (!runs)
		vex_stat_begin(&port->generation);
	port->held--;
	port->delivered += held->delivered;
	port->drop[reason] += !held->delivered;
	class->held--;
	class->delivered += held->delivered;
	class->dropped += !held->delivered;
	worker->stat->delivered += held->delivered;
	if (!runs)
		vex_stat_end(&port->generation);
}

static void free_held(struct worker *worker, uint32_t number)
{
	struct held *held = &worker->held.slots[number];

	if (VEX_UNLIKELY(held->record != &held->object->record))
		rte_mempool_put(worker->long_objects, held->record);
	rte_mempool_put(worker->objects, held->object);
	held_put(&worker->held, number);
}

/* A backlog lets go of it; reason is that of a drop, should nobody have got it. */
static void release(struct worker *worker, uint32_t number, enum vex_drop reason)
{
	struct held *held = &worker->held.slots[number];

	if (--held->waiting || held->open)
		return;
	settle(worker, held, reason);
	if (!held->guards)
		free_held(worker, number);
}

static void lose_victim(
		struct worker *worker, struct target *target, const struct backlog_victim *victim)
{
	target->stat->held--;
	lose(worker, target, victim->class);
	worker->stat->class[victim->class].displaced++;
	release(worker, victim->held, VEX_DROP_TARGET_FULL);
}

/* All places for held events are taken: takes one from a class below this, whoever waits for it. */
static bool make_place(struct worker *worker, enum vex_class class)
{
	const struct plan *plan = worker->plan;
	struct backlog_victim victim;
	bool evicted = false;

	for (uint64_t left = worker->backlogged & plan->subscribers; left; left &= left - 1) {
		struct target *target = plan->targets[__builtin_ctzll(left)];
		bool runs = target->stat->generation & 1;

		if (!backlog_evict(&target->backlog, plan->policies, class, &victim))
			continue;
		if (!runs)
			vex_stat_begin(&target->stat->generation);
		lose_victim(worker, target, &victim);
		if (!runs)
			vex_stat_end(&target->stat->generation);
		evicted = true;
	}
	return evicted;
}

/* The number of a burst's event, which gets one at its first use. */
static uint32_t number_of(
		struct worker *worker, struct burst *burst, uint32_t i, enum vex_class class)
{
	uint32_t number;

	if (burst->held & 1ull << i)
		return burst->held_number[i];
	do {
		number = held_take(&worker->held, burst->object[i], burst->record[i]);
	} while (number == HELD_NONE && make_place(worker, class));
	if (number == HELD_NONE)
		return number;
	worker->held.slots[number].port = burst->port;
	worker->held.slots[number].class = (uint8_t) class;
	worker->held.slots[number].open = true;
	burst->held |= 1ull << i;
	burst->held_number[i] = number;
	return number;
}

/*
 * A class that blocks is about to overflow: the worker stops polling, once until there is room
 * again, so that producers feel it in their lanes.
 */
static void block(struct worker *worker, struct target *target, enum vex_class class)
{
	const struct class_policy *policy = &worker->plan->policies[class];

	if (policy->overload != CLASS_BLOCK || (worker->blocking & target_bit(target)) ||
			backlog_room(&target->backlog, policy, class) >= VEX_BURST_MAX)
		return;
	worker->blocking |= target_bit(target);
	target->blocks_for = class;
	if (worker->blocked_since)
		return;
	worker->stat->class[class].blocks++;
	worker->blocked_for = class;
	worker->blocked_since = worker_now_ns(worker);
}

static bool wait_for_room(struct worker *worker, struct target *target, struct burst *burst,
		uint32_t i, enum vex_class class)
{
	struct backlog_victim victim;
	enum backlog_verdict verdict;
	uint32_t number;

	if (!worker->plan->holds || !target->backlog.capacity ||
			burst->record[i]->size > target->record_max)
		return false;
	number = number_of(worker, burst, i, class);
	if (number == HELD_NONE)
		return false;
	verdict = backlog_offer(&target->backlog, worker->plan->policies, class, number, &victim);
	if (verdict == BACKLOG_REFUSED)
		return false;
	worker->held.slots[number].waiting++;
	worker->backlogged |= target_bit(target);
	target->stat->held++;
	if (verdict == BACKLOG_DISPLACED)
		lose_victim(worker, target, &victim);
	block(worker, target, class);
	return true;
}

/* What waits goes before anything of its own class or a less urgent one. */
static bool may_pass(const struct target *target, unsigned class)
{
	return backlog_urgent(&target->backlog) > class;
}

/* The most urgent first: what room there still is, or comes meanwhile, is theirs. */
static uint64_t write_late(
		struct worker *worker, struct target *target, struct burst *burst, uint64_t wanted)
{
	uint64_t got = 0;

	for (unsigned class = 0; class < VEX_CLASS_COUNT; class ++) {
		for (uint64_t left = wanted & burst->of_class[class]; left; left &= left - 1) {
			uint32_t i = (uint32_t)__builtin_ctzll(left);

			if (may_pass(target, class) && write_one(worker, target, burst->record[i]))
				got |= 1ull << i;
			else if (!wait_for_room(worker, target, burst, i, (enum vex_class) class))
				lose(worker, target, class);
		}
	}
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
	note_sleeper(worker, target);
	return got;
}

uint64_t target_close_burst(struct worker *worker, struct burst *burst, uint64_t delivered)
{
	uint64_t kept = 0;

	for (uint64_t left = burst->held; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint32_t number = burst->held_number[i];
		struct held *held = &worker->held.slots[number];

		held->open = false;
		held->delivered = delivered >> i & 1;
		burst->waits |= (uint64_t)(held->waiting != 0) << i;
		if (held->waiting || held->guards)
			kept |= 1ull << i;
		else
			held_put(&worker->held, number);
	}
	return kept;
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
	release(worker, number, VEX_DROP_TARGET_FULL);
}

/* Whether there is room for this, or for the GAP before it; looked at before anything is changed.
 */
static bool has_room(struct target *target, const struct vex_record *record)
{
	uint32_t size = target->writer.lost_count ? VEX_GAP_RECORD_SIZE : record->size;

	return vex_lane_reserve(&target->writer, size) != NULL;
}

static void unblock(struct worker *worker, struct target *target)
{
	unsigned class = target->blocks_for;

	if (backlog_room(&target->backlog, &worker->plan->policies[class],
			    (enum vex_class) class) >= VEX_BURST_MAX)
		worker->blocking &= ~target_bit(target);
}

static void write_waiting(struct worker *worker, struct target *target)
{
	const struct vex_record *record = next_waiting(worker, target);
	uint32_t budget = WAITING_A_ROUND;

	if (record && has_room(target, record)) {
		vex_stat_begin(&target->stat->generation);
		while (record && budget-- && write_one(worker, target, record)) {
			write_next(worker, target);
			record = next_waiting(worker, target);
		}
		vex_stat_end(&target->stat->generation);
		note_sleeper(worker, target);
	}
	if (!record)
		worker->backlogged &= ~target_bit(target);
	if (worker->blocking & target_bit(target))
		unblock(worker, target);
}

/* The worker polls again once there is room, or time is out. */
static void end_block(struct worker *worker)
{
	struct vex_class_stat *class = &worker->stat->class[worker->blocked_for];
	uint64_t now = worker_now_ns(worker);

	if (worker->blocking &&
			now - worker->blocked_since <
					worker->plan->policies[worker->blocked_for].block_ns)
		return;
	class->blocked_ns += now - worker->blocked_since;
	worker->blocked_since = 0;
}

static void forget_target(struct worker *worker, struct target *target)
{
	worker->leaving &= ~target_bit(target);
	worker->backlogged &= ~target_bit(target);
	worker->blocking &= ~target_bit(target);
	VEX_STORE_RELEASE(&target->left, true); /* acquired by subscriber_reap(); no use after it */
}

/* Its lane's page tells it of the loss, should it still be there to see it. */
static void leave(struct worker *worker, struct target *target)
{
	uint32_t budget = WAITING_A_ROUND;
	unsigned class;

	vex_stat_begin(&target->stat->generation);
	while ((class = backlog_urgent(&target->backlog)) < VEX_CLASS_COUNT && budget--) {
		uint32_t number = backlog_take(&target->backlog, class);

		vex_lane_lose(&target->writer, 1, VEX_GAP_TARGET_FULL);
		target->stat->held--;
		target->stat->target_gone++;
		release(worker, number, VEX_DROP_TARGET_GONE);
	}
	vex_stat_end(&target->stat->generation);
	if (class == VEX_CLASS_COUNT)
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
	if (worker->blocked_since)
		end_block(worker);
	vex_stat_end(&worker->stat->generation);
}

void target_adopt_plan(struct worker *worker)
{
	const struct plan *plan = worker->plan;

	worker->leaving = plan->leaving;
	for (uint64_t left = plan->leaving; left; left &= left - 1) {
		struct target *target = plan->targets[__builtin_ctzll(left)];

		if (!target->backlog.total)
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
