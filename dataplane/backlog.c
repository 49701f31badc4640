/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/backlog.h"

const struct class_policy class_defaults[VEX_CLASS_COUNT] = {
		[VEX_CLASS_CRITICAL] = {CLASS_BLOCK, 100, 10000000},
		[VEX_CLASS_HIGH] = {CLASS_DROP_NEWEST, 100, 0},
		[VEX_CLASS_NORMAL] = {CLASS_DROP_NEWEST, 100, 0},
		[VEX_CLASS_LOW] = {CLASS_DROP_OLDEST, 100, 0},
};

static void put(struct backlog *backlog, unsigned class, uint32_t held)
{
	struct backlog_queue *queue = &backlog->queue[class];

	queue->ring[(queue->head + queue->count++) & backlog->mask] = held;
	backlog->total++;
}

uint32_t backlog_take(struct backlog *backlog, unsigned class)
{
	struct backlog_queue *queue = &backlog->queue[class];

	queue->count--;
	backlog->total--;
	return queue->ring[queue->head++ & backlog->mask];
}

/* The fewer of those before it and those behind it close up. */
uint32_t backlog_take_at(struct backlog *backlog, unsigned class, uint32_t i)
{
	struct backlog_queue *queue = &backlog->queue[class];
	uint32_t held = backlog_at(backlog, class, i);

	if (i < queue->count / 2) {
		for (; i; i--)
			queue->ring[(queue->head + i) & backlog->mask] =
					backlog_at(backlog, class, i - 1);
		queue->head++;
	} else {
		for (; i + 1 < queue->count; i++)
			queue->ring[(queue->head + i) & backlog->mask] =
					backlog_at(backlog, class, i + 1);
	}
	queue->count--;
	backlog->total--;
	return held;
}

bool backlog_remove(struct backlog *backlog, enum vex_class class, uint32_t held)
{
	for (uint32_t i = backlog->queue[class].count; i--;) {
		if (backlog_at(backlog, class, i) != held)
			continue;
		backlog_take_at(backlog, class, i);
		return true;
	}
	return false;
}

static void take_victim(
		struct backlog *backlog, unsigned class, bool oldest, struct backlog_victim *victim)
{
	struct backlog_queue *queue = &backlog->queue[class];

	victim->class = (enum vex_class)class;
	victim->oldest = oldest;
	if (oldest) {
		victim->held = backlog_take(backlog, class);
		return;
	}
	queue->count--;
	backlog->total--;
	victim->held = queue->ring[(queue->head + queue->count) & backlog->mask];
}

/* One of the least urgent class that is below this one. False where none waits. */
static bool evict(struct backlog *backlog, const struct class_policy *policies,
		enum vex_class above, struct backlog_victim *victim)
{
	for (unsigned class = VEX_CLASS_COUNT - 1; class > above; class --) {
		if (!backlog->queue[class].count)
			continue;
		take_victim(backlog, class, policies[class].overload == CLASS_DROP_OLDEST, victim);
		return true;
	}
	return false;
}

uint32_t backlog_limit(const struct backlog *backlog, const struct class_policy *policy)
{
	return (uint32_t)((uint64_t)backlog->capacity * policy->share / 100);
}

static bool fits(const struct backlog *backlog, const struct class_policy *policy, unsigned class)
{
	uint32_t share = 0;

	if (backlog->total >= backlog->capacity)
		return false;
	for (unsigned i = class; i < VEX_CLASS_COUNT; i++)
		share += backlog->queue[i].count;
	return share < backlog_limit(backlog, policy);
}

enum backlog_verdict backlog_offer(struct backlog *backlog, const struct class_policy *policies,
		enum vex_class class, uint32_t held, struct backlog_victim *victim)
{
	const struct class_policy *policy = &policies[class];

	if (fits(backlog, policy, class)) {
		put(backlog, class, held);
		return BACKLOG_TAKEN;
	}
	if (!evict(backlog, policies, class, victim)) {
		if (policy->overload != CLASS_DROP_OLDEST || !backlog->queue[class].count)
			return BACKLOG_REFUSED;
		take_victim(backlog, class, true, victim);
	}
	put(backlog, class, held);
	return BACKLOG_DISPLACED;
}

uint32_t backlog_room(const struct backlog *backlog, const struct class_policy *policy,
		enum vex_class class)
{
	uint32_t share = backlog_limit(backlog, policy), urgent = 0, own, room;

	for (unsigned i = 0; i <= class; i++)
		urgent += backlog->queue[i].count;
	own = backlog->queue[class].count;
	room = share > own ? share - own : 0;
	return room < backlog->capacity - urgent ? room : backlog->capacity - urgent;
}
