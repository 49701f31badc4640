/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * two_hops, the physical limit: a 128-byte record goes through two plain rings in shared
 * memory, core 0 -> core 1 -> core 0, and is written and read in full at each hop. Each ring
 * has one producer and one consumer; the sequence word stands inside the record; nothing is
 * checked, counted or accounted for.
 */
#ifndef VEX_PERF_HOPS_H
#define VEX_PERF_HOPS_H

#include "bench.h"

/** values[0], [1]: nanoseconds of both hops together, p50 and p99, one record at a time. */
int hops_latency(const struct bench_env *env, double *values);

/** values[0]: records a second through both, at the best ring size and burst of a sweep. */
int hops_throughput(const struct bench_env *env, double *values);

#endif
