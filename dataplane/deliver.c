/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deliver: hands each event to every subscriber that asked for it, by one copy into its lane.
 * A full lane loses the event for that subscriber alone, who is told by a GAP; the others do
 * not wait. Waking sleepers is left to the idle worker, or to the main core.
 */
#include "dataplane/stage.h"

#include "base/clock.h"

/* False where the lane is full; a GAP that is due goes first. */
static bool write_event(struct target *target, const struct vex_record *record, uint32_t size)
{
	struct vex_lane_writer *writer = &target->writer;
	struct vex_record *to;

	if (VEX_UNLIKELY(writer->lost_count)) {
		uint64_t announced = writer->lost_count;

		if (!vex_lane_flush_gap(writer, vex_clock_now()))
			return false;
		target->stat->gaps++;
		target->stat->announced += announced;
	}
	to = VEX_UNLIKELY(size > target->record_max) ? NULL : vex_lane_reserve(writer, size);
	if (VEX_UNLIKELY(!to))
		return false;
	vex_lane_copy(to, record, size);
	vex_lane_commit(writer, to, size);
	return true;
}

static void lose_event(struct worker *worker, struct target *target)
{
	vex_lane_lose(&target->writer, 1, VEX_GAP_TARGET_FULL);
	worker->gap_pending |= 1ull << target->subscriber;
	target->full++;
}

/* Returns whether any subscriber got the event. */
static inline bool deliver_to(struct worker *worker, uint64_t subscribers,
		const struct vex_record *record)
{
	uint32_t size = record->size;
	bool delivered = false;

	for (; subscribers; subscribers &= subscribers - 1) {
		struct target *target =
				worker->plan->targets[__builtin_ctzll(subscribers)];

		target->offered++;
		if (VEX_UNLIKELY(!write_event(target, record, size))) {
			lose_event(worker, target);
			continue;
		}
		target->delivered++;
		target->bytes += size;
		delivered = true;
	}
	return delivered;
}

static uint64_t count_target(struct worker *worker, struct target *target)
{
	struct vex_target_stat *stat = target->stat;
	uint64_t copies = target->delivered;

	stat->offered += target->offered;
	stat->delivered += copies;
	stat->target_full += target->full;
	stat->bytes += target->bytes;
	vex_stat_end(&stat->generation);
	target->offered = target->delivered = target->full = target->bytes = 0;
	if (VEX_UNLIKELY(vex_lane_wake_needed(&target->writer))) {
		worker->kick_pending |= 1ull << target->subscriber;
		VEX_STORE_RELAXED(&target->kick_wanted, true);
	}
	return copies;
}

static void open_targets(const struct plan *plan)
{
	for (uint64_t left = plan->subscribers; left; left &= left - 1)
		vex_stat_begin(&plan->targets[__builtin_ctzll(left)]->stat->generation);
}

static void close_targets(struct worker *worker)
{
	const struct plan *plan = worker->plan;

	for (uint64_t left = plan->subscribers; left; left &= left - 1)
		worker->stat->copies += count_target(worker,
				plan->targets[__builtin_ctzll(left)]);
}

static inline uint64_t who_asked(const struct plan *plan, const struct vex_record *record)
{
	if (VEX_UNLIKELY(record->type == VEX_GAP)) /* told to everyone */
		return plan->subscribers;
	return plan->by_type[record->type] & plan->by_boundary[record->boundary];
}

static void free_burst(struct worker *worker, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++)
		if (VEX_UNLIKELY(burst->event[i]->record != &burst->event[i]->header))
			rte_mempool_put(worker->long_objects, burst->event[i]->record);
	rte_mempool_put_bulk(worker->objects, (void **)burst->event, burst->count);
}

void stage_deliver(struct worker *worker, struct burst *burst)
{
	const struct plan *plan = worker->plan;
	uint64_t delivered = 0, unmatched = 0;

	if (!burst->count)
		return;
	open_targets(plan);
	for (uint32_t i = 0; i < burst->count; i++) {
		struct vex_object *event = burst->event[i];
		uint64_t subscribers = who_asked(plan, event->record);

		delivered += deliver_to(worker, subscribers, event->record);
		unmatched += subscribers == 0;
	}
	free_burst(worker, burst);
	close_targets(worker);
	burst->port->stat->delivered += delivered;
	burst->port->stat->drop[VEX_DROP_UNMATCHED] += unmatched;
	burst->port->stat->drop[VEX_DROP_TARGET_FULL] += burst->count - delivered - unmatched;
	worker->stat->delivered += delivered;
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
		if (vex_lane_wake_needed(&target->writer)) {
			worker->kick_pending |= 1ull << target->subscriber;
			VEX_STORE_RELAXED(&target->kick_wanted, true);
		}
	}
}
