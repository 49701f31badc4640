/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "dataplane/plan.h"
#include "dataplane/subscriber.h"

#define SETTLE_WAIT_NS 20000000u

#define refuse(reason, error, ...) (snprintf(reason, VEX_REASON_MAX, __VA_ARGS__), error)

static bool trusted(const struct ucred *who)
{
	return who->uid == 0 || who->uid == geteuid();
}

static uint32_t least_busy_worker(const struct plane *plane)
{
	uint32_t ports[VEX_WORKERS_MAX] = {0};
	uint32_t best = 0;

	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++)
		if (plane->ports[i])
			ports[plane->ports[i]->worker]++;
	for (uint32_t i = 1; i < plane->worker_count; i++)
		if (ports[i] < ports[best])
			best = i;
	return best;
}

static int free_slot(void *const *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!slots[i])
			return (int)i;
	return -1;
}

static enum vex_qos wanted_qos(const struct vex_message *hello)
{
	uint32_t qos = (hello->hello.flags & VEX_PORT_QOS_MASK) >> VEX_PORT_QOS_SHIFT;

	return qos == VEX_QOS_DEFAULT ? VEX_QOS_NORMAL : (enum vex_qos)qos;
}

static int check_hello(const struct vex_message *hello, const struct ucred *who, char *reason)
{
	uint32_t boundary = hello->hello.boundary;

	if (boundary == VEX_BOUNDARY_NONE || boundary >= VEX_BOUNDARY_COUNT)
		return refuse(reason, -EINVAL, "boundary %u does not exist", boundary);
	if ((hello->hello.flags & ~(VEX_PORT_KEEP_ID | VEX_PORT_QOS_MASK)) ||
			wanted_qos(hello) >= VEX_QOS_COUNT)
		return refuse(reason, -EINVAL, "port flags 0x%x are unknown", hello->hello.flags);
	if (trusted(who))
		return 0;
	if (hello->hello.flags & VEX_PORT_KEEP_ID)
		return refuse(reason, -EACCES, "only root and uid %u may bring ids of their own",
				geteuid());
	if (wanted_qos(hello) < VEX_QOS_NORMAL)
		return refuse(reason, -EACCES,
				"only root and uid %u may be polled before others (qos)",
				geteuid());
	if (boundary != VEX_BOUNDARY_APP && boundary != VEX_BOUNDARY_FUSE)
		return refuse(reason, -EACCES, "only root and uid %u may speak for that boundary",
				geteuid());
	return 0;
}

static void watch_port(struct worker *worker, struct port *port, int op)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};

	epoll_ctl(worker->epoll, op, port->wake, &event);
}

static void open_stat(struct plane *plane, struct port *port, const struct vex_message *hello)
{
	struct vex_port_stat *stat = &plane->stat->port[port->id];

	vex_stat_begin(&plane->stat->generation);
	memset(stat, 0, sizeof(*stat));
	stat->worker = port->worker;
	stat->boundary = port->boundary;
	stat->flags = hello->hello.flags;
	stat->pid = port->pid;
	stat->uid = port->uid;
	stat->gid = port->gid;
	stat->attached_ns = vex_clock_now();
	snprintf(stat->name, sizeof(stat->name), "%.*s", (int)VEX_NAME_MAX - 1,
			hello->hello.name);
	stat->state = VEX_SLOT_LIVE;
	vex_stat_end(&plane->stat->generation);
	port->stat = stat;
}

int port_add(struct plane *plane, const struct vex_message *hello, const struct ucred *who,
		struct port **out, char *reason)
{
	int slot = free_slot((void **)plane->ports, VEX_PORTS_MAX);
	int error = check_hello(hello, who, reason);
	struct port *port;

	if (error)
		return error;
	if (slot < 0)
		return refuse(reason, -ENOSPC, "all %u ports are taken", VEX_PORTS_MAX);
	port = calloc(1, sizeof(*port));
	if (!port)
		return refuse(reason, -ENOMEM, "out of memory");
	port->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (port->wake < 0) {
		free(port);
		return refuse(reason, -EMFILE, "no file descriptor left: %s", strerror(errno));
	}
	port->id = (uint32_t)slot;
	port->boundary = hello->hello.boundary;
	port->keep_id = hello->hello.flags & VEX_PORT_KEEP_ID;
	port->qos = (enum vex_class)(wanted_qos(hello) - VEX_QOS_CRITICAL);
	port->trusted = trusted(who);
	port->pid = (uint32_t)who->pid;
	port->uid = who->uid;
	port->gid = who->gid;
	port->worker = least_busy_worker(plane);
	open_stat(plane, port, hello);
	plane->ports[slot] = port;
	watch_port(&plane->workers[port->worker], port, EPOLL_CTL_ADD);
	*out = port;
	return 0;
}

static void free_lane(struct lane *lane)
{
	if (!lane)
		return;
	vex_ring_map_close(&lane->ring);
	vex_page_map_close(&lane->page);
	free(lane);
}

