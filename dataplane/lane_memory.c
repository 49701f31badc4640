/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/lane_memory.h"

#include <errno.h>
#include <stdio.h>

#include "dataplane/access.h"

struct usage {
	uint32_t uid;
	uint64_t all;
	uint64_t strangers;
	uint64_t same; /* of uid */
	uint32_t lanes_of_strangers; /* producers': there are so many places */
	uint32_t lanes_of_same;
};

static void count(struct usage *usage, uint32_t uid, uint64_t size)
{
	usage->all += size;
	usage->strangers += access_trusts(uid) ? 0 : size;
	usage->same += uid == usage->uid ? size : 0;
}

/* The kernel's lanes are its own memory. */
static void count_port(struct usage *usage, const struct port *port)
{
	for (uint32_t i = 0; i < VEX_PORT_LANES_MAX; i++)
		if (port->lanes[i] && port->boundary != VEX_BOUNDARY_KERNEL) {
			count(usage, port->uid, port->lanes[i]->ring.ring_size);
			usage->lanes_of_strangers += !access_trusts(port->uid);
			usage->lanes_of_same += port->uid == usage->uid;
		}
}

static void count_subscriber(struct usage *usage, const struct subscriber *sub)
{
	for (uint32_t i = 0; i < VEX_WORKERS_MAX; i++)
		if (sub->targets[i])
			count(usage, sub->stat->uid,
					sub->ring_size + sub->targets[i]->guards.capacity);
}

static struct usage measure(const struct plane *plane, uint32_t uid)
{
	struct usage usage = {.uid = uid};

	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++)
		if (plane->ports[i])
			count_port(&usage, plane->ports[i]);
	for (uint32_t i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		if (plane->subscribers[i])
			count_subscriber(&usage, plane->subscribers[i]);
	return usage;
}

static int refuse(uint64_t used, uint64_t size, uint64_t limit, const char *whose, char *reason)
{
	snprintf(reason, VEX_REASON_MAX,
			"a lane of %llu bytes: %s have %llu, and may have %llu (see lane_memory)",
			(unsigned long long)size, whose, (unsigned long long)used,
			(unsigned long long)limit);
	return -ENOSPC;
}

int lane_count_check(const struct plane *plane, uint32_t uid, char *reason)
{
	struct usage usage = measure(plane, uid);

	if (access_trusts(uid) || (usage.lanes_of_same < VEX_LANES_MAX / 2 &&
					  usage.lanes_of_strangers < VEX_LANES_MAX / 4 * 3))
		return 0;
	snprintf(reason, VEX_REASON_MAX,
			"one more lane: this user's are %u of at most %u, and those of all but root %u of %u",
			usage.lanes_of_same, VEX_LANES_MAX / 2, usage.lanes_of_strangers,
			VEX_LANES_MAX / 4 * 3);
	return -ENOSPC;
}

int lane_memory_check(const struct plane *plane, uint32_t uid, uint64_t size, char *reason)
{
	uint64_t limit = plane->lane_memory;
	struct usage usage = measure(plane, uid);

	if (usage.all + size > limit)
		return refuse(usage.all, size, limit, "all lanes", reason);
	if (access_trusts(uid))
		return 0;
	if (usage.strangers + size > limit / 4 * 3)
		return refuse(usage.strangers, size, limit / 4 * 3, "lanes of other users than root",
				reason);
	if (usage.same + size > limit / 2)
		return refuse(usage.same, size, limit / 2, "this user's lanes", reason);
	return 0;
}
