/* SPDX-License-Identifier: BSD-3-Clause */
#include "latency.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "hops.h"
#include "numbers.h"
#include "plane_load.h"

#define WARM_UP 20000u

/* So long that the other side is back in its idle polling. */
#define PAUSE_NS 1000.0

static int sample(uint32_t *cycles, unsigned count, uint64_t pause, int (*ping)(void *), void *arg)
{
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++) {
		uint64_t begin;

		cycles_pause(pause);
		begin = cycles_now();
		error = ping(arg);
		cycles[i] = (uint32_t)fmin((double)(cycles_now() - begin), UINT32_MAX);
	}
	return error;
}

int latency_measure(const struct bench_env *env, int (*ping)(void *), void *arg, double *values)
{
	uint32_t *cycles = malloc(LATENCY_SAMPLES * sizeof(*cycles));
	uint64_t pause = (uint64_t)(env->tsc_hz * PAUSE_NS / 1e9);
	int error;

	if (!cycles)
		return -ENOMEM;
	error = sample(cycles, WARM_UP, pause, ping, arg);
	if (!error)
		error = sample(cycles, LATENCY_SAMPLES, pause, ping, arg);
	if (!error) {
		values[0] = numbers_percentile(cycles, LATENCY_SAMPLES, 50) * 1e9 / env->tsc_hz;
		values[1] = numbers_percentile(cycles, LATENCY_SAMPLES, 99) * 1e9 / env->tsc_hz;
	}
	free(cycles);
	return error;
}

static const struct bench_metric metrics[] = {
	{"one_way_p50_ns", "ns"},
	{"one_way_p99_ns", "ns"},
};

static const struct bench_contender contenders[] = {
	{"vexplane", plane_latency},
	{"two_hops", hops_latency},
};

const struct bench bench_latency = {
	.name = "latency",
	.text = "publish to pipeline to subscriber, one event at a time",
	.runs = BENCH_RUNS_MIN,
	.metrics = metrics,
	.metric_count = sizeof(metrics) / sizeof(metrics[0]),
	.contenders = contenders,
	.contender_count = sizeof(contenders) / sizeof(contenders[0]),
};
