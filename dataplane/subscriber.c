/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/subscriber.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "dataplane/idle.h"
#include "dataplane/lane_memory.h"
#include "dataplane/plan.h"
#include "dataplane/target.h"

#define READ_WAIT_NS 20000000u
#define RING_SIZE_DEFAULT (1u << 20)

#define refuse(reason, error, ...) (snprintf(reason, VEX_REASON_MAX, __VA_ARGS__), error)

/* Anything else might block the worker that writes to it. */
static bool is_unix_socket(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
			domain == AF_UNIX;
}

static void open_stat(struct plane *plane, struct subscriber *sub,
		const struct vex_message *hello, const struct ucred *who)
{
	struct vex_subscriber_stat *stat = &plane->stat->subscriber[sub->id];

	vex_stat_begin(&plane->stat->generation);
	memset(stat, 0, sizeof(*stat));
	stat->pid = (uint32_t)who->pid;
	stat->uid = who->uid;
	stat->attached_ns = vex_clock_now();
	stat->ring_size = sub->ring_size;
	stat->filter = sub->filter;
	snprintf(stat->name, sizeof(stat->name), "%.*s", (int)VEX_NAME_MAX - 1,
			hello->hello.name);
	vex_stat_end(&plane->stat->generation);
	sub->stat = stat;
}

static int find_slot(const struct plane *plane)
{
	for (int i = 0; i < (int)VEX_SUBSCRIBERS_MAX; i++)
		if (!plane->subscribers[i])
			return i;
	return -1;
}

static int check_hello(const struct plane *plane, const struct vex_message *hello,
		uint64_t ring_size, int wake, char *reason)
{
	if (hello->hello.boundary >= VEX_BOUNDARY_COUNT)
		return refuse(reason, -EINVAL, "boundary %u does not exist",
				hello->hello.boundary);
	if (!is_unix_socket(wake))
		return refuse(reason, -EINVAL, "a unix socket to be woken by is wanted");
	if (!vex_ring_size_valid(ring_size) || ring_size > plane->ring_max)
		return refuse(reason, -EINVAL,
				"a lane of %llu bytes: want a power of two, 4096 to %llu (ring_max)",
				(unsigned long long)ring_size,
				(unsigned long long)plane->ring_max);
	return 0;
}

int subscriber_add(struct plane *plane, const struct vex_message *hello, const struct ucred *who,
		int wake, struct subscriber **out, char *reason)
{
	uint64_t ring_size = hello->hello.ring_size ? hello->hello.ring_size : RING_SIZE_DEFAULT;
	int error = check_hello(plane, hello, ring_size, wake, reason);
	int slot = find_slot(plane);
	struct subscriber *sub = NULL;

	if (!error && slot < 0)
		error = refuse(reason, -ENOSPC, "all %u subscriptions are taken",
				VEX_SUBSCRIBERS_MAX);
	if (!error && !(sub = calloc(1, sizeof(*sub))))
		error = refuse(reason, -ENOMEM, "out of memory");
	if (error) {
		if (wake >= 0)
			close(wake);
		return error;
	}
	sub->id = (uint32_t)slot;
	sub->wake = wake;
	sub->boundary = hello->hello.boundary;
	sub->filter = hello->hello.filter;
	sub->ring_size = ring_size;
	open_stat(plane, sub, hello, who);
	plane->attach_ns = vex_clock_steady();
	plane->subscribers[slot] = sub;
	*out = sub;
	return 0;
}

static void free_target(struct target *target)
{
	if (!target)
		return;
	backlog_free(&target->backlog);
	guards_free(&target->guards);
	vex_ring_map_close(&target->ring);
	vex_page_map_close(&target->page);
	free(target);
}

static int map_target(const struct plane *plane, struct subscriber *sub, int fd,
		struct target **out)
{
	struct target *target = vex_alloc_lines(sizeof(*target));
	int error;

	if (!target) {
		close(fd);
		return -ENOMEM;
	}
	target->ring.fd = -1;
	error = vex_page_map_open(&target->page, fd);
	if (!error)
		error = vex_ring_map_create(&target->ring, sub->ring_size);
	if (!error)
		error = backlog_init(&target->backlog, plane->backlog);
	if (error) {
		free_target(target);
		return error;
	}
	vex_lane_writer_init(&target->writer, target->ring.ring, sub->ring_size,
			target->ring.page, target->page.page);
	target->record_max = vex_lane_record_max(sub->ring_size);
	*out = target;
	return 0;
}

int subscriber_add_lane(struct plane *plane, struct subscriber *sub, int fd,
		struct vex_message *message, int *ring_fd, char *reason)
{
	uint32_t worker = message->lane.lane;
	struct target *target;
	int error;

