/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int map_lane(struct tap_reader *tap, uint32_t i)
{
	uint64_t at = (uint64_t)i << VEX_TAP_LANE_SHIFT;
	int error = vex_ring_map_device(&tap->lane[i].ring, tap->fd, at, tap->ring_size);

	if (!error)
		error = vex_page_map_device(&tap->lane[i].page, tap->fd, at + VEX_TAP_PEER);
	if (!error)
		vex_lane_reader_init(&tap->lane[i].reader, tap->lane[i].ring.ring,
				tap->lane[i].ring.lines, tap->ring_size, tap->lane[i].page.page,
				tap->lane[i].ring.page);
	return error;
}

int tap_attach(struct tap_reader *tap, uint64_t ring_size)
{
	struct vex_tap_hello hello = {VEX_TAP_MAGIC, VEX_ABI_VERSION, VEX_TAP_VERSION, 0};
	struct vex_tap_attach attach = {.ring_size = ring_size};
	int error = 0;

	*tap = (struct tap_reader){.fd = open(VEX_TAP_DEVICE, O_RDWR | O_CLOEXEC)};
	if (tap->fd < 0)
		return -errno;
	if (ioctl(tap->fd, VEX_TAP_HELLO, &hello) < 0 ||
			ioctl(tap->fd, VEX_TAP_ATTACH, &attach) < 0)
		error = -errno;
	tap->ring_size = attach.ring_size;
	for (; !error && tap->lane_count < attach.lane_count; tap->lane_count++)
		error = map_lane(tap, tap->lane_count);
	if (error)
		tap_detach(tap);
	return error;
}

int tap_select(struct tap_reader *tap, const struct vex_tap_select *want)
{
	return ioctl(tap->fd, VEX_TAP_SELECT, want) < 0 ? -errno : 0;
}

int tap_stats(const struct tap_reader *tap, struct vex_tap_stats *stats)
{
	return ioctl(tap->fd, VEX_TAP_STATS, stats) < 0 ? -errno : 0;
}

static void broken(const char *what, uint32_t lane)
{
	printf("FAIL: lane %u: %s\n", lane, what);
	exit(1);
}

static int earliest(struct tap_reader *tap)
{
	const struct vex_record *record;
	uint64_t first = UINT64_MAX;
	int best = -1;

	for (uint32_t i = 0; i < tap->lane_count; i++) {
		if (!vex_lane_peek(&tap->lane[i].reader, &record) ||
				vex_record_end_ns(record) >= first)
			continue;
		first = vex_record_end_ns(record);
		best = (int)i;
	}
	return best;
}

bool tap_next(struct tap_reader *tap, struct vex_record *record)
{
	int i = earliest(tap);
	const struct vex_record *shared;
	struct vex_lane_reader *reader;
	struct vex_attr_gap gap;
	bool is_gap;
	uint32_t size;

	if (i < 0)
		return false;
	reader = &tap->lane[i].reader;
	size = vex_lane_peek(reader, &shared);
	if (size > vex_lane_record_max(tap->ring_size) || size % 8 || size < VEX_RECORD_MIN)
		broken("a size that can't be", (uint32_t)i);
	memcpy(record, shared, size);
	record->size = size;
	if (vex_record_check(record, size) != VEX_CHECK_OK)
		broken(vex_check_text(vex_record_check(record, size)), (uint32_t)i);
	is_gap = record->type == VEX_GAP;
	if (is_gap)
		memcpy(&gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(gap));
	if (vex_lane_advance(reader, size, record->lane_seq, is_gap ? &gap : NULL))
		broken("out of sequence", (uint32_t)i);
	vex_lane_release(reader);
	tap->lost += is_gap ? gap.count : 0;
	tap->read += !is_gap;
	return true;
}

bool tap_wait(struct tap_reader *tap, int timeout_ms)
{
	struct pollfd fd = {.fd = tap->fd, .events = POLLIN};

	for (uint32_t i = 0; i < tap->lane_count; i++)
		vex_lane_sleep_begin(&tap->lane[i].reader);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* with the one in the kernel behind each commit */
	if (earliest(tap) < 0)
		poll(&fd, 1, timeout_ms);
	for (uint32_t i = 0; i < tap->lane_count; i++)
		vex_lane_sleep_end(&tap->lane[i].reader);
	return earliest(tap) >= 0;
}

void tap_detach(struct tap_reader *tap)
{
	for (uint32_t i = 0; i < tap->lane_count; i++) {
		vex_ring_map_close(&tap->lane[i].ring);
		vex_page_map_close(&tap->lane[i].page);
	}
	if (tap->fd >= 0)
		close(tap->fd);
	tap->fd = -1;
	tap->lane_count = 0;
}
