/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "dataplane/port.h"
#include "dataplane/reverse.h"
#include "dataplane/tap.h"

#define STOP_NS 1000000000ull /* what the kernel's lanes hold is delivered within that */
#define TICK_MS 1
#define COUNT_NS 1000000000ull

struct kernel {
	uint64_t counted_ns; /* when its statistics were last shown */
	struct plane *plane;
	struct tap *tap;
	struct reverse *reverse;
};

/* Rules may lead to it from the first event on. */
static int open_reverse(
		struct kernel *kernel, struct server *server, const struct options *options)
{
	int state, error = reverse_open(tap_device(kernel->tap), options->socket,
			options->kernel_return_rate, &kernel->reverse);

	if (error) {
		vex_error("kernel tap: its reverse lane: %s", strerror(-error));
		return error;
	}
	while (!(state = reverse_attached(kernel->reverse)))
		server_poll(server, TICK_MS);
	return state < 0 ? state : 0;
}

int kernel_open(struct plane *plane, struct server *server, const struct options *options,
		struct kernel **out)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int error;

	if (!kernel)
		return -ENOMEM;
	*out = kernel;
	kernel->plane = plane;
	error = tap_open(plane, options, &kernel->tap);
	if (error)
		return error;
	plane->kernel = kernel;
	return open_reverse(kernel, server, options);
}

/* What is no selection is refused by the module. */
static int read_selection(int fd, struct vex_tap_select *want)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
			pread(fd, want, sizeof(*want), 0) != sizeof(*want))
		return -EINVAL;
	return 0;
}

static int carry_out(struct tap *tap, uint16_t message_type, int fd)
{
	struct vex_tap_select want;
	int error;

	if (message_type != VEX_MESSAGE_KERNEL_SELECT)
		return tap_enable(tap, message_type == VEX_MESSAGE_KERNEL_ENABLE);
	error = read_selection(fd, &want);
	return error ? error : tap_select(tap, &want);
}

int kernel_order(struct kernel *kernel, uint16_t message_type, int fd, char *reason)
{
	int error;

	if (!kernel) {
		snprintf(reason, VEX_REASON_MAX, "it has no kernel tap; start it with --kernel-tap");
		return -ENODEV;
	}
	error = carry_out(kernel->tap, message_type, fd);
	tap_count(kernel->tap);
	if (error)
		snprintf(reason, VEX_REASON_MAX, "the kernel module: %s%s", strerror(-error),
				error == -EBUSY ? "; a live patch holds a function: see its log" : "");
	return error;
}

void kernel_select(struct kernel *kernel, const struct vex_tap_select *want)
{
	int error = kernel ? tap_select(kernel->tap, want) : 0;

	if (error)
		vex_error("kernel tap: what is to be selected: %s", strerror(-error));
}

/* A listener's own work on files would be told to him, for ever. */
void kernel_tend(struct kernel *kernel, const struct server *server)
{
	uint32_t pids[VEX_TAP_EXCLUDED_MAX];
	uint64_t now;

	if (!kernel)
		return;
	tap_exclude(kernel->tap, pids, server_listeners(server, pids, VEX_TAP_EXCLUDED_MAX));
	now = vex_clock_steady();
	if (now - kernel->counted_ns < COUNT_NS)
		return;
	kernel->counted_ns = now;
	tap_count(kernel->tap);
}

void kernel_stop(struct kernel *kernel)
{
	uint64_t until = vex_clock_steady() + STOP_NS;

	if (!kernel || !kernel->tap)
		return;
	tap_stop(kernel->tap);
	while (port_reap(kernel->plane) && vex_clock_steady() < until)
		usleep(1000 * TICK_MS);
	reverse_stop(kernel->reverse);
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	kernel->plane->kernel = NULL;
	reverse_close(kernel->reverse);
	tap_close(kernel->tap);
	free(kernel);
}
