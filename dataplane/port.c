/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "dataplane/access.h"
#include "dataplane/plan.h"
#include "dataplane/port_work.h"
#include "dataplane/subscriber.h"

#define SETTLE_WAIT_NS 20000000u

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
	if (access_trusts(who->uid))
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
	int slot = port_free_slot((void **)plane->ports, VEX_PORTS_MAX);
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
	port->trusted = access_trusts(who->uid);
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

void port_wake_by(struct plane *plane, struct port *port, int fd)
{
	struct worker *worker = &plane->workers[port->worker];

	watch_port(worker, port, EPOLL_CTL_DEL);
	close(port->wake);
	port->wake = fd;
	watch_port(worker, port, EPOLL_CTL_ADD);
}

void port_drain(struct plane *plane, struct port *port)
{
	port->stat->state = VEX_SLOT_DRAINING;
	port_drain_lanes(plane, port);
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
	uint64_t end = vex_clock_steady() + SETTLE_WAIT_NS;

	while (holds(port->stat) && !plane->driven && vex_clock_steady() < end)
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

static bool reap_port(struct plane *plane, struct port *port)
{
	bool drains = port_reap_lanes(plane, port);

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

	vex_log_settle(&plane->detached);
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
			port_free_lane(port->lanes[k]);
		close(port->wake);
		free(port);
		plane->ports[i] = NULL;
	}
}
