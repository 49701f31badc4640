/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vexplane's own side of the benchmarks: one thread on core 0 publishes 128-byte records with
 * 65-byte paths through libvex and reads its subscription back; the worker is on core 1. Each
 * run fails unless conservation holds at its end and nothing was lost.
 */
#ifndef VEX_PERF_PLANE_LOAD_H
#define VEX_PERF_PLANE_LOAD_H

#include "bench.h"
#include "rule_sets.h"

/** values[0], [1]: nanoseconds from publishing to reading, p50 and p99. */
int plane_latency(const struct bench_env *env, double *values);

/** values[0]: events a second; values[1]: the worker's nanoseconds an event; bursts of 32. */
int plane_throughput(const struct bench_env *env, double *values);

/** values[0]: the worker's nanoseconds an event where events come in bursts of 1 or 32. */
int plane_bursts_of_1(const struct bench_env *env, double *values);
int plane_bursts_of_32(const struct bench_env *env, double *values);

/** values[0]: nanoseconds of a vex_publish(). */
int plane_publish(const struct bench_env *env, double *values);

/** What the next two load; all is the caller's, and stays as it is while they run. */
struct plane_load_rules {
	const struct rule_paths *paths; /**< an event each, in turn */
	const char *file;               /**< with a rule image to begin with; NULL: no rules */
	const void *image[2];           /**< to swap */
	size_t size[2];
	/**
	 * Says whether it is right what each rule of the file matched, of so many events; 0 or a
	 * negative errno, with a log line. NULL: it is not asked.
	 */
	int (*check)(uint64_t events, const uint64_t *matched);
	unsigned rule_count;            /**< of the file, where check is given */
};

/** As plane_throughput(), of events that are made of paths. */
int plane_pipeline(const struct bench_env *env, const struct plane_load_rules *rules,
		double *values);

/**
 * *ms: median time from publishing a rule set to the worker's acknowledgement, of 50 swaps of the
 * two images by turns while events flow.
 */
int plane_swaps(const struct bench_env *env, const struct plane_load_rules *rules, double *ms);

#endif
