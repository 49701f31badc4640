/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the contenders of a benchmark in turn, over and over, so that a drift of the machine
 * meets all alike. Each run is probed; a set in which all ran at the same placement counts,
 * any other is thrown away and run anew, a bounded number of times.
 */
#ifndef VEX_PERF_RUNNER_H
#define VEX_PERF_RUNNER_H

#include "bench.h"

/** Runs and reports. 0, or a negative errno after a log line; -EAGAIN: too few sets agreed. */
int runner_run(const struct bench *bench, const struct bench_env *env, bool json);

#endif
