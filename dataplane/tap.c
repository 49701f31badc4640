/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/tap.h"
#include "base/alloc.h"
#include "base/log.h"
#include "dataplane/port.h"

struct tap {
	struct plane *plane;
	struct port *port;
	int fd;
	bool enabled;
	struct vex_tap_select want;
	struct vex_tap_stats stats; /* when last looked at */
};

static int request(const struct tap *tap, unsigned long command, void *argument)
{
	return ioctl(tap->fd, command, argument) < 0 ? -errno : 0;
}

static int open_device(struct tap *tap, const char *path)
{
	struct vex_tap_hello hello = {.magic = VEX_TAP_MAGIC,
			.abi_version = VEX_ABI_VERSION,
			.tap_version = VEX_TAP_VERSION};
	int error;

	tap->fd = open(path, O_RDWR | O_CLOEXEC);
	if (tap->fd < 0) {
		error = -errno;
		vex_error("kernel tap %s: %s%s", path, strerror(errno),
				errno == ENOENT ? "; is vex_tap loaded? modprobe vex_tap" : "");
		return error == -ENOENT ? -ENODEV : error;
	}
	error = request(tap, VEX_TAP_HELLO, &hello);
	if (error)
		vex_error("kernel tap %s: it speaks version %u.%u, we %u.%u: %s", path,
				hello.abi_version, hello.tap_version, VEX_ABI_VERSION,
				VEX_TAP_VERSION, strerror(-error));
	return error;
}

static int add_lane(struct tap *tap, uint32_t number, uint64_t ring_size, char *reason)
{
	uint64_t at = (uint64_t)number << VEX_TAP_LANE_SHIFT;
	struct lane *lane = vex_alloc_lines(sizeof(*lane));
	int error;

	if (!lane)
		return -ENOMEM;
	lane->page.fd = -1;
	error = vex_ring_map_device(&lane->ring, tap->fd, at, ring_size);
	if (!error)
		error = vex_page_map_device(&lane->page, tap->fd, at + VEX_TAP_PEER);
	if (!error)
		return port_take_lane(tap->plane, tap->port, lane, reason);
	snprintf(reason, VEX_REASON_MAX, "lane %u: %s", number, strerror(-error));
	port_free_lane(lane);
	return error;
}

static int add_port(struct tap *tap, char *reason)
{
	struct vex_message hello = {.hello = {.role = VEX_ROLE_PRODUCER,
						    .boundary = VEX_BOUNDARY_KERNEL,
						    .name = "kernel"}};
	struct ucred who = {.pid = getpid(), .uid = 0, .gid = 0};
	int error = port_add(tap->plane, &hello, &who, &tap->port, reason);
	int wake = error ? -1 : fcntl(tap->fd, F_DUPFD_CLOEXEC, 0);

	if (error)
		return error;
	if (wake < 0)
		return -errno;
	port_wake_by(tap->plane, tap->port, wake);
	return 0;
}

static int attach(struct tap *tap, uint64_t ring_size, char *reason)
{
	struct vex_tap_attach lanes = {.ring_size = ring_size};
	int error = request(tap, VEX_TAP_ATTACH, &lanes);

	if (error) {
		snprintf(reason, VEX_REASON_MAX, "%s%s", strerror(-error),
				error == -EBUSY ? ": another reader has it" : "");
		return error;
	}
	error = add_port(tap, reason);
	for (uint32_t i = 0; !error && i < lanes.lane_count; i++)
		error = add_lane(tap, i, lanes.ring_size, reason);
	if (!error)
		error = request(tap, VEX_TAP_SELECT, &tap->want);
	if (!error)
		vex_info("kernel tap: %u lanes of %llu bytes", lanes.lane_count,
				(unsigned long long)lanes.ring_size);
	return error;
}

int tap_open(struct plane *plane, const struct options *options, struct tap **out)
{
	const char *path = options->kernel_tap;
	char reason[VEX_REASON_MAX] = "the kernel refused";
	struct tap *tap = calloc(1, sizeof(*tap));
	int error;

	if (!tap)
		return -ENOMEM;
	tap->plane = plane;
	tap->want = options->kernel_select;
	tap->enabled = true;
	error = open_device(tap, path);
	if (!error) {
		error = attach(tap, options->kernel_ring, reason);
		if (error)
			vex_error("kernel tap %s: %s", path, reason);
	}
	if (error) {
		if (tap->port)
			port_drain(plane, tap->port);
		tap_close(tap);
		return error;
	}
	*out = tap;
	return 0;
}

static int apply(struct tap *tap)
{
	return tap->enabled ? request(tap, VEX_TAP_SELECT, &tap->want) : 0;
}

int tap_exclude(struct tap *tap, const uint32_t *pids, uint32_t count)
{
	if (count > VEX_TAP_EXCLUDED_MAX)
		count = VEX_TAP_EXCLUDED_MAX;
	if (count == tap->want.excluded_count &&
			!memcmp(tap->want.excluded, pids, count * sizeof(*pids)))
		return 0;
	memset(tap->want.excluded, 0, sizeof(tap->want.excluded));
	memcpy(tap->want.excluded, pids, count * sizeof(*pids));
	tap->want.excluded_count = count;
	return apply(tap);
}

/* A selection that can't be hooked leaves nothing hooked: the old one is put back. */
int tap_select(struct tap *tap, const struct vex_tap_select *want)
{
	struct vex_tap_select old = tap->want;
	int error;

	tap->want = *want;
	memcpy(tap->want.excluded, old.excluded, sizeof(old.excluded));
	tap->want.excluded_count = old.excluded_count;
	error = apply(tap);
	if (error) {
		tap->want = old;
		apply(tap);
	}
	return error;
}

int tap_enable(struct tap *tap, bool enabled)
{
	int error;

	tap->enabled = enabled;
	error = enabled ? apply(tap) : request(tap, VEX_TAP_PAUSE, NULL);
	if (error)
		tap->enabled = !enabled;
	return error;
}

static void show(const struct tap *tap, struct vex_kernel_stat *to)
{
	const struct vex_tap_stats *stats = &tap->stats;

	to->state = VEX_SLOT_LIVE;
	to->enabled = tap->enabled;
	to->selection = tap->want;
	memcpy(to->lost, stats->lost, sizeof(to->lost));
#define VEX_KERNEL_COUNTER(name, description) to->name = stats->name;
#include "stat/stat.def"
	for (uint32_t i = 0; i < VEX_TYPE_LIMIT; i++) {
#define VEX_KERNEL_TYPE_COUNTER(name, description) to->type[i].name = stats->op[i].name;
#include "stat/stat.def"
	}
}

void tap_count(struct tap *tap)
{
	struct vex_stat_segment *segment = tap->plane->stat;

	if (request(tap, VEX_TAP_STATS, &tap->stats))
		return;
	vex_stat_begin(&segment->generation);
	show(tap, &segment->kernel);
	vex_stat_end(&segment->generation);
}

int tap_device(const struct tap *tap)
{
	return tap->fd;
}

void tap_stop(struct tap *tap)
{
	request(tap, VEX_TAP_PAUSE, NULL);
	port_drain(tap->plane, tap->port);
}

void tap_close(struct tap *tap)
{
	if (!tap)
		return;
	if (tap->fd >= 0)
		close(tap->fd);
	free(tap);
}
