/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long critical events of a group stay away from everyone where one of its two members is
 * killed, stops reading, or has a full lane. The producer and the members, a process each, share
 * the first processor with the data plane's main core; the worker has the second.
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "clock.h"
#include "janitor.h"
#include "members.h"
#include "numbers.h"
#include "pinned.h"
#include "plane.h"
#include "support/image.h"
#include "vex/vex.h"

enum { KILLED_MS, KILLED_WORST_MS, FULL_MS, STILL_MS };

#define KILLS 12u
#define BURST 32u
#define LANE_EVENTS (MEMBERS_LANE_BYTES / 128) /* with what rules add, each takes two lines */
#define SETTLE_MS 20.0
#define SETTLE_PAUSES 50u
#define AFTER_MS 5.0
#define FULL_FOR_MS 40.0
#define STILL_FOR_MS 20.0
#define LIMIT_MS 10000.0

/* A kind of event for each group: a breaker that one trial opened is no part of the next. */
static const char rules[] = "- group: gone\n  members: [a, b]\n"
			    "- group: full\n  members: [a, b]\n  slow: 10s\n"
			    "- group: still\n  members: [a, b]\n  slow: 500us\n"
			    "- rule: gone\n  condition: evt.type = read\n"
			    "  route: group:gone\n  qos: critical\n"
			    "- rule: full\n  condition: evt.type = write\n"
			    "  route: group:full\n  qos: critical\n"
			    "- rule: still\n  condition: evt.type = open\n"
			    "  route: group:still\n  qos: critical\n";

struct failover {
	const struct bench_env *env;
	double *values;
	struct members members;
	uint64_t *published; /* in cycles */
	uint32_t sent;
	struct plane plane;
	struct vex_port *port;
	struct vex_lane *lane;
};

static char dir[JANITOR_PATH_MAX];
static char file[JANITOR_PATH_MAX + 16];

static double ms_of(const struct failover *failover, uint64_t cycles)
{
	return (double)cycles * 1e3 / failover->env->tsc_hz;
}

static uint64_t in_ms(const struct failover *failover, double ms)
{
	return cycles_now() + (uint64_t)(ms * failover->env->tsc_hz / 1e3);
}

static int publish(struct failover *failover, uint16_t type)
{
	struct vex_event event = {.type = type, .result = (int32_t)failover->sent};
	int error;

	if (failover->sent == MEMBERS_EVENTS_MAX)
		return -ENOSPC;
	failover->published[failover->sent++] = cycles_now();
	error = vex_publish(failover->lane, &event);
	if (error)
		vex_error("vex_publish: %s", strerror(-error));
	return error;
}

static int pump(struct failover *failover, uint16_t type, double ms)
{
	uint64_t until = in_ms(failover, ms);
	int error = 0;

	while (!error && cycles_now() < until) {
		for (unsigned i = 0; i < BURST && !error; i++)
			error = publish(failover, type);
		members_pause();
	}
	return error;
}

static int await_all(const struct failover *failover, uint32_t first)
{
	uint64_t until = in_ms(failover, LIMIT_MS);

	for (uint32_t i = first; i < failover->sent; i++)
		while (!members_read_at(&failover->members, i)) {
			if (cycles_now() > until) {
				vex_error("event %u of %u was lost", i, failover->sent);
				return -EIO;
			}
			members_pause();
		}
	return 0;
}

/* -- trials -- */

/* The longest that an event was away, be it from before the kill or from after it. */
static double longest(const struct failover *failover, uint32_t first, uint64_t since)
{
	uint64_t most = 0;

	for (uint32_t i = first; i < failover->sent; i++) {
		uint64_t from = failover->published[i] > since ? failover->published[i] : since;
		uint64_t at = members_read_at(&failover->members, i);

		if (at > from && at - from > most)
			most = at - from;
	}
	return ms_of(failover, most);
}

static int kill_one(struct failover *failover, uint32_t member, double *ms)
{
	uint32_t first = failover->sent;
	uint64_t killed;
	int error = pump(failover, VEX_READ, SETTLE_MS);

	if (error)
		return error;
	killed = cycles_now();
	members_kill(&failover->members, member);
	error = pump(failover, VEX_READ, AFTER_MS);
	members_end(&failover->members, member);
	if (!error)
		error = await_all(failover, first);
	*ms = longest(failover, first, killed);
	return error ? error : members_start(&failover->members, member);
}

static int kill_some(struct failover *failover)
{
	unsigned kills = failover->env->quick ? KILLS / 3 : KILLS;
	double ms[KILLS];
	int error = 0;

	for (unsigned i = 0; i < kills && !error; i++) {
		error = kill_one(failover, i % MEMBERS, &ms[i]);
		vex_debug("killed: %.3f ms", ms[i]);
	}
	failover->values[KILLED_MS] = numbers_median(ms, kills);
	failover->values[KILLED_WORST_MS] = ms[kills - 1]; /* the median sorted them */
	return error;
}

