/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an event costs a worker when another works beside it: the real pipeline, its rounds run
 * by threads on both processors. Lanes are filled first, each from the other processor than
 * the one that empties it; then the workers start together. Two processors can't run two
 * workers, a producer and a subscriber at once, hence the phases.
 */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "base/log.h"
#include "dataplane/port.h"
#include "dataplane/worker.h"
#include "pinned.h"
#include "support/harness.h"

#define RING_SIZE (256u << 10)
#define TARGET_SIZE (1u << 20)
#define FILL 1900u /* records of 128 bytes that surely fit the ring */
#define PHASES 400u

struct lane_side {
	struct plane *plane;
	struct producer producer;
	uint32_t worker;
	uint32_t *waiting; /* workers that have yet to reach the start */
	uint64_t cycles;
	uint64_t events;
};

static void *fill(void *arg)
{
	static const char path[] = "/srv/data/projects/vexplane/tests/pipeline/some/file/name-123.txt";
	struct lane_side *side = arg;
	struct vex_event event = {.type = VEX_CREATE,
			.has = VEX_HAS_PATH,
			.start_ns = 1,
			.path = {path, 65}};

	for (uint32_t i = 0; i < FILL; i++)
		harness_publish(&side->producer, &event);
	return NULL;
}

static void *empty(void *arg)
{
	struct lane_side *side = arg;
	uint32_t left = FILL;
	uint64_t start;

	if (rte_thread_register())
		return NULL;
	__atomic_sub_fetch(side->waiting, 1, __ATOMIC_ACQ_REL);
	while (VEX_LOAD_ACQUIRE(side->waiting))
		;
	start = rte_rdtsc();
	while (left) {
		uint32_t taken = worker_round(&side->plane->workers[side->worker]);

		left -= taken < left ? taken : left;
	}
	side->cycles += rte_rdtsc() - start;
	side->events += FILL;
	rte_thread_unregister();
	return NULL;
}

/* Both workers empty their lanes at the same time, or one after the other. */
static int phase(const struct bench_env *env, struct lane_side *sides, bool together)
{
	pthread_t threads[2];
	uint32_t waiting = together ? 2 : 1;
	int error = 0;

	for (uint32_t i = 0; i < 2 && !error; i++) {
		error = pinned_start(&threads[0], env->cpu[!i], fill, &sides[i]);
		if (!error)
			pthread_join(threads[0], NULL);
		sides[i].waiting = &waiting;
	}
	for (uint32_t i = 0; i < 2 && !error; i++) {
		error = pinned_start(&threads[i], env->cpu[i], empty, &sides[i]);
		if (together || error)
			continue;
		pthread_join(threads[i], NULL);
		waiting = 1;
	}
	for (uint32_t i = 0; i < 2 && !error && together; i++)
		pthread_join(threads[i], NULL);
	return error;
}

static double cycles_per_event(const struct lane_side *sides)
{
	return (double)(sides[0].cycles + sides[1].cycles) /
			(double)(sides[0].events + sides[1].events);
}

static double measure(const struct bench_env *env, bool together)
{
	struct plane *plane = harness_plane();
	struct lane_side sides[2] = {{0}};
	struct consumer consumer;
	char reason[VEX_REASON_MAX];

	harness_subscribe(plane, NULL, TARGET_SIZE, &consumer);
	for (uint32_t i = 0; i < 2; i++) {
		struct port *port = harness_port(plane, VEX_BOUNDARY_APP, 0, false);

		harness_lane(plane, port, RING_SIZE, &sides[i].producer);
		sides[i].plane = plane;
		sides[i].worker = i;
		port_move(plane, port->id, i, reason);
	}
	for (uint32_t i = 0; i < (env->quick ? PHASES / 8 : PHASES); i++) {
		if (phase(env, sides, together))
			return NAN;
		while (harness_read(&consumer))
			;
	}
	return harness_verify(plane) ? cycles_per_event(sides) : NAN;
}

/* EAL pins its caller and can't be had twice: each run is a process of its own. */
static int run(const struct bench_env *env, bool together, double *values)
{
	int pipes[2], status = 0;
	pid_t pid;

	if (pipe(pipes))
		return -errno;
	pid = fork();
	if (pid == 0) {
		double value = measure(env, together);

		_exit(write(pipes[1], &value, sizeof(value)) != sizeof(value) || isnan(value));
	}
	close(pipes[1]);
	if (pid < 0 || read(pipes[0], values, sizeof(*values)) != sizeof(*values))
		status = 1;
	close(pipes[0]);
	if (pid > 0 && !status)
		waitpid(pid, &status, 0);
	if (!status)
		return 0;
	vex_error("the workers' run failed");
	return -EIO;
}

static int run_two(const struct bench_env *env, double *values)
{
	return run(env, true, values);
}

static int run_one(const struct bench_env *env, double *values)
{
	return run(env, false, values);
}

static const struct bench_metric metrics[] = {{"two_workers_cycles_per_event", "cycles"}};

static const struct bench_contender contenders[] = {
		{"two_workers", run_two},
		{"one_at_a_time", run_one},
};

const struct bench bench_workers = {
		.name = "throughput",
		.text = "cycles an event costs, two workers at once against one at a time",
		.runs = BENCH_RUNS_MIN,
		.metrics = metrics,
		.metric_count = 1,
		.contenders = contenders,
		.contender_count = 2,
};
