/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker.h"

#include "dataplane/idle.h"
#include "dataplane/pipeline.h"

void worker_adopt_plan(struct worker *worker)
{
	const struct plan *next = VEX_LOAD_ACQUIRE(&worker->next_plan);

	if (VEX_LIKELY(next == worker->plan))
		return;
	worker->plan = next;
	VEX_STORE_RELEASE(&worker->acknowledged, next->generation); /* for plan_publish() */
}

uint32_t worker_round(struct worker *worker)
{
	uint32_t taken;

	worker_adopt_plan(worker);
	VEX_STORE_RELAXED(&worker->stat->rounds, worker->stat->rounds + 1);
	taken = pipeline_round(worker);
	if (taken)
		worker->idle_rounds = 0;
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
	return 0;
}
