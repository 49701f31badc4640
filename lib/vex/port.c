/* SPDX-License-Identifier: BSD-3-Clause */
#include "vex/port_work.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lane_map.h"
#include "event/encode.h"
#include "vex/link.h"

#define RING_SIZE_DEFAULT (256u << 10)
#define WAIT_US_DEFAULT 1000u
#define WAIT_US_MAX 60000000u
#define CLOSE_MS_DEFAULT 1000u

static int attach_lane(struct vex_port *port, struct vex_lane *lane)
{
	struct vex_message message = {.type = VEX_MESSAGE_LANE_ADD};
	int error, fd = -1;

	message.lane.ring_size = lane->ring.ring_size;
	message.lane.position = VEX_LOAD_ACQUIRE(&lane->page.page->position);
	/* Near what the lane holds, however much was lost since. */
	message.lane.seq = VEX_LOAD_RELAXED(&lane->writer.lost_count)
			? VEX_LOAD_RELAXED(&lane->writer.lost_first)
			: VEX_LOAD_RELAXED(&lane->writer.seq);
	lane->attached = false;
	error = vex_link_ask(&port->link, &message, lane->ring.fd,
			VEX_MESSAGE_LANE_ADDED, &fd);
	if (error)
		return vex_fail(error, "the data plane refused a lane: %s",
				message.type == VEX_MESSAGE_REFUSED ? message.reason
								    : strerror(-error));
	lane->number = message.lane.lane;
	error = vex_page_map_open(&lane->page, fd);
	if (error)
		return vex_fail(error, "the data plane passed a bad lane: %s", strerror(-error));
	lane->attached = true;
	return 0;
}

/* The number of the old eventfd is kept, since publishers read it without a lock. */
static int take_wake(struct vex_port *port, int fd)
{
	if (fd < 0)
		return vex_fail(-EPROTO, "the data plane passed no eventfd");
	if (port->wake < 0) {
		VEX_STORE_RELAXED(&port->wake, fd);
		return 0;
	}
	dup3(fd, port->wake, O_CLOEXEC);
	close(fd);
	return 0;
}

static int attach_port(void *owner)
{
	struct vex_port *port = owner;
	struct vex_message message = {.type = VEX_MESSAGE_HELLO};
	int error, fd = -1;

	message.hello.role = VEX_ROLE_PRODUCER;
	message.hello.flags = port->options.flags | port->options.qos << VEX_PORT_QOS_SHIFT;
	message.hello.boundary = port->options.boundary;
	message.hello.ring_size = port->options.ring_size;
	memcpy(message.hello.name, port->name, sizeof(port->name));
	error = vex_link_ask(&port->link, &message, -1, VEX_MESSAGE_WELCOME, &fd);
	if (error)
		return vex_fail(error, "%s: %s", port->link.path,
				message.type == VEX_MESSAGE_REFUSED ? message.reason
								    : strerror(-error));
	VEX_STORE_RELAXED(&port->id, message.welcome.id);
	error = take_wake(port, fd);
	for (struct vex_lane *lane = port->lanes; lane && !error; lane = lane->next) {
		error = attach_lane(port, lane);
		if (error == -ENOSPC)
			error = 0; /* finish_port() tries again */
	}
	return error;
}

/* A lane that the data plane had no place for; one at a time, until it has. */
static bool finish_port(void *owner)
{
	struct vex_port *port = owner;

	for (struct vex_lane *lane = port->lanes; lane; lane = lane->next)
		if (!lane->attached && attach_lane(port, lane))
			return true;
	return false;
}

static void lose_port(void *owner)
{
	struct vex_port *port = owner;

	/* They go on filling; the next attach takes them over. */
	for (struct vex_lane *lane = port->lanes; lane; lane = lane->next)
		lane->attached = false;
}

static int check_options(struct vex_port_options *options)
{
	if (!options->boundary)
		options->boundary = VEX_BOUNDARY_APP;
	if (!options->ring_size)
		options->ring_size = RING_SIZE_DEFAULT;
	if (!options->wait_us)
		options->wait_us = WAIT_US_DEFAULT;
	if (!options->close_ms)
		options->close_ms = CLOSE_MS_DEFAULT;
	if (options->boundary >= VEX_BOUNDARY_COUNT)
		return vex_fail(-EINVAL, "boundary %u does not exist", options->boundary);
	if (!vex_ring_size_valid(options->ring_size))
		return vex_fail(-EINVAL, "a lane of %llu bytes: want a power of two, 4 KiB to 1 GiB",
				(unsigned long long)options->ring_size);
	if (options->qos >= VEX_QOS_COUNT)
		return vex_fail(-EINVAL, "qos: want CRITICAL, HIGH, NORMAL or LOW");
	if (options->full > VEX_FULL_WAIT || options->wait_us > WAIT_US_MAX)
		return vex_fail(-EINVAL, "full: want DROP or WAIT, and at most 60 s");
	return 0;
}

