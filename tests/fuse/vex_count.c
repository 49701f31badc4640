/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Subscribes to everything of one boundary, and counts it by type.
 *
 *   vex-count SOCKET fuse [--lines]
 *
 * Says "ready" once events flow. Each line on standard input is answered, once nothing has
 * come for QUIET_MS (or PATIENCE_MS have passed all the same), by one line of JSON: counts by type, and what was lost. --lines prints
 * each event as a line of JSON instead, and an empty line for each line on standard input.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "event/format.h"
#include "vex/vex.h"

#define BURST 256u
#define QUIET_MS 600 /* longer than a busy machine keeps a worker from its core */
#define PATIENCE_MS 3000
#define LANE_SIZE (64u << 20)

static struct {
	uint64_t types[VEX_TYPE_LIMIT];
	uint64_t lost;
	bool lines;
} counts;

static void print_event(const struct vex_record *record)
{
	static char line[VEX_FORMAT_MAX];
	struct vex_event_space space;
	struct vex_event event;

	vex_event_decode(record, &event, &space);
	if (vex_format_json(&event, line, sizeof(line)) > 0)
		puts(line);
}

static void take(const struct vex_record *record)
{
	const struct vex_attr_gap *gap = vex_record_attr(record, VEX_ATTR_GAP, NULL);
	struct vex_attr_gap copy;

	counts.types[record->type]++;
	if (gap) {
		memcpy(&copy, gap, sizeof(copy));
		counts.lost += copy.count;
	}
	if (counts.lines)
		print_event(record);
}

static void answer(void)
{
	if (!counts.lines) {
		printf("{\"lost\": %lu", (unsigned long)counts.lost);
		for (uint32_t type = 0; type < VEX_TYPE_LIMIT; type++)
			if (counts.types[type] && vex_type_name(type))
				printf(", \"%s\": %lu", vex_type_name(type),
						(unsigned long)counts.types[type]);
		putchar('}');
	}
	putchar('\n');
	fflush(stdout);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whether there is a line to answer; ended tells of the end of standard input. */
static bool read_line(bool *ended)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[64];
	ssize_t n;

	if (poll(&in, 1, 0) <= 0)
		return false;
	n = read(STDIN_FILENO, line, sizeof(line));
	*ended = n <= 0;
	return n > 0;
}

static void serve(struct vex_subscription *sub)
{
	uint64_t last = now_ms(), asked = 0;
	bool ended = false;

	while (!ended) {
		const struct vex_record *records[BURST];
		int n = vex_read(sub, records, BURST);
		uint64_t now = now_ms();

		for (int i = 0; i < n; i++)
			take(records[i]);
		if (n > 0)
			last = now;
		if (!asked && read_line(&ended))
			asked = now;
		if (asked && (now - last >= QUIET_MS || now - asked >= PATIENCE_MS)) {
			answer();
			asked = 0;
		}
		if (n <= 0)
			vex_wait(sub, 20);
	}
}

int main(int argc, char **argv)
{
	struct vex_subscribe_options options = {
		.name = "vex-count", .ring_size = LANE_SIZE, .connect_ms = 10000};
	struct vex_subscription *sub;

	if (argc < 3 || strcmp(argv[2], "fuse")) {
		fprintf(stderr, "usage: vex-count SOCKET fuse [--lines]\n");
		return 2;
	}
	options.socket = argv[1];
	counts.lines = argc > 3 && !strcmp(argv[3], "--lines");
	vex_filter_add_boundary(&options.filter, VEX_BOUNDARY_FUSE);
	if (vex_subscribe(&options, &sub)) {
		fprintf(stderr, "vex-count: %s\n", vex_last_error());
		return 1;
	}
	puts("ready");
	fflush(stdout);
	serve(sub);
	vex_unsubscribe(sub);
	return 0;
}
