/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker does when a round found nothing: first what was put off while it was busy
 * (GAPs that are owed, subscribers to be woken), then it spins or, by the adaptive strategy,
 * naps, and after a while sleeps until a producer wakes it. The one place on a worker where system calls are made.
 */
#ifndef VEX_DATAPLANE_IDLE_H
#define VEX_DATAPLANE_IDLE_H

#include "dataplane/plane.h"

/** Once, on the worker's thread. */
void idle_start(void);

void idle_round(struct worker *worker);

/** Wakes the subscriber behind a target, without ever blocking. From any core. */
void idle_kick(struct target *target);

#endif
