/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deliver: hands each event to every subscriber that is to get it, by one copy into its lane.
 * A full lane loses the event for that subscriber alone, who is told by a GAP; the others do
 * not wait. Waking sleepers is left to the idle worker, or to the main core.
 */
#include "dataplane/stage.h"

#include "base/clock.h"

/* Events that a subscriber sees at once: one who polls takes away the line he waits for. */
#define GROUP 16u

/* To be woken once this worker has nothing better to do, or by the main core. */
static inline void note_sleeper(struct worker *worker, struct target *target)
{
	if (VEX_LIKELY(!vex_lane_wake_needed(&target->writer)))
		return;
	worker->kick_pending |= 1ull << target->subscriber;
	VEX_STORE_RELAXED(&target->kick_wanted, true);
}

/* A lane that owes a GAP, or has no room: the GAP goes first, else the event is lost too. */
static bool write_late(struct worker *worker, struct target *target,
		const struct vex_record *record)
{
	struct vex_lane_writer *writer = &target->writer;
	uint64_t announced = writer->lost_count;
	uint32_t size = record->size;
	struct vex_record *to = NULL;

	if (vex_lane_flush_gap(writer, vex_clock_now())) {
		target->stat->gaps += announced != 0;
		target->stat->announced += announced;
		if (size <= target->record_max)
			to = vex_lane_reserve(writer, size);
	}
	if (!to) {
		vex_lane_lose(writer, 1, VEX_GAP_TARGET_FULL);
		worker->gap_pending |= 1ull << target->subscriber;
		return false;
	}
	vex_lane_copy(to, record, size);
	vex_lane_commit(writer, to, size);
	return true;
}

/*
 * Writes the events of a burst that this subscriber asked for, a bit each; returns those that
 * it got. The writer is kept in registers while nothing is in its way.
 */
static uint64_t write_events(struct worker *worker, struct target *target,
		const struct burst *burst, uint64_t wanted)
{
	struct vex_lane_writer writer = target->writer;
	uint64_t left = wanted, got = wanted, bytes = 0;
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
	for (; VEX_UNLIKELY(left != 0); left &= left - 1) {
		const struct vex_record *record = burst->record[__builtin_ctzll(left)];

		if (write_late(worker, target, record))
			bytes += record->size;
		else
			got &= ~(left & -left);
	}
	target->bytes = bytes;
	return got;
}

static void count_target(struct worker *worker, struct target *target, uint64_t wanted,
		uint64_t got)
{
	struct vex_target_stat *stat = target->stat;
	uint64_t offered = (uint64_t)__builtin_popcountll(wanted);
	uint64_t delivered = (uint64_t)__builtin_popcountll(got);

	stat->offered += offered;
	stat->delivered += delivered;
	stat->target_full += offered - delivered;
	stat->bytes += target->bytes;
	worker->stat->copies += delivered;
	note_sleeper(worker, target);
}

static void free_burst(struct worker *worker, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++)
		if (VEX_UNLIKELY(burst->record[i] != &burst->object[i]->record))
			rte_mempool_put(worker->long_objects, burst->record[i]);
	rte_mempool_put_bulk(worker->objects, (void **)burst->object, burst->count);
}

/* Every event that nobody got has one reason. */
static void count_drops(const struct burst *burst, uint64_t any, uint64_t delivered)
{
	struct vex_port_stat *stat = burst->port->stat;
	uint64_t named = 0;

	for (uint32_t i = 0; i < VEX_DROP_LIMIT; i++) {
		if (VEX_LIKELY(!burst->dropped[i]))
			continue;
		stat->drop[i] += (uint64_t)__builtin_popcountll(burst->dropped[i]);
		named |= burst->dropped[i];
	}
	stat->drop[VEX_DROP_UNMATCHED] +=
			(uint64_t)__builtin_popcountll(burst_all(burst) & ~any & ~named);
	stat->drop[VEX_DROP_TARGET_FULL] += (uint64_t)__builtin_popcountll(any & ~delivered);
}

void stage_deliver(struct worker *worker, struct burst *burst)
{
	const struct plan *plan = worker->plan;
	uint64_t any = 0, delivered = 0, count;

	if (VEX_UNLIKELY(!burst->count))
		return;
	for (uint64_t left = plan->subscribers; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		struct target *target = plan->targets[i];
		uint64_t wanted = burst->wanted[i], got;

		if (!wanted)
			continue;
		vex_stat_begin(&target->stat->generation);
		got = write_events(worker, target, burst, wanted);
		count_target(worker, target, wanted, got);
		vex_stat_end(&target->stat->generation);
		any |= wanted;
		delivered |= got;
	}
	free_burst(worker, burst);
	count_drops(burst, any, delivered);
	count = (uint64_t)__builtin_popcountll(delivered);
	burst->port->stat->delivered += count;
	worker->stat->delivered += count;
}

void deliver_gaps(struct worker *worker)
{
	const struct plan *plan = worker->plan;
	uint64_t left = worker->gap_pending & plan->subscribers;

	worker->gap_pending = 0;
	for (; left; left &= left - 1) {
		struct target *target = plan->targets[__builtin_ctzll(left)];
		uint64_t announced = target->writer.lost_count;

		if (!announced)
			continue;
		if (!vex_lane_flush_gap(&target->writer, vex_clock_now())) {
			worker->gap_pending |= 1ull << target->subscriber;
			continue;
		}
		vex_stat_begin(&target->stat->generation);
		target->stat->gaps++;
		target->stat->announced += announced;
		vex_stat_end(&target->stat->generation);
		note_sleeper(worker, target);
	}
}
