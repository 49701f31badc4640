/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one pinned thread that polls its ports, runs each burst to completion, and when
 * nothing comes spins or sleeps, as its idle strategy says.
 */
#ifndef VEX_DATAPLANE_WORKER_H
#define VEX_DATAPLANE_WORKER_H

#include "dataplane/plane.h"

/** The thread: runs rounds until stop is set. The argument is a struct worker. */
int worker_run(void *worker);

/** Takes the latest plan; at the start of each round. */
void worker_adopt_plan(struct worker *worker);

/** One round, for callers that drive the pipeline themselves. Returns records taken in. */
uint32_t worker_round(struct worker *worker);

#endif
