/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a benchmark is: metrics, and contenders that are run in turn and give a value for each
 * metric that they have. The first contender is vexplane; the others are its peers. A further
 * benchmark is one more entry in the table of main.c; two entries may bear one name.
 */
#ifndef VEX_PERF_BENCH_H
#define VEX_PERF_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_RUNS_MIN 5u
#define BENCH_RUNS_MAX 99u
#define BENCH_METRICS_MAX 16u
#define BENCH_CONTENDERS_MAX 6u

/** What all runs share; filled by main.c, read-only for the benchmarks. */
struct bench_env {
	int cpu[2];     /**< [0] load side, [1] forwarder or worker */
	unsigned runs;  /**< 0: as many as the benchmark wants */
	bool quick;     /**< short runs: to try things out */
	double tsc_hz;
	const char *own_dir; /**< where vex-bench's executable stands */
	const char *dataplane; /**< path of vex-dataplane */
	const char *fuse;      /**< path of vex-fuse */
};

struct bench_metric {
	const char *name;
	const char *unit;
};

struct bench_contender {
	const char *name;
	/**
	 * One run: starts what it needs, measures, stops it again. values holds one double for
	 * each metric of the benchmark, NAN where it leaves it so. Returns 0, or a negative
	 * errno after a log line that says what failed.
	 */
	int (*run)(const struct bench_env *env, double *values);
};

struct bench {
	const char *name;
	const char *text;
	unsigned runs; /**< interleaved runs unless the user says otherwise */
	const struct bench_metric *metrics;
	unsigned metric_count;
	const struct bench_contender *contenders;
	unsigned contender_count;
	int (*open)(const struct bench_env *env); /**< before the first run; may be NULL */
	void (*close)(void);                      /**< after open, whatever it returned */
};

extern const struct bench bench_latency;
extern const struct bench bench_throughput;
extern const struct bench bench_bursts;
extern const struct bench bench_workers;
extern const struct bench bench_producer;
extern const struct bench bench_fuse;
extern const struct bench bench_fuse_shared;
extern const struct bench bench_kmod;
extern const struct bench bench_rules;
extern const struct bench bench_pipeline;
extern const struct bench bench_failover;

/** How long a run measures, in cycles of the time stamp counter. */
static inline uint64_t bench_span(const struct bench_env *env, double seconds)
{
	return (uint64_t)(env->tsc_hz * (env->quick ? seconds / 5 : seconds));
}

#endif
