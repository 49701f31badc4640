/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Subscribes to everything with a lane that holds it all, says "ready", and captures so many
 * records, GAPs included.
 *
 *   capture-lane SOCKET FILE.pcap COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "capture/capture.h"
#include "vex/vex.h"

#define RING_SIZE (64ull << 20)
#define PATIENCE_S 30

static int write_some(struct vex_subscription *sub, struct vex_capture *capture, uint64_t *left)
{
	const struct vex_record *records[64];
	int count = vex_read(sub, records, *left < 64 ? (uint32_t)*left : 64);

	for (int i = 0; i < count; i++)
		if (vex_capture_write(capture, records[i]))
			return -1;
	if (count > 0)
		*left -= (uint64_t)count;
	return count;
}

static int capture_all(struct vex_subscription *sub, struct vex_capture *capture, uint64_t left)
{
	time_t until = time(NULL) + PATIENCE_S;

	while (left && time(NULL) < until) {
		vex_wait(sub, 1000);
		if (write_some(sub, capture, &left) == -1)
			return -1;
	}
	if (left)
		fprintf(stderr, "capture-lane: %llu records are missing\n", (unsigned long long)left);
	return left ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct vex_subscribe_options options = {.name = "capture-lane", .ring_size = RING_SIZE,
			.connect_ms = 5000};
	struct vex_subscription *sub;
	struct vex_capture *capture;
	int error;

	if (argc != 4)
		return fputs("usage: capture-lane SOCKET FILE.pcap COUNT\n", stderr), 2;
	options.socket = argv[1];
	if (vex_subscribe(&options, &sub) || vex_capture_create(argv[2], &capture)) {
		fprintf(stderr, "capture-lane: %s\n", vex_last_error());
		return 1;
	}
	puts("ready");
	fflush(stdout);
	error = capture_all(sub, capture, strtoull(argv[3], NULL, 10));
	if (vex_capture_close(capture))
		error = -1;
	vex_unsubscribe(sub);
	return error ? 1 : 0;
}