int vex_port_open(const struct vex_port_options *options, struct vex_port **out)
{
	struct vex_port *port = calloc(1, sizeof(*port));
	int error;

	if (!port)
		return vex_fail(-ENOMEM, "out of memory");
	port->options = *options;
	port->wake = -1;
	vex_copy_name(port->name, options->name);
	port->link.owner = port;
	port->link.attach = attach_port;
	port->link.lost = lose_port;
	port->link.finish = finish_port;
	error = check_options(&port->options);
	if (!error)
		error = vex_link_open(&port->link, options->socket, options->connect_ms,
				options->background != 0);
	if (error) {
		if (port->wake >= 0)
			close(port->wake);
		free(port);
		return error;
	}
	*out = port;
	return 0;
}

void lane_free(struct vex_lane *lane)
{
	if (!lane)
		return;
	vex_ring_map_close(&lane->ring);
	vex_page_map_close(&lane->page);
	free(lane);
}

/* Until a data plane gives a page, positions are read from one of our own that says 0. */
static int make_lane(struct vex_port *port, struct vex_lane **out)
{
	struct vex_lane *lane = vex_alloc_lines(sizeof(*lane));
	void *page;
	int error;

	if (!lane)
		return -ENOMEM;
	lane->page.fd = -1;
	error = vex_ring_map_create(&lane->ring, port->options.ring_size);
	page = mmap(NULL, VEX_LANE_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED)
		lane->page.page = page;
	else if (!error)
		error = -errno;
	if (error) {
		lane_free(lane);
		return error;
	}
	vex_lane_writer_init(&lane->writer, lane->ring.ring, lane->ring.ring_size,
			lane->ring.page, lane->page.page);
	lane->port = port;
	if (!(port->options.flags & VEX_PORT_KEEP_ID))
		lane->boundary = (uint8_t)port->options.boundary;
	lane->record_max = vex_lane_record_max(lane->ring.ring_size);
	*out = lane;
	return 0;
}

int vex_lane_open(struct vex_port *port, struct vex_lane **out)
{
	struct vex_lane *lane;
	int error = make_lane(port, &lane);

	if (error)
		return vex_fail(error, "a lane of %llu bytes: %s",
				(unsigned long long)port->options.ring_size, strerror(-error));
	pthread_mutex_lock(&port->link.lock);
	if (vex_link_connected(&port->link))
		error = attach_lane(port, lane);
	if (error == -ECONNRESET || error == -EPIPE || error == -EAGAIN)
		error = 0; /* the link's thread attaches it with the next connection */
	if (!error) {
		lane->next = port->lanes;
		port->lanes = lane;
	}
	pthread_mutex_unlock(&port->link.lock);
	if (error) {
		lane_free(lane);
		return error;
	}
	*out = lane;
	return 0;
}

static void kick(struct vex_port *port)
{
	int fd = VEX_LOAD_RELAXED(&port->wake);

	if (fd >= 0)
		eventfd_write(fd, 1);
}

static uint64_t monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static struct vex_record *reserve_now(struct vex_lane *lane, uint32_t size)
{
	if (VEX_UNLIKELY(lane->writer.lost_count) &&
			!vex_lane_flush_gap(&lane->writer, vex_clock_now()))
		return NULL;
	return vex_lane_reserve(&lane->writer, size);
}

/* A dead data plane is not waited for: its lanes may stay full for long. */
static struct vex_record *reserve_waiting(struct vex_lane *lane, uint32_t size)
{
	struct vex_port *port = lane->port;
	struct vex_record *record = NULL;
	uint64_t until;

	if (port->options.full != VEX_FULL_WAIT || !vex_link_connected(&port->link))
		return NULL;
	VEX_STORE_RELAXED(&lane->waits, lane->waits + 1);
	until = monotonic_us() + port->options.wait_us;
	do {
		if (vex_lane_wake_needed(&lane->writer))
			kick(port);
		sched_yield();
		record = reserve_now(lane, size);
	} while (!record && monotonic_us() < until && vex_link_connected(&port->link));
	return record;
}

