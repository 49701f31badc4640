/* SPDX-License-Identifier: BSD-3-Clause */
/* A real vex-dataplane, started for one run and stopped after it, and its statistics. */
#ifndef VEX_PERF_PLANE_H
#define VEX_PERF_PLANE_H

#include "bench.h"
#include "janitor.h"
#include "stat/stat.h"

struct plane {
	char dir[JANITOR_PATH_MAX];
	char socket[JANITOR_PATH_MAX + 16];
	char log[JANITOR_PATH_MAX + 16];
	pid_t pid;
	int control; /**< the control session that lent us the statistics; -1: none */
	const struct vex_stat_segment *stat;
};

/**
 * Starts a data plane with its main core on env->cpu[0] and its one worker on env->cpu[1], and
 * waits until it answers. idle: "poll" or "adaptive"; image: a file with a rule image to begin
 * with, or NULL. 0 or a negative errno, with a log line; plane_stop() is due in either case.
 */
int plane_start(struct plane *plane, const struct bench_env *env, const char *idle,
		const char *image);
void plane_stop(struct plane *plane);

/** Whether a data plane that is started now gets huge pages: there are enough free ones. */
bool plane_hugepages(void);

/** What the worker did so far: events and the cycles spent on them, and how they came. */
struct plane_work {
	uint64_t cycles;
	uint64_t events;
	uint64_t received;
	uint64_t bursts;
};

struct plane_work plane_work(const struct plane *plane);

/** Nanoseconds an event between the two; NAN where there were none. */
double plane_work_ns(const struct plane *plane, struct plane_work from, struct plane_work to);

/**
 * At a quiet moment: checks that conservation holds, that the plane took exactly events in,
 * and that nothing was lost. 0, or -EIO with log lines that say what is off.
 */
int plane_verify(const struct plane *plane, uint64_t events);

/**
 * How many events each of the first rules of the set of this generation matched. 0 or a negative
 * errno, with a log line.
 */
int plane_matched(const struct plane *plane, uint64_t generation, unsigned rules,
		uint64_t *matched);

#endif