static int check_lane(const struct plane *plane, const struct vex_message *message, char *reason)
{
	if (message->lane.ring_size > plane->ring_max)
		return refuse(reason, -EINVAL,
				"a lane of %llu bytes: the data plane's ring_max allows at most %llu",
				(unsigned long long)message->lane.ring_size,
				(unsigned long long)plane->ring_max);
	if (message->lane.position % VEX_LINE)
		return refuse(reason, -EINVAL, "a lane at %llu: want a multiple of %u",
				(unsigned long long)message->lane.position, VEX_LINE);
	return 0;
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
		free_lane(lane);
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

/* Takes the lane in; where there is no place for it, it is freed. */
static int keep_lane(struct plane *plane, struct port *port, struct lane *lane, char *reason)
{
	int slot = free_slot((void **)port->lanes, VEX_PORT_LANES_MAX);

	lane->number = (uint32_t)slot;
	if (slot < 0 || open_lane_stat(plane, port, lane)) {
		free_lane(lane);
		return refuse(reason, -ENOSPC, "no lane is left: %u a port, %u in all",
				VEX_PORT_LANES_MAX, VEX_LANES_MAX);
	}
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

void port_free_lane(struct lane *lane)
{
	free_lane(lane);
}

void port_wake_by(struct plane *plane, struct port *port, int fd)
{
	struct worker *worker = &plane->workers[port->worker];

	watch_port(worker, port, EPOLL_CTL_DEL);
	close(port->wake);
	port->wake = fd;
	watch_port(worker, port, EPOLL_CTL_ADD);
}

int port_add_lane(struct plane *plane, struct port *port, int fd, struct vex_message *message,
		int *page_fd, char *reason)
{
	struct lane *lane;
	int error = check_lane(plane, message, reason);

	if (error) {
		close(fd);
		return error;
	}
	error = map_lane(fd, message, &lane, reason);
	if (error)
		return error;
	if (in_use(plane, lane->ring.inode)) {
		free_lane(lane);
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

void port_drain(struct plane *plane, struct port *port)
{
	port->stat->state = VEX_SLOT_DRAINING;
	for (uint32_t i = 0; i < VEX_PORT_LANES_MAX; i++)
		if (port->lanes[i])
			drain_lane(plane, port, port->lanes[i]);
}

/*
 * Whether events of the port wait for subscribers. Its worker changes what stands there while the
 * generation is odd: once it is even and nothing is held, the worker is done with the port.
 */
static bool holds(const struct vex_port_stat *stat)
{
	uint64_t before = VEX_LOAD_ACQUIRE(&stat->generation); /* released by vex_stat_end() */
	uint64_t held = VEX_LOAD_ACQUIRE(&stat->held);

	return held || (before & 1) || VEX_LOAD_RELAXED(&stat->generation) != before;
}

/* Only the worker that holds its events may settle them: waits for it, for 20 ms at most. */
static bool settled(const struct plane *plane, const struct port *port)
{
	const struct timespec pause = {.tv_nsec = 20000};
	uint64_t end = vex_clock_now() + SETTLE_WAIT_NS;

	while (holds(port->stat) && !plane->driven && vex_clock_now() < end)
		nanosleep(&pause, NULL);
	return !holds(port->stat);
}

int port_move(struct plane *plane, uint32_t id, uint32_t to, char *reason)
{
	struct port *port = id < VEX_PORTS_MAX ? plane->ports[id] : NULL;
	struct worker *from;

	if (!port)
		return refuse(reason, -ENOENT, "there is no port %u", id);
	if (to >= plane->worker_count)
		return refuse(reason, -ENOENT, "there is no worker %u: 0 to %u are there", to,
				plane->worker_count - 1);
	if (port->worker == to)
		return 0;
	from = &plane->workers[port->worker];
	watch_port(from, port, EPOLL_CTL_DEL);
	port->worker = to;
	plan_publish(plane, from); /* once acknowledged, the old worker takes no more of it */
	if (!plane->driven) /* what the new one delivers is to be read after that */
		subscriber_wait_until_read(plane, from->index);
	if (!settled(plane, port))
		port->worker = to = from->index;
	watch_port(&plane->workers[to], port, EPOLL_CTL_ADD);
	plan_publish(plane, &plane->workers[to]);
	port->stat->worker = to;
	return to != from->index ? 0
				 : refuse(reason, -EBUSY,
						   "port %u: %llu of its events wait for subscribers", id,
						   (unsigned long long)port->stat->held);
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
		vex_warn("port %u (%s, pid %u): lane %u broke the lane's rules and was detached",
				port->id, port->stat->name, port->pid, number);
	}
	lane->stat->state = VEX_SLOT_FREE;
	ends_note(&plane->ends, lane->ring.inode, lane->reader.tail);
	free_lane(lane);
}

static void retire_port(struct plane *plane, struct port *port)
{
	struct vex_port_stat *total = &plane->stat->retired.port;
	struct vex_port_stat *stat = port->stat;

	vex_stat_begin(&plane->stat->generation);
#define VEX_PORT_COUNTER(name, description) total->name += stat->name;
#include "stat/stat.def"
	for (unsigned i = 0; i < VEX_DROP_LIMIT; i++)
		total->drop[i] += stat->drop[i];
	for (unsigned i = 0; i < VEX_REJECT_LIMIT; i++)
		total->reject[i] += stat->reject[i];
	plane->stat->retired.ports++;
	memset(stat, 0, sizeof(*stat));
	vex_stat_end(&plane->stat->generation);
	plane->ports[port->id] = NULL;
	watch_port(&plane->workers[port->worker], port, EPOLL_CTL_DEL);
	close(port->wake);
	free(port);
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

static bool reap_port(struct plane *plane, struct port *port)
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
	if (port->stat->state != VEX_SLOT_DRAINING || port->lane_count)
		return drains;
	if (holds(port->stat))
		return true;
	retire_port(plane, port);
	return drains;
}

bool port_reap(struct plane *plane)
{
	bool drains = false;

	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++)
		if (plane->ports[i])
			drains |= reap_port(plane, plane->ports[i]);
	return drains;
}

void port_free_all(struct plane *plane)
{
	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++) {
		struct port *port = plane->ports[i];

		if (!port)
			continue;
		for (uint32_t k = 0; k < VEX_PORT_LANES_MAX; k++)
			free_lane(port->lanes[k]);
		close(port->wake);
		free(port);
		plane->ports[i] = NULL;
	}
}
