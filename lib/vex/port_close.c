/* SPDX-License-Identifier: BSD-3-Clause */
#include "vex/port_work.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LOOK_NS 50000
#define NS_OF_MS 1000000ull

static uint64_t close_until(const struct vex_port *port)
{
	return vex_clock_steady() + port->options.close_ms * NS_OF_MS;
}

static bool taken(const struct vex_lane *lane)
{
	return VEX_LOAD_ACQUIRE(&lane->page.page->position) == lane->writer.head;
}

/* Whether all was taken in time; a data plane that is away may come back meanwhile. */
static bool wait_until_taken(struct vex_lane *lane, uint64_t until)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};

	while (vex_flush(lane) || !taken(lane)) {
		if (vex_clock_steady() >= until)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* Events in the lane that nobody took. What stands there a consumer may have changed. */
static uint64_t count_left(const struct vex_lane *lane)
{
	const struct vex_lane_writer *writer = &lane->writer;
	uint64_t at = VEX_LOAD_ACQUIRE(&lane->page.page->position), count = 0;

	if (writer->head - at > writer->mask)
		return 0;
	while (at < writer->head) {
		const struct vex_record *record = (void *)(writer->ring + (at & writer->mask));
		uint32_t size = VEX_LOAD_RELAXED(&record->size);

		if (size < VEX_RECORD_MIN || size > lane->record_max)
			break;
		count += record->type != VEX_GAP;
		at += vex_lane_stride(size);
	}
	return count;
}

/* Gives the lane up; the data plane, if it is there, drains it and announces what was lost. */
static bool hand_over(struct vex_port *port, const struct vex_lane *lane)
{
	struct vex_message message = {.type = VEX_MESSAGE_LANE_REMOVE};

	message.lane.lane = lane->number;
	return lane->attached && vex_link_connected(&port->link) &&
			!vex_link_ask(&port->link, &message, -1, VEX_MESSAGE_DONE, NULL);
}

static void unlink_lane(struct vex_port *port, struct vex_lane *lane)
{
	struct vex_lane **at = &port->lanes;

	while (*at && *at != lane)
		at = &(*at)->next;
	if (*at)
		*at = lane->next;
	port->gone_published += lane->writer.seq - lane->lost_total;
	port->gone_lost += lane->lost_total;
	port->gone_waits += lane->waits;
}

static uint64_t close_lane(struct vex_lane *lane, uint64_t until)
{
	struct vex_port *port = lane->port;
	bool all = wait_until_taken(lane, until);
	uint64_t left = 0;

	pthread_mutex_lock(&port->link.lock);
	if (!hand_over(port, lane) && !all)
		left = count_left(lane);
	lane->lost_total += left;
	unlink_lane(port, lane);
	pthread_mutex_unlock(&port->link.lock);
	lane_free(lane);
	return left;
}

static int as_count(uint64_t lost)
{
	return lost < INT_MAX ? (int)lost : INT_MAX;
}

int vex_lane_close(struct vex_lane *lane)
{
	return lane ? as_count(close_lane(lane, close_until(lane->port))) : 0;
}

int vex_port_close(struct vex_port *port)
{
	uint64_t until, lost = 0;

	if (!port)
		return 0;
	until = close_until(port);
	while (port->lanes)
		lost += close_lane(port->lanes, until);
	vex_link_close(&port->link);
	if (port->wake >= 0)
		close(port->wake);
	free(port);
	return as_count(lost);
}
