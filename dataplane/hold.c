/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/hold.h"

#include "dataplane/group.h"
#include "dataplane/stage.h"

/* The port of a held event is one of this worker's, whose burst may be the one that runs. */
static void settle(struct worker *worker, struct held *held, enum vex_drop reason)
{
	struct vex_port_stat *port = held->port->stat;
	struct vex_class_stat *class = &worker->stat->class[held->class];
	bool runs = port->generation & 1;

	if (!runs)
		vex_stat_begin(&port->generation);
	port->held--;
	port->delivered += held->delivered;
	port->drop[reason] += !held->delivered;
	class->held--;
	class->delivered += held->delivered;
	class->dropped += !held->delivered;
	worker->stat->delivered += held->delivered;
	if (!runs)
		vex_stat_end(&port->generation);
}

/* It was delivered once, and counted so. */
static void count_left(const struct held *held)
{
	held->left_by->returned += held->delivered;
	held->left_by->lost += !held->delivered;
}

static void put_object(struct worker *worker, struct vex_object *object, struct vex_record *record)
{
	if (record != &object->record)
		rte_mempool_put(worker->long_objects, record);
	rte_mempool_put(worker->objects, object);
}

void hold_drop(struct worker *worker, uint32_t number)
{
	struct held *held = &worker->held.slots[number];

	put_object(worker, held->object, held->record);
	held_put(&worker->held, number);
}

void hold_release(struct worker *worker, uint32_t number, enum vex_drop reason)
{
	struct held *held = &worker->held.slots[number];

	if (--held->waiting || held->open)
		return;
	if (held->port)
		settle(worker, held, reason);
	else if (held->left_by)
		count_left(held);
	hold_drop(worker, number);
}

/* All places that would do are taken: one of a class below this gives way, whoever waits for it. */
static bool make_place(struct worker *worker, enum vex_class class, bool for_long)
{
	uint32_t number = held_victim(&worker->held, worker->plan->policies, class, for_long);
	struct backlog_victim victim;

	if (number == HELD_NONE)
		return false;
	victim = (struct backlog_victim){.held = number,
			.class = (enum vex_class)worker->held.slots[number].class};
	target_displace(worker, &victim);
	group_displace(worker, &victim);
	return true;
}

static uint32_t take(struct worker *worker, struct vex_object *object, struct vex_record *record,
		enum vex_class class)
{
	uint32_t number = held_take(&worker->held, object, record, class);

	if (number == HELD_NONE && make_place(worker, class, record != &object->record))
		number = held_take(&worker->held, object, record, class);
	return number;
}

uint32_t hold_number(struct worker *worker, struct burst *burst, uint32_t i, enum vex_class class)
{
	struct held *held;
	uint32_t number;

	if (burst->held & 1ull << i)
		return burst->held_number[i];
	number = take(worker, burst->object[i], burst->record[i], class);
	if (number == HELD_NONE)
		return number;
	held = &worker->held.slots[number];
	held->port = burst->port;
	held->open = true;
	burst->held |= 1ull << i;
	burst->held_number[i] = number;
	return number;
}

/* Room for a record, in an object of its own; NULL where there is none. */
static struct vex_object *get_object(struct worker *worker, uint32_t size, struct vex_record **record)
{
	struct vex_object *object;
	void *large;

	if (rte_mempool_get(worker->objects, (void **)&object))
		return NULL;
	*record = &object->record;
	if (size <= sizeof(*object))
		return object;
	if (!rte_mempool_get(worker->long_objects, &large)) {
		*record = large;
		return object;
	}
	rte_mempool_put(worker->objects, object);
	return NULL;
}

uint32_t hold_copy(struct worker *worker, const struct vex_record *record, enum vex_class class,
		struct vex_member_stat *left_by)
{
	struct vex_record *copy = NULL;
	struct vex_object *object = get_object(worker, record->size, &copy);
	uint32_t number = object ? take(worker, object, copy, class) : HELD_NONE;

	if (number == HELD_NONE) {
		if (object)
			put_object(worker, object, copy);
		return HELD_NONE;
	}
	memcpy(copy, record, record->size);
	worker->held.slots[number].left_by = left_by;
	return number;
}

static uint32_t at_most_a_burst(uint32_t events)
{
	return events < VEX_BURST_MAX ? events : VEX_BURST_MAX;
}

/* Whether all of a burst may wait, each event for want of room in this backlog. */
static bool has_room(const struct worker *worker, const struct backlog *backlog, enum vex_class class)
{
	const struct class_policy *policy = &worker->plan->policies[class];
	const struct held_table *held = &worker->held;

	return backlog_room(backlog, policy, class) >= at_most_a_burst(backlog_limit(backlog, policy)) &&
			held_room(held, class, false) >= at_most_a_burst(held->capacity) &&
			held_room(held, class, true) >= hold_longs_a_burst(worker);
}

/* The class that blocks for the longest time of those without room; VEX_CLASS_COUNT: none. */
static unsigned lacks_room(const struct worker *worker, const struct backlog *backlog)
{
	const struct class_policy *policies = worker->plan->policies;
	unsigned found = VEX_CLASS_COUNT;

	for (unsigned i = 0; i < VEX_CLASS_COUNT; i++) {
		if (policies[i].overload != CLASS_BLOCK || has_room(worker, backlog, (enum vex_class)i))
			continue;
		if (found == VEX_CLASS_COUNT || policies[i].block_ns > policies[found].block_ns)
			found = i;
	}
	return found;
}

void hold_block(struct worker *worker, struct backlog *backlog)
{
	unsigned class;

	if (backlog->blocks)
		return;
	class = lacks_room(worker, backlog);
	if (class == VEX_CLASS_COUNT)
		return;
	backlog->blocks = true;
	worker->blocking++;
	if (worker->blocked_since)
		return;
	worker->stat->class[class].blocks++;
	worker->blocked_for = (enum vex_class)class;
	worker->blocked_since = worker_now_ns(worker);
}

void hold_unblock(struct worker *worker, struct backlog *backlog)
{
	if (!backlog->blocks ||
			(backlog->total && lacks_room(worker, backlog) != VEX_CLASS_COUNT))
		return;
	backlog->blocks = false;
	worker->blocking--;
}

void hold_end_block(struct worker *worker)
{
	struct vex_class_stat *class = &worker->stat->class[worker->blocked_for];
	uint64_t bound = worker->plan->policies[worker->blocked_for].block_ns;
	uint64_t now = worker_now_ns(worker);

	if (worker->blocking && now - worker->blocked_since < bound)
		return;
	class->blocked_ns += now - worker->blocked_since;
	worker->blocked_since = 0;
}

uint64_t hold_close_burst(struct worker *worker, struct burst *burst, uint64_t delivered)
{
	uint64_t kept = 0;

	for (uint64_t left = burst->held; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint32_t number = burst->held_number[i];
		struct held *held = &worker->held.slots[number];

		held->open = false;
		held->delivered = delivered >> i & 1;
		burst->waits |= (uint64_t)(held->waiting != 0) << i;
		if (held->waiting)
			kept |= 1ull << i;
		else
			held_put(&worker->held, number);
	}
	return kept;
}
