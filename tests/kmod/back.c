/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an application publishes and a rule leads to boundary:kernel is heard by inotify in that
 * folder, and by the kernel's subscribers (the sample module); what no rule leads there, and what
 * the kernel has seen itself, is not. For a data plane whose rules lead what is in FOLDER there.
 *
 *   back watch FOLDER          does all that; a file "here" is there
 *   back flood FOLDER COUNT    publishes so many, while the module takes hardly any; then lets it
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/tap.h"
#include "tap_reader.h"
#include "vex/vex.h"

#define WAIT_MS 60000

static unsigned problems;
static const char *folder;
static struct vex_port *port;
static struct vex_lane *lane;
static struct tap_reader tap;

#define CHECK(condition) check(condition, #condition, __LINE__)

static void check(bool good, const char *what, int line)
{
	if (good)
		return;
	printf("FAIL: line %d: %s (%s)\n", line, what, vex_last_error());
	problems++;
}

static uint64_t returned(void)
{
	static struct vex_tap_stats stats;

	CHECK(tap_stats(&tap, &stats) == 0);
	return stats.returned;
}

/* In the folder, of a name that begins with a slash. */
static int publish(uint16_t type, const char *name)
{
	char path[256];
	int len = snprintf(path, sizeof(path), "%s%s", folder, name);
	const struct vex_event event = {.type = type,
			.has = VEX_HAS_PATH,
			.path = {path, (size_t)len}};

	return vex_publish(lane, &event);
}

/* The next event of a watch. */
static bool heard(int watch, uint32_t mask, const char *name)
{
	char buffer[512] __attribute__((aligned(8)));
	struct inotify_event event;
	struct pollfd fd = {.fd = watch, .events = POLLIN};

	if (poll(&fd, 1, WAIT_MS) != 1 || read(watch, buffer, sizeof(event) + 64) < 0)
		return false;
	memcpy(&event, buffer, sizeof(event));
	if (event.mask == mask && !strcmp(event.len ? buffer + sizeof(event) : "", name))
		return true;
	printf("  heard %x %s\n", event.mask, event.len ? buffer + sizeof(event) : "");
	return false;
}

/* A process of its own: what subscribers do themselves is left out by the tap. */
static void make_folder(const char *path)
{
	pid_t child = fork();

	if (!child)
		_exit(mkdir(path, 0755));
	CHECK(child > 0 && waitpid(child, NULL, 0) == child);
}

/* The kernel's event of this path has come to the data plane, and was led where it is led. */
static bool seen_by_kernel(struct vex_subscription *sub, const char *path)
{
	const struct vex_record *records[16];
	int count = 0;

	while (count > 0 || vex_wait(sub, WAIT_MS) == 1) {
		count = vex_read(sub, records, 16);
		for (int i = 0; i < count; i++) {
			struct vex_event_space space;
			struct vex_event event;

			vex_event_decode(records[i], &event, &space);
			if (event.boundary == VEX_BOUNDARY_KERNEL && event.path.len == strlen(path) &&
					!memcmp(event.path.data, path, event.path.len))
				return true;
		}
	}
	return false;
}

static void do_watch(void)
{
	struct vex_subscribe_options options = {.name = "onlooker"};
	struct vex_subscription *sub;
	int watch = inotify_init1(IN_CLOEXEC);
	uint64_t before = returned();
	char local[256];

	CHECK(inotify_add_watch(watch, folder, IN_ALL_EVENTS) >= 0);
	vex_filter_add_type(&options.filter, VEX_MKDIR);
	CHECK(vex_subscribe(&options, &sub) == 0);
	CHECK(publish(VEX_CREATE, "-other/made") == 0); /* no rule leads it back */
	CHECK(publish(VEX_CREATE, "/made") == 0);
	CHECK(heard(watch, IN_CREATE, "made"));
	CHECK(publish(VEX_WRITE, "/here") == 0);
	CHECK(heard(watch, IN_MODIFY, "here"));
	CHECK(publish(VEX_DELETE, "/made") == 0);
	CHECK(heard(watch, IN_DELETE, "made"));

	snprintf(local, sizeof(local), "%s/local", folder);
	make_folder(local);
	CHECK(heard(watch, IN_CREATE | IN_ISDIR, "local"));
	CHECK(seen_by_kernel(sub, local));
	CHECK(publish(VEX_CHMOD, "/here") == 0);
	CHECK(heard(watch, IN_ATTRIB, "here")); /* and no second "local" */
	CHECK(returned() == before + 4);
	close(watch);
	vex_unsubscribe(sub);
}

static void set_rate(uint32_t rate)
{
	struct vex_tap_return how = {.flags = VEX_TAP_RETURN_FSNOTIFY, .rate = rate};

	CHECK(ioctl(tap.fd, VEX_TAP_RETURN, &how) == 0);
}

static void do_flood(unsigned count)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	set_rate(1);
	for (unsigned i = 0; i < count; i++)
		CHECK(publish(VEX_UTIMENS, "/flood") == 0);
	while (!vex_port_drained(port))
		nanosleep(&pause, NULL);
	set_rate(UINT32_MAX);
}

int main(int argc, char **argv)
{
	const struct vex_port_options options = {.name = "elsewhere",
			.ring_size = 1 << 20,
			.full = VEX_FULL_WAIT,
			.wait_us = 10000000};

	folder = argc > 2 ? argv[2] : "";
	tap.fd = open(VEX_TAP_DEVICE, O_RDWR | O_CLOEXEC);
	CHECK(tap.fd >= 0 && vex_port_open(&options, &port) == 0 && vex_lane_open(port, &lane) == 0);
	if (argc == 3 && !strcmp(argv[1], "watch"))
		do_watch();
	else if (argc == 4 && !strcmp(argv[1], "flood"))
		do_flood((unsigned)atoi(argv[3]));
	else
		problems++;
	vex_port_close(port);
	printf("back: %u problems\n", problems);
	return problems != 0;
}
