/* SPDX-License-Identifier: BSD-3-Clause */
/* How a latency is measured, the same for everyone: one at a time, stamped on one core. */
#ifndef VEX_PERF_LATENCY_H
#define VEX_PERF_LATENCY_H

#include "bench.h"

/** Samples of a run, --quick or not. */
#define LATENCY_SAMPLES 200000u

/**
 * Times ping, which sends a record and returns once it has arrived, over and over, with a
 * pause in between. values[0], [1]: nanoseconds at p50 and p99. An error of ping ends it.
 */
int latency_measure(const struct bench_env *env, int (*ping)(void *), void *arg, double *values);

#endif
