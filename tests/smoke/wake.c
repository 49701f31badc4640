/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wake SOCKET ROUNDS: how long it takes from publishing an event to its being readable, where the
 * worker in between was asleep: it is given time to fall asleep before each. The subscriber polls,
 * so that one wake-up alone is measured. Prints median, p90 and maximum in nanoseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vex/vex.h"

#define ROUNDS_MAX 10000u
#define PAUSE_NS 5000000
#define LIMIT_NS 10000000000ull

static uint64_t taken[ROUNDS_MAX];

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* 0 where the event did not come. */
static uint64_t measure(struct vex_lane *lane, struct vex_subscription *sub)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct vex_event event = {.type = VEX_METRIC};
	const struct vex_record *record;
	uint64_t start;

	nanosleep(&pause, NULL);
	start = now();
	if (vex_publish(lane, &event))
		return 0;
	while (vex_read(sub, &record, 1) != 1)
		if (now() - start > LIMIT_NS)
			return 0;
	return now() - start;
}

static int ascending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static int fail(const char *what)
{
	fprintf(stderr, "wake: %s: %s\n", what, vex_last_error());
	return 1;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	struct vex_port_options options = {.socket = argv[1]};
	struct vex_subscribe_options wanted = {.socket = argv[1]};
	struct vex_subscription *sub;
	struct vex_port *port;
	struct vex_lane *lane;

	if (!rounds || rounds > ROUNDS_MAX)
		return fail("usage: wake SOCKET ROUNDS");
	if (vex_subscribe(&wanted, &sub) || vex_port_open(&options, &port) ||
			vex_lane_open(port, &lane))
		return fail("attach");
	for (unsigned i = 0; i < rounds; i++) {
		taken[i] = measure(lane, sub);
		if (!taken[i])
			return fail("an event did not come");
	}
	qsort(taken, rounds, sizeof(taken[0]), ascending);
	printf("%llu %llu %llu\n", (unsigned long long)taken[rounds / 2],
			(unsigned long long)taken[rounds * 9 / 10],
			(unsigned long long)taken[rounds - 1]);
	vex_port_close(port);
	vex_unsubscribe(sub);
	return 0;
}