/* What the first member was given and has not read. */
static uint32_t unread(const struct failover *failover, uint32_t from, uint32_t *first,
		uint32_t *last)
{
	uint32_t count = 0;

	for (uint32_t i = from; i < failover->sent; i++)
		if (!members_read_at(&failover->members, i)) {
			*first = count++ ? *first : i;
			*last = i;
		}
	return count;
}

/* The same, once the second member has read all that it was given. */
static uint32_t settled(const struct failover *failover, uint32_t from, uint32_t *first,
		uint32_t *last)
{
	uint32_t count = unread(failover, from, first, last), before;

	do {
		for (unsigned i = 0; i < SETTLE_PAUSES; i++)
			members_pause();
		before = count;
		count = unread(failover, from, first, last);
	} while (count != before);
	return count;
}

/* While the first member's lane fills up, and long after: how long the others' events take. */
static int fill_one(struct failover *failover)
{
	uint32_t from = failover->sent, first = 0, last = 0;
	int error = members_hold(&failover->members, 0, 1);

	if (!error)
		error = pump(failover, VEX_WRITE, FULL_FOR_MS);
	if (!error && settled(failover, from, &first, &last) < LANE_EVENTS / 2) {
		vex_error("the lane was never full");
		error = -EIO;
	}
	failover->values[FULL_MS] = longest(failover, from, 0);
	if (!error)
		error = members_hold(&failover->members, 0, false);
	return error ? error : await_all(failover, from);
}

/* From the first event that lies unread to the last that is led where nobody reads. */
static int still_one(struct failover *failover)
{
	uint32_t from = failover->sent, first = 0, last = 0;
	int error = members_hold(&failover->members, 0, 1);

	if (!error)
		error = pump(failover, VEX_OPEN, STILL_FOR_MS);
	if (!error && !settled(failover, from, &first, &last)) {
		vex_error("the member that stands still was given nothing");
		error = -EIO;
	}
	if (error)
		return error;
	failover->values[STILL_MS] =
			ms_of(failover, failover->published[last] - failover->published[first]);
	error = members_hold(&failover->members, 0, false);
	return error ? error : await_all(failover, from);
}

static int work(void *arg)
{
	struct failover *failover = arg;
	int error = 0;

	for (uint32_t i = 0; i < MEMBERS && !error; i++)
		error = members_start(&failover->members, i);
	if (!error)
		error = pump(failover, VEX_READ, SETTLE_MS);
	if (!error) /* an empty lane: else it would be slow from the start */
		error = await_all(failover, 0);
	if (!error)
		error = still_one(failover);
	if (!error)
		error = fill_one(failover);
	if (!error)
		error = kill_some(failover);
	if (!error)
		error = plane_verify(&failover->plane, failover->sent);
	for (uint32_t i = 0; i < MEMBERS; i++)
		members_end(&failover->members, i);
	return error;
}

static int attach(struct failover *failover)
{
	struct vex_port_options options = {.socket = failover->plane.socket, .name = "vex-bench",
			.connect_ms = 5000, .full = VEX_FULL_WAIT, .wait_us = 10000000};
	int error = vex_port_open(&options, &failover->port);

	if (!error)
		error = vex_lane_open(failover->port, &failover->lane);
	if (error)
		vex_error("libvex: %s", vex_last_error());
	return error;
}

static int run_plane(struct failover *failover)
{
	int error = plane_start(&failover->plane, failover->env, "poll", file);

	failover->members.socket = failover->plane.socket;
	if (!error)
		error = attach(failover);
	if (!error)
		error = pinned_run(failover->env->cpu[0], work, failover);
	vex_port_close(failover->port);
	plane_stop(&failover->plane);
	return error;
}

static int run(const struct bench_env *env, double *values)
{
	struct failover failover = {.env = env, .values = values,
			.published = calloc(MEMBERS_EVENTS_MAX, sizeof(*failover.published))};
	int error = failover.published ? members_init(&failover.members) : -ENOMEM;

	if (!error)
		error = run_plane(&failover);
	members_free(&failover.members);
	free(failover.published);
	return error;
}

static int open_failover(const struct bench_env *env)
{
	size_t size;
	void *image = image_of(rules, &size);
	int error = image ? janitor_tempdir("/tmp", dir) : -EINVAL;

	(void)env;
	snprintf(file, sizeof(file), "%s/rules", dir);
	if (!error)
		error = image_write(file, image, size);
	free(image);
	return error;
}

static void close_failover(void)
{
	if (*dir)
		janitor_remove(dir);
	*dir = '\0';
}

static const struct bench_metric metrics[] = {
	[KILLED_MS] = {"failover_ms", "ms"},
	[KILLED_WORST_MS] = {"failover_worst_ms", "ms"},
	[FULL_MS] = {"failover_full_ms", "ms"},
	[STILL_MS] = {"failover_still_ms", "ms"},
};

static const struct bench_contender contenders[] = {{"vexplane", run}};

const struct bench bench_failover = {
	.name = "failover",
	.text = "critical events of a group one of whose members fails",
	.runs = BENCH_RUNS_MIN,
	.metrics = metrics,
	.metric_count = sizeof(metrics) / sizeof(metrics[0]),
	.contenders = contenders,
	.contender_count = 1,
	.open = open_failover,
	.close = close_failover,
};
