/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port_work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "dataplane/lane_memory.h"
#include "dataplane/plan.h"

void port_free_lane(struct lane *lane)
{
	if (!lane)
		return;
	vex_ring_map_close(&lane->ring);
	vex_page_map_close(&lane->page);
	free(lane);
}

static int check_lane(const struct plane *plane, const struct port *port,
		const struct vex_message *message, char *reason)
{
	if (message->lane.ring_size > plane->ring_max)
		return refuse(reason, -EINVAL,
				"a lane of %llu bytes: the data plane's ring_max allows at most %llu",
				(unsigned long long)message->lane.ring_size,
				(unsigned long long)plane->ring_max);
	if (message->lane.position % VEX_LINE)
		return refuse(reason, -EINVAL, "a lane at %llu: want a multiple of %u",
				(unsigned long long)message->lane.position, VEX_LINE);
	if (lane_count_check(plane, port->uid, reason))
		return -ENOSPC;
	return lane_memory_check(plane, port->uid, message->lane.ring_size, reason);
}

/* A page starts with an epoch that no producer has seen of another data plane. */
static void begin_lane(struct lane *lane)
{
	uint64_t ring_size = lane->ring.ring_size;

	vex_lane_reader_init(&lane->reader, lane->ring.ring, lane->ring.lines, ring_size,
			lane->page.page, lane->ring.page);
	lane->page.page->sleep_epoch = vex_clock_now() & ~1ull;
	lane->record_max = vex_lane_record_max(ring_size);
}

static int map_lane(int fd, const struct vex_message *message, struct lane **out, char *reason)
{
	uint64_t ring_size = message->lane.ring_size;
	struct lane *lane = vex_alloc_lines(sizeof(*lane));
	int error;

	if (!lane) {
		close(fd);
		return refuse(reason, -ENOMEM, "out of memory");
	}
	lane->page.fd = -1;
	error = vex_ring_map_open(&lane->ring, fd, ring_size);
	if (!error)
		error = vex_page_map_create(&lane->page);
	if (error) {
		port_free_lane(lane);
		return refuse(reason, error, "the lane's memory: %s%s", strerror(-error),
				error == -EPERM ? " (want a memfd sealed against shrinking, "
						  "growing and further seals, no more)"
						: "");
	}
	begin_lane(lane);
	*out = lane;
	return 0;
}

static void place_lane(const struct plane *plane, struct lane *lane,
		const struct vex_message *message)
{
	uint64_t position = message->lane.position;

	lane->resumed = message->lane.seq || position;
	lane->seq_known = !lane->resumed;
	if (lane->resumed)
		position = ends_resume(&plane->ends, lane->ring.inode, position);
	lane->page.page->position = position;
	lane->reader.tail = lane->start = position;
	lane->reader.seq = message->lane.seq;
}

/*
 * A producer that comes back to the same data plane may find that what it left is still drained:
 * it has to wait for that, or the two lanes would deliver the same records.
 */
static bool in_use(const struct plane *plane, uint64_t inode)
{
	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++)
		for (uint32_t k = 0; plane->ports[i] && k < VEX_PORT_LANES_MAX; k++)
			if (plane->ports[i]->lanes[k] &&
					plane->ports[i]->lanes[k]->ring.inode == inode)
				return true;
	return false;
}

static int open_lane_stat(struct plane *plane, struct port *port, struct lane *lane)
{
	for (uint32_t i = 0; i < VEX_LANES_MAX; i++) {
		struct vex_lane_stat *stat = &plane->stat->lane[i];

		if (stat->state != VEX_SLOT_FREE)
			continue;
		memset(stat, 0, sizeof(*stat));
		stat->port = port->id;
		stat->number = lane->number;
		stat->ring_size = lane->ring.ring_size;
		stat->state = VEX_SLOT_LIVE;
		lane->stat = stat;
		return 0;
	}
	return -ENOSPC;
}

/*
 * Ids are not to come again: they go on from the nanosecond at which the lane was opened, or from
 * where those of the last lane in this place ended. No lane gives an event a nanosecond, so they
 * stay behind the clock, and a data plane that was started anew begins beyond them.
 */
static void begin_ids(const struct plane *plane, const struct port *port, struct lane *lane)
{
	uint64_t end = plane->id_ends[port->id][lane->number], now = vex_clock_now();

	lane->id_base = (now > end ? now : end) - lane->reader.seq;
}

