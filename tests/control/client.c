/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A producer or a subscriber for tests of the control plane, until its standard input ends.
 *
 *   client publish SOCKET NAME COUNT   publishes COUNT events (0: without end), prints "done"
 *   client subscribe SOCKET NAME       prints "ready", then reads whatever comes
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vex/vex.h"

#define CONNECT_MS 20000u
#define BURST 64u

static int fail(const char *what)
{
	fprintf(stderr, "client: %s: %s\n", what, vex_last_error());
	return 1;
}

static int input_ended(int timeout_ms)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};

	return poll(&input, 1, timeout_ms) == 1;
}

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

static void publish_burst(struct vex_lane *lane, unsigned count)
{
	const struct vex_event event = {
		.type = VEX_WRITE,
		.has = VEX_HAS_PATH,
		.path = {"/some/file", 10},
	};

	while (count--)
		vex_publish(lane, &event);
}

static int publish(const char *socket, const char *name, unsigned long count)
{
	const struct vex_port_options options = {
		.socket = socket,
		.name = name,
		.full = VEX_FULL_WAIT,
		.wait_us = 10000,
		.connect_ms = CONNECT_MS,
	};
	struct vex_port *port;
	struct vex_lane *lane;
	unsigned long left;

	if (vex_port_open(&options, &port) < 0 || vex_lane_open(port, &lane) < 0)
		return fail("cannot publish");
	for (left = count; left; left -= left < BURST ? left : BURST)
		publish_burst(lane, left < BURST ? (unsigned)left : BURST);
	say("done");
	while (!input_ended(count ? -1 : 1))
		publish_burst(lane, BURST);
	vex_port_close(port);
	return 0;
}

static int subscribe(const char *socket, const char *name)
{
	const struct vex_subscribe_options options = {
		.socket = socket,
		.name = name,
		.connect_ms = CONNECT_MS,
	};
	const struct vex_record *records[BURST];
	struct vex_subscription *subscription;

	if (vex_subscribe(&options, &subscription) < 0)
		return fail("cannot subscribe");
	say("ready");
	while (!input_ended(0)) {
		if (vex_read(subscription, records, BURST) <= 0)
			vex_wait(subscription, 20);
		vex_release(subscription);
	}
	vex_unsubscribe(subscription);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "publish"))
		return publish(argv[2], argv[3], strtoul(argv[4], NULL, 10));
	if (argc == 4 && !strcmp(argv[1], "subscribe"))
		return subscribe(argv[2], argv[3]);
	fprintf(stderr, "usage: client publish SOCKET NAME COUNT | client subscribe SOCKET NAME\n");
	return 2;
}