	if (fd < 0 || worker >= plane->worker_count || sub->targets[worker]) {
		if (fd >= 0)
			close(fd);
		return refuse(reason, -EINVAL, "lane %u is not one of 0 to %u, or is open", worker,
				plane->worker_count - 1);
	}
	error = lane_memory_check(plane, sub->stat->uid, sub->ring_size, reason);
	if (error) {
		close(fd);
		return error;
	}
	error = map_target(plane, sub, fd, &target);
	if (error)
		return refuse(reason, error, "the lane's memory: %s", strerror(-error));
	target->subscriber = sub->id;
	target->serial = ++plane->generation;
	target->wake = sub->wake;
	target->stat = &sub->stat->worker[worker];
	sub->targets[worker] = target;
	message->lane.ring_size = sub->ring_size;
	*ring_fd = target->ring.fd;
	target->ring.fd = -1;
	return 0;
}

int subscriber_start(struct plane *plane, struct subscriber *sub, char *reason)
{
	for (uint32_t i = 0; i < plane->worker_count; i++)
		if (!sub->targets[i])
			return refuse(reason, -EINVAL, "lane %u is not open yet", i);
	sub->started = true;
	plane->attach_ns = vex_clock_steady();
	plan_publish_all(plane);
	sub->stat->state = VEX_SLOT_LIVE; /* whoever sees it knows that nothing is missed */
	return 0;
}

static void retire_targets(struct plane *plane, struct subscriber *sub)
{
	struct vex_target_stat *total = &plane->stat->retired.target;

	vex_stat_begin(&plane->stat->generation);
	for (uint32_t i = 0; i < plane->worker_count; i++) {
		struct vex_target_stat *stat = &sub->stat->worker[i];
#define VEX_TARGET_COUNTER(name, description) total->name += stat->name;
#include "stat/stat.def"
	}
	plane->stat->retired.subscribers++;
	memset(sub->stat, 0, sizeof(*sub->stat));
	vex_stat_end(&plane->stat->generation);
}

static bool has_left(const struct plane *plane, const struct subscriber *sub)
{
	for (uint32_t i = 0; i < plane->worker_count; i++)
		if (!VEX_LOAD_ACQUIRE(&sub->targets[i]->left)) /* released by the worker */
			return false;
	return true;
}

static void free_subscriber(struct plane *plane, struct subscriber *sub)
{
	plane->subscribers[sub->id] = NULL;
	retire_targets(plane, sub);
	for (uint32_t i = 0; i < plane->worker_count; i++)
		free_target(sub->targets[i]);
	close(sub->wake);
	free(sub);
}

void subscriber_remove(struct plane *plane, struct subscriber *sub)
{
	if (!sub->started) {
		free_subscriber(plane, sub);
		return;
	}
	sub->leaving = true;
	sub->stat->state = VEX_SLOT_DRAINING;
	plan_publish_all(plane);
	while (plane->driven && !has_left(plane, sub)) /* else the workers do it */
		for (uint32_t i = 0; i < plane->worker_count; i++)
			target_write_waiting(&plane->workers[i]);
	subscriber_reap(plane);
}

bool subscriber_reap(struct plane *plane)
{
	bool leaving = false;

	for (uint32_t i = 0; i < VEX_SUBSCRIBERS_MAX; i++) {
		struct subscriber *sub = plane->subscribers[i];

		if (!sub || !sub->leaving)
			continue;
		if (has_left(plane, sub))
			free_subscriber(plane, sub);
		else
			leaving = true;
	}
	return leaving;
}

bool subscriber_attaching(const struct plane *plane)
{
	for (uint32_t i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		if (plane->subscribers[i] && !plane->subscribers[i]->started)
			return true;
	return false;
}

void subscriber_kick_waiting(struct plane *plane)
{
	for (uint32_t i = 0; i < VEX_SUBSCRIBERS_MAX; i++) {
		struct subscriber *sub = plane->subscribers[i];

		for (uint32_t k = 0; sub && sub->started && !sub->leaving && k < plane->worker_count; k++)
			if (VEX_LOAD_RELAXED(&sub->targets[k]->kick_wanted))
				idle_kick(sub->targets[k]);
	}
}

static uint64_t written(const struct subscriber *sub, uint32_t worker)
{
	return sub && sub->started && !sub->leaving ? VEX_LOAD_RELAXED(&sub->targets[worker]->writer.head) : 0;
}

/* The position is the subscriber's to claim: it can but end the waiting for himself. */
static bool has_read(const struct subscriber *sub, uint32_t worker, uint64_t until)
{
	return !until || VEX_LOAD_RELAXED(&sub->targets[worker]->page.page->position) >= until;
}

void subscriber_wait_until_read(struct plane *plane, uint32_t worker)
{
	const struct timespec pause = {.tv_nsec = 20000};
	uint64_t end = vex_clock_steady() + READ_WAIT_NS;
	uint64_t until[VEX_SUBSCRIBERS_MAX];

	for (uint32_t i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		until[i] = written(plane->subscribers[i], worker);
	for (uint32_t i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		while (!has_read(plane->subscribers[i], worker, until[i]) &&
				vex_clock_steady() < end) {
			subscriber_kick_waiting(plane);
			nanosleep(&pause, NULL);
		}
}
