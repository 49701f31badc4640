/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans: how the main core tells a worker what to work on. Main core only. */
#ifndef VEX_DATAPLANE_PLAN_H
#define VEX_DATAPLANE_PLAN_H

#include "dataplane/plane.h"

/**
 * Makes a plan of the tables as they stand, hands it to the worker, and waits until the worker
 * has taken it: at most a round, or a wake-up. What the plan before it referred to, and the
 * tables do not any more, may be freed after that. Never fails: plans are made in two buffers
 * by turns.
 */
void plan_publish(struct plane *plane, struct worker *worker);

/**
 * The same for all workers, in one step: all plans are handed over before any is waited for.
 * Returns the nanoseconds from the first to the last worker's word.
 */
uint64_t plan_publish_all(struct plane *plane);

/** Wakes a worker that sleeps. */
void plan_wake(struct worker *worker);

#endif