struct vex_record *vex_reserve(struct vex_lane *lane, uint32_t size, int *error)
{
	struct vex_record *record;
	int why = 0;

	if (VEX_UNLIKELY(size > lane->record_max || size < VEX_RECORD_MIN || size % 8)) {
		record = NULL;
		why = vex_fail(-EMSGSIZE, "a record of %u bytes: want 56 to %u, a multiple of 8",
				size, lane->record_max);
	} else {
		record = reserve_now(lane, size);
		if (VEX_UNLIKELY(!record))
			record = reserve_waiting(lane, size);
		if (VEX_UNLIKELY(!record)) {
			vex_lane_lose(&lane->writer, 1, VEX_GAP_LANE_FULL);
			VEX_STORE_RELAXED(&lane->lost_total, lane->lost_total + 1);
			why = vex_fail(-ENOBUFS, "the lane is full: the event is lost");
		}
	}
	if (error)
		*error = why;
	return record;
}

static inline void commit(struct vex_lane *lane, struct vex_record *record, uint32_t size)
{
	vex_lane_commit(&lane->writer, record, size);
	if (VEX_UNLIKELY(vex_lane_wake_needed(&lane->writer)))
		kick(lane->port);
}

void vex_commit(struct vex_lane *lane, struct vex_record *record, uint32_t size)
{
	commit(lane, record, size);
}

int vex_flush(struct vex_lane *lane)
{
	if (!vex_lane_flush_gap(&lane->writer, vex_clock_now()))
		return -ENOBUFS;
	if (vex_lane_wake_needed(&lane->writer))
		kick(lane->port);
	return 0;
}

static VEX_ALWAYS_INLINE struct vex_header header_of(const struct vex_lane *lane,
		const struct vex_event *event)
{
	return (struct vex_header){
			.start_ns = VEX_LIKELY(!event->start_ns) ? vex_clock_now() : event->start_ns,
			.boundary = VEX_LIKELY(lane->boundary) ? lane->boundary : event->boundary};
}

/* Where room may be short, its exact size counts, and so do the ways to wait for it. */
static int publish_exactly(struct vex_lane *lane, const struct vex_event *event)
{
	uint32_t size = vex_event_size(event);
	struct vex_record *record;
	int error;

	if (!size)
		return vex_fail(-EINVAL, "the event's type is not listed, a string or a list of it is "
				"too long, or a name has a NUL");
	record = vex_reserve(lane, size, &error);
	if (!record)
		return error;
	commit(lane, record, vex_event_encode_as(event, header_of(lane, event), record));
	return 0;
}

int vex_publish(struct vex_lane *lane, const struct vex_event *event)
{
	struct vex_record *record;

	if (VEX_UNLIKELY(!encode_is_usual(event) || lane->writer.lost_count))
		return publish_exactly(lane, event);
	record = vex_lane_reserve(&lane->writer, (uint32_t)encode_room(event));
	if (VEX_UNLIKELY(!record))
		return publish_exactly(lane, event);
	commit(lane, record, encode(event, header_of(lane, event), record));
	return 0;
}

void vex_port_get_stats(struct vex_port *port, struct vex_port_stats *stats)
{
	pthread_mutex_lock(&port->link.lock);
	*stats = (struct vex_port_stats){.published = port->gone_published,
			.lost = port->gone_lost,
			.waits = port->gone_waits,
			.reconnects = port->link.attaches ? port->link.attaches - 1 : 0,
			.connected = vex_link_connected(&port->link),
			.port = port->id};
	for (struct vex_lane *lane = port->lanes; lane; lane = lane->next) {
		stats->published += VEX_LOAD_RELAXED(&lane->writer.seq) -
				VEX_LOAD_RELAXED(&lane->lost_total);
		stats->lost += VEX_LOAD_RELAXED(&lane->lost_total);
		stats->waits += VEX_LOAD_RELAXED(&lane->waits);
	}
	pthread_mutex_unlock(&port->link.lock);
}

int vex_port_drained(struct vex_port *port)
{
	int drained = 1;

	pthread_mutex_lock(&port->link.lock);
	for (struct vex_lane *lane = port->lanes; lane; lane = lane->next)
		if (VEX_LOAD_ACQUIRE(&lane->page.page->position) !=
				VEX_LOAD_RELAXED(&lane->writer.head))
			drained = 0;
	pthread_mutex_unlock(&port->link.lock);
	return drained;
}
