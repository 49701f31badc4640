/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi/tap.h"
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
	error = tap_open(plane, options->kernel_tap, options->kernel_ring, &kernel->tap);
	return error ? error : open_reverse(kernel, server, options);
}

/* A listener's own work on files would be told to him, for ever. */
void kernel_tend(struct kernel *kernel, const struct server *server)
{
	uint32_t pids[VEX_TAP_EXCLUDED_MAX];
	uint64_t now;

	if (!kernel)
		return;
	tap_exclude(kernel->tap, pids, server_listeners(server, pids, VEX_TAP_EXCLUDED_MAX));
	now = vex_clock_now();
	if (now - kernel->counted_ns < COUNT_NS)
		return;
	kernel->counted_ns = now;
	tap_count(kernel->tap);
}

void kernel_stop(struct kernel *kernel)
{
	uint64_t until = vex_clock_now() + STOP_NS;

	if (!kernel || !kernel->tap)
		return;
	tap_stop(kernel->tap);
	while (port_reap(kernel->plane) && vex_clock_now() < until)
		usleep(1000 * TICK_MS);
	reverse_stop(kernel->reverse);
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	reverse_close(kernel->reverse);
	tap_close(kernel->tap);
	free(kernel);
}