/* Takes the lane in; where there is no place for it, it is freed. */
static int keep_lane(struct plane *plane, struct port *port, struct lane *lane, char *reason)
{
	int slot = port_free_slot((void **)port->lanes, VEX_PORT_LANES_MAX);

	lane->number = (uint32_t)slot;
	if (slot < 0 || open_lane_stat(plane, port, lane)) {
		port_free_lane(lane);
		return refuse(reason, -ENOSPC, "no lane is left: %u a port, %u in all",
				VEX_PORT_LANES_MAX, VEX_LANES_MAX);
	}
	begin_ids(plane, port, lane);
	port->lanes[slot] = lane;
	port->lane_count++;
	port->stat->lane_count = port->lane_count;
	plan_publish(plane, &plane->workers[port->worker]);
	return 0;
}

int port_take_lane(struct plane *plane, struct port *port, struct lane *lane, char *reason)
{
	begin_lane(lane);
	lane->seq_known = true;
	return keep_lane(plane, port, lane, reason);
}

int port_add_lane(struct plane *plane, struct port *port, int fd, struct vex_message *message,
		int *page_fd, char *reason)
{
	struct lane *lane;
	int error = check_lane(plane, port, message, reason);

	if (error) {
		close(fd);
		return error;
	}
	error = map_lane(fd, message, &lane, reason);
	if (error)
		return error;
	if (in_use(plane, lane->ring.inode)) {
		port_free_lane(lane);
		return refuse(reason, -EBUSY, "this lane is still in use");
	}
	place_lane(plane, lane, message);
	error = keep_lane(plane, port, lane, reason);
	if (error)
		return error;
	*page_fd = lane->page.fd;
	lane->page.fd = -1;
	message->lane.lane = lane->number;
	return 0;
}

static void drain_lane(struct plane *plane, struct port *port, struct lane *lane)
{
	lane->drain_until = VEX_LOAD_RELAXED(&lane->page.page->position) + lane->ring.ring_size;
	lane->stat->state = VEX_SLOT_DRAINING;
	VEX_STORE_RELEASE(&lane->draining, true);
	plan_wake(&plane->workers[port->worker]);
}

int port_remove_lane(struct plane *plane, struct port *port, uint32_t number, char *reason)
{
	if (number >= VEX_PORT_LANES_MAX || !port->lanes[number])
		return refuse(reason, -ENOENT, "the port has no lane %u", number);
	drain_lane(plane, port, port->lanes[number]);
	return 0;
}

void port_drain_lanes(struct plane *plane, struct port *port)
{
	for (uint32_t i = 0; i < VEX_PORT_LANES_MAX; i++)
		if (port->lanes[i])
			drain_lane(plane, port, port->lanes[i]);
}

static void retire_lane(struct plane *plane, struct port *port, uint32_t number)
{
	struct lane *lane = port->lanes[number];

	port->lanes[number] = NULL;
	port->lane_count--;
	port->stat->lane_count = port->lane_count;
	plan_publish(plane, &plane->workers[port->worker]);
	plane->stat->retired.lanes++;
	plane->stat->retired.abandoned += lane->stat->abandoned;
	if (VEX_LOAD_RELAXED(&lane->untrusted)) {
		plane->stat->retired.untrusted++;
		if (vex_log_may(&plane->detached))
			vex_warn("port %u (%s, pid %u): lane %u broke the lane's rules and was detached",
					port->id, port->stat->name, port->pid, number);
	}
	lane->stat->state = VEX_SLOT_FREE;
	plane->id_ends[port->id][number] = lane->id_base + lane->reader.seq;
	ends_note(&plane->ends, lane->ring.inode, lane->reader.tail);
	port_free_lane(lane);
}

/* A producer that goes on writing after it hung up is not listened to for ever. */
static bool lane_done(const struct lane *lane)
{
	if (VEX_LOAD_RELAXED(&lane->untrusted))
		return true;
	if (!lane->draining)
		return false;
	return VEX_LOAD_ACQUIRE(&lane->drained) ||
			VEX_LOAD_RELAXED(&lane->page.page->position) >= lane->drain_until;
}

bool port_reap_lanes(struct plane *plane, struct port *port)
{
	bool drains = false;

	for (uint32_t i = 0; i < VEX_PORT_LANES_MAX; i++) {
		if (!port->lanes[i])
			continue;
		if (lane_done(port->lanes[i]))
			retire_lane(plane, port, i);
		else
			drains |= port->lanes[i]->draining;
	}
	return drains;
}
