/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/pipeline.h"

#include <rte_cycles.h>

/*
 * One burst in so many is timed stage by stage, another one as a whole: the cycle counter is
 * not free, and looks between the stages are no part of what a burst costs.
 */
#define TIMING_EVERY 64u
#define TIMING_WHOLE (TIMING_EVERY / 2)

/* The one place that orders the stages. */
const struct pipeline_stage pipeline[VEX_STAGE_LIMIT] = {
		{VEX_STAGE_INGEST, stage_ingest},
		{VEX_STAGE_TRANSLATE, stage_translate},
		{VEX_STAGE_ROUTE, stage_route},
		{VEX_STAGE_FILTER, stage_filter},
		{VEX_STAGE_DELIVER, stage_deliver},
};

static inline void run_stage(struct worker *worker, struct burst *burst,
		const struct pipeline_stage *entry)
{
	struct vex_stage_stat *stat = &worker->stat->stage[entry->stage];

	stat->in += burst->count;
	stat->bursts++;
	entry->run(worker, burst);
	stat->out += burst->count;
}

static void run_stages_timed(struct worker *worker, struct burst *burst, uint64_t start)
{
	uint64_t now = rte_rdtsc();

	worker->stat->stage[VEX_STAGE_INGEST].cycles += now - start;
	worker->stat->stage[VEX_STAGE_INGEST].timed += burst->taken;
	for (unsigned i = 1; i < VEX_STAGE_LIMIT; i++) {
		struct vex_stage_stat *stat = &worker->stat->stage[pipeline[i].stage];
		uint64_t before = now;

		stat->timed += burst->count;
		run_stage(worker, burst, &pipeline[i]);
		now = rte_rdtsc();
		stat->cycles += now - before;
	}
	ingest_release(burst->from);
}

static void run_rest(struct worker *worker, struct burst *burst)
{
	for (unsigned i = 1; i < VEX_STAGE_LIMIT; i++)
		run_stage(worker, burst, &pipeline[i]);
	ingest_release(burst->from);
}

/* An empty poll touches no counter at all. */
static uint32_t run_port(struct worker *worker, const struct plan_port *from)
{
	struct burst burst;
	bool stages = worker->timing == 0, whole = worker->timing == TIMING_WHOLE;
	uint64_t start = VEX_UNLIKELY(stages || whole) ? rte_rdtsc() : 0;

	burst.from = from;
	burst.port = from->port;
	burst.count = burst.taken = burst.stocked = burst.longs = 0;
	burst.bytes = burst.routed = burst.gaps = burst.held = burst.waits = burst.too_large = 0;
	pipeline[0].run(worker, &burst);
	if (!burst.taken)
		return 0;
	worker->timing = stages ? TIMING_EVERY - 1 : worker->timing - 1;
	if (VEX_UNLIKELY(stages))
		run_stages_timed(worker, &burst, start);
	else
		run_rest(worker, &burst);
	if (VEX_UNLIKELY(whole)) {
		worker->stat->busy_events += burst.taken;
		worker->stat->busy_cycles += rte_rdtsc() - start;
	}
	worker->stat->bursts++;
	vex_stat_end(&burst.port->stat->generation);
	vex_stat_end(&worker->stat->generation);
	return burst.taken;
}

/*
 * A class that blocks stops the worker in the middle of a round: what a further port gave would find
 * no room. Those of its class that were not polled come first in the round after; others before them
 * only where they are more urgent.
 */
static inline bool had_its_turn(const struct worker *worker, uint32_t i)
{
	const struct plan *plan = worker->plan;
	uint32_t next = worker->next_port;

	return i < next && next < plan->port_count &&
			plan->ports[i].port->qos == plan->ports[next].port->qos;
}

static void break_off(struct worker *worker, uint32_t next)
{
	next = next > worker->next_port ? next : worker->next_port;
	worker->next_port = next < worker->plan->port_count ? next : 0;
}

/* Strict priority: where a port gave a full burst, less urgent ones wait for another round. */
static uint32_t poll_ports(struct worker *worker)
{
	const struct plan *plan = worker->plan;
	enum vex_class enough = VEX_CLASS_LOW;
	uint32_t taken = 0, i;

	for (i = 0; i < plan->port_count && plan->ports[i].port->qos <= enough; i++) {
		uint32_t more;

		if (VEX_UNLIKELY(had_its_turn(worker, i)))
			continue;
		more = run_port(worker, &plan->ports[i]);
		if (more >= VEX_BURST_MAX)
			enough = plan->ports[i].port->qos;
		taken += more;
		if (VEX_UNLIKELY(worker->blocked_since)) {
			break_off(worker, i + 1);
			return taken;
		}
	}
	worker->next_port = 0;
	return taken;
}

uint32_t pipeline_round(struct worker *worker)
{
	if (VEX_UNLIKELY(target_any_waits(worker)))
		target_write_waiting(worker);
	if (VEX_UNLIKELY(worker->blocked_since)) /* its producers wait along */
		return 0;
	return poll_ports(worker);
}
