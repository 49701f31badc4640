/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker.h"

#include <rte_pause.h>

#include "dataplane/idle.h"
#include "dataplane/pipeline.h"
#include "dataplane/ruleset.h"
#include "dataplane/target.h"

#define GATHER_BELOW 16u /* records of a round */
#define GATHER_PAUSES 8u

void worker_adopt_plan(struct worker *worker)
{
	const struct plan *next = VEX_LOAD_ACQUIRE(&worker->next_plan), *old = worker->plan;

	if (VEX_LIKELY(next == old))
		return;
	if (old && old->rules && old->rules != next->rules)
		rule_tell_counted(old->rules->matching, 0, 0, UINT32_MAX);
	worker->plan = next;
	target_adopt_plan(worker, old);
	if (VEX_UNLIKELY(worker->summaries.count))
		summary_adopt_plan(worker);
	VEX_STORE_RELEASE(&worker->acknowledged, next->generation); /* for plan_publish() */
}

/*
 * A worker at a producer's heels takes the line that is about to be written, again and again,
 * and both wait for it. So it leaves a lane that gave little alone for some 100 ns.
 */
static inline void gather(struct worker *worker, uint32_t taken)
{
	worker->idle_rounds = 0;
	worker->looks_for_losses = false;
	for (uint32_t i = 0; i < GATHER_PAUSES && taken < GATHER_BELOW; i++)
		rte_pause();
}

uint32_t worker_round(struct worker *worker)
{
	uint32_t taken;

	worker_adopt_plan(worker);
	VEX_STORE_RELAXED(&worker->stat->rounds, worker->stat->rounds + 1);
	if (VEX_UNLIKELY(worker->summaries.count))
		summary_send_due(worker);
	taken = pipeline_round(worker);
	if (VEX_LIKELY(taken))
		gather(worker, taken);
	else
		idle_round(worker);
	return taken;
}

int worker_run(void *arg)
{
	struct worker *worker = arg;

	idle_start();
	while (!VEX_LOAD_RELAXED(&worker->stop))
		worker_round(worker);
	summary_forget(worker);
	return 0;
}
