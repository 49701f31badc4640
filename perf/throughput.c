/* SPDX-License-Identifier: BSD-3-Clause */
/* How much gets through, and what it costs the worker and the producer. */
#include "bench.h"
#include "hops.h"
#include "peers.h"
#include "plane_load.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct bench_metric throughput_metrics[] = {
	{"events_per_s", "1/s"},
	{"worker_ns_per_event", "ns"},
};

static const struct bench_contender throughput_contenders[] = {
	{"vexplane", plane_throughput},
	{"two_hops", hops_throughput},
	{"zeromq", zeromq_throughput},
	{"nats", nats_throughput},
	{"redis_streams", redis_throughput},
};

const struct bench bench_throughput = {
	.name = "throughput",
	.text = "one producer, one worker, one subscriber; 128-byte records",
	.runs = BENCH_RUNS_MIN,
	.metrics = throughput_metrics,
	.metric_count = COUNT(throughput_metrics),
	.contenders = throughput_contenders,
	.contender_count = COUNT(throughput_contenders),
};

static const struct bench_metric bursts_metrics[] = {
	{"burst_1_worker_ns", "ns"},
};

static const struct bench_contender bursts_contenders[] = {
	{"bursts_of_1", plane_bursts_of_1},
	{"bursts_of_32", plane_bursts_of_32},
};

const struct bench bench_bursts = {
	.name = "throughput",
	.text = "the worker's cost of events that come one at a time",
	.runs = BENCH_RUNS_MIN,
	.metrics = bursts_metrics,
	.metric_count = COUNT(bursts_metrics),
	.contenders = bursts_contenders,
	.contender_count = COUNT(bursts_contenders),
};

static const struct bench_metric producer_metrics[] = {
	{"publish_ns", "ns"},
	{"publish_timed_ns", "ns"},
};

static const struct bench_contender producer_contenders[] = {
	{"vexplane", plane_publish},
};

const struct bench bench_producer = {
	.name = "producer",
	.text = "a call of libvex's vex_publish()",
	.runs = BENCH_RUNS_MIN,
	.metrics = producer_metrics,
	.metric_count = COUNT(producer_metrics),
	.contenders = producer_contenders,
	.contender_count = COUNT(producer_contenders),
};
