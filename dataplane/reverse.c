/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/reverse.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_lcore.h>

#include "abi/tap.h"
#include "base/log.h"
#include "vex/vex.h"

#define RECORDS_A_READ 64u
#define ATTACH_MS 30000u /* refused it is at once; a slow machine has its time */
#define WAIT_MS 1000 /* who has no connection is not woken to stop */
#define LIMITED_NS 10000000

struct reverse {
	int device;
	const char *socket;
	pthread_t thread;
	int state; /* as reverse_attached() says; the thread releases it */
	bool stop; /* main, relaxed */
	uint64_t sent;
	uint64_t refused;
	uint64_t unsent;
};

/* Until the kernel takes it, or refuses it for another reason than its rate. */
static void send_record(struct reverse *reverse, const struct vex_record *record)
{
	const struct timespec pause = {.tv_nsec = LIMITED_NS};

	while (write(reverse->device, record, record->size) < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			reverse->refused++;
			return;
		}
		if (VEX_LOAD_RELAXED(&reverse->stop)) {
			reverse->unsent++;
			return;
		}
		nanosleep(&pause, NULL);
	}
	reverse->sent++;
}

/* A GAP of the kernel's own comes to everyone, whatever was asked for. */
static void send_all(struct reverse *reverse, const struct vex_record **records, int count)
{
	for (int i = 0; i < count; i++)
		if (records[i]->boundary != VEX_BOUNDARY_KERNEL)
			send_record(reverse, records[i]);
}

static void relay(struct reverse *reverse, struct vex_subscription *sub)
{
	const struct vex_record *records[RECORDS_A_READ];
	int count = 0;

	while (count >= 0 || !VEX_LOAD_RELAXED(&reverse->stop)) {
		count = vex_read(sub, records, RECORDS_A_READ);
		if (count > 0)
			send_all(reverse, records, count);
		else if (count == 0 || !VEX_LOAD_RELAXED(&reverse->stop))
			vex_wait(sub, WAIT_MS);
	}
}

static void *run(void *arg)
{
	struct reverse *reverse = arg;
	struct vex_subscribe_options options = {.socket = reverse->socket,
			.name = "kernel",
			.connect_ms = ATTACH_MS,
			.boundary = VEX_BOUNDARY_KERNEL};
	struct vex_subscription *sub;
	int error;

	for (uint32_t i = 0; i < VEX_BOUNDARY_COUNT; i++)
		if (i != VEX_BOUNDARY_KERNEL)
			vex_filter_add_boundary(&options.filter, i);
	error = vex_subscribe(&options, &sub);
	if (error)
		vex_error("kernel tap: its reverse lane: %s", vex_last_error());
	VEX_STORE_RELEASE(&reverse->state, error ? error : 1); /* acquired by reverse_attached() */
	if (error)
		return NULL;
	relay(reverse, sub);
	vex_unsubscribe(sub);
	return NULL;
}

int reverse_open(int device, const char *socket, uint32_t rate, struct reverse **out)
{
	struct vex_tap_return how = {.flags = VEX_TAP_RETURN_FSNOTIFY, .rate = rate};
	struct reverse *reverse;
	int error;

	if (ioctl(device, VEX_TAP_RETURN, &how) < 0)
		return -errno;
	reverse = calloc(1, sizeof(*reverse));
	if (!reverse)
		return -ENOMEM;
	reverse->device = device;
	reverse->socket = socket;
	error = rte_ctrl_thread_create(&reverse->thread, "vex-reverse", NULL, run, reverse);
	if (error) {
		free(reverse);
		return error;
	}
	*out = reverse;
	return 0;
}

int reverse_attached(const struct reverse *reverse)
{
	return VEX_LOAD_ACQUIRE(&reverse->state);
}

void reverse_stop(struct reverse *reverse)
{
	if (reverse)
		VEX_STORE_RELAXED(&reverse->stop, true);
}

void reverse_close(struct reverse *reverse)
{
	if (!reverse)
		return;
	reverse_stop(reverse);
	pthread_join(reverse->thread, NULL);
	if (reverse->sent | reverse->refused | reverse->unsent)
		vex_info("kernel tap: %llu events went back into the kernel, %llu were refused, "
			 "%llu left",
				(unsigned long long)reverse->sent,
				(unsigned long long)reverse->refused,
				(unsigned long long)reverse->unsent);
	free(reverse);
}
