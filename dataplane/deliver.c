/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deliver: hands each event to every subscriber that is to get it, by one copy into its lane.
 * Where a lane is full the event waits for that subscriber, or is lost to it alone, who is told by
 * a GAP; the others do not wait. See target.h.
 */
#include "dataplane/stage.h"

static void free_objects(struct worker *worker, struct burst *burst, uint64_t events)
{
	struct vex_object *object[VEX_BURST_MAX];
	uint32_t count = 0;

	for (uint64_t left = events; left; left &= left - 1)
		object[count++] = burst->object[__builtin_ctzll(left)];
	if (count)
		rte_mempool_put_bulk(worker->objects, (void **)object, count);
}

static void free_burst(struct worker *worker, struct burst *burst, uint64_t kept)
{
	uint64_t free = burst_all(burst) & ~kept;

	for (uint64_t left = free; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);

		if (VEX_UNLIKELY(burst->record[i] != &burst->object[i]->record))
			rte_mempool_put(worker->long_objects, burst->record[i]);
	}
	if (VEX_LIKELY(!kept))
		rte_mempool_put_bulk(worker->objects, (void **)burst->object, burst->count);
	else
		free_objects(worker, burst, free);
}

/* Every event that nobody got, and for which nobody waits, has one reason. */
static void count_drops(const struct burst *burst, uint64_t any, uint64_t settled)
{
	struct vex_port_stat *stat = burst->port->stat;
	uint64_t named = 0, lost = any & ~settled;

	for (uint32_t i = 0; i < VEX_DROP_LIMIT && burst->judged; i++) {
		if (VEX_LIKELY(!burst->dropped[i]))
			continue;
		stat->drop[i] += (uint64_t)__builtin_popcountll(burst->dropped[i]);
		named |= burst->dropped[i];
	}
	stat->drop[VEX_DROP_UNMATCHED] +=
			(uint64_t)__builtin_popcountll(burst_all(burst) & ~any & ~named);
	if (VEX_LIKELY(!lost))
		return;
	stat->drop[VEX_DROP_TARGET_FULL] += (uint64_t)__builtin_popcountll(lost & ~burst->too_large);
	stat->drop[VEX_DROP_TOO_LARGE] += (uint64_t)__builtin_popcountll(lost & burst->too_large);
}

static void count_class(struct worker *worker, const struct burst *burst, unsigned class,
		uint64_t delivered)
{
	struct vex_class_stat *stat = &worker->stat->class[class];
	uint64_t events = burst->of_class[class];
	uint64_t count = (uint64_t)__builtin_popcountll(events);
	uint64_t got = (uint64_t)__builtin_popcountll(events & delivered);
	uint64_t held = (uint64_t)__builtin_popcountll(events & burst->waits);

	stat->events += count;
	stat->delivered += got;
	stat->held += held;
	stat->dropped += count - got - held;
}

static void count_classes(struct worker *worker, const struct burst *burst, uint64_t delivered)
{
	if (VEX_LIKELY(!burst->judged)) {
		count_class(worker, burst, VEX_CLASS_NORMAL, delivered);
		return;
	}
	for (uint32_t i = 0; i < VEX_CLASS_COUNT; i++) {
		if (burst->of_class[i])
			count_class(worker, burst, i, delivered);
	}
}

static void count_burst(struct worker *worker, const struct burst *burst, uint64_t any,
		uint64_t delivered)
{
	struct vex_port_stat *stat = burst->port->stat;
	uint64_t count = (uint64_t)__builtin_popcountll(delivered);

	stat->delivered += count;
	stat->held += (uint64_t)__builtin_popcountll(burst->waits);
	worker->stat->delivered += count;
	count_drops(burst, any, delivered | burst->waits);
	count_classes(worker, burst, delivered);
}

void stage_deliver(struct worker *worker, struct burst *burst)
{
	const struct plan *plan = worker->plan;
	uint64_t any = 0, delivered = 0, kept = 0, gone = 0;

	if (VEX_UNLIKELY(!burst->count))
		return;
	for (uint64_t left = plan->subscribers; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);

		if (!burst->wanted[i])
			continue;
		any |= burst->wanted[i];
		burst->wanted[i] = target_write(worker, plan->targets[i], burst, burst->wanted[i]);
		delivered |= burst->wanted[i];
	}
	if (VEX_UNLIKELY(burst->group_hit_count != 0)) {
		delivered |= group_deliver(worker, burst, &any, &gone);
		burst->dropped[VEX_DROP_TARGET_GONE] = gone & ~any;
	}
	if (VEX_UNLIKELY(burst->held != 0))
		kept = hold_close_burst(worker, burst, delivered);
	free_burst(worker, burst, kept);
	count_burst(worker, burst, any, delivered & ~burst->waits);
}
