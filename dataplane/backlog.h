/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A backlog: what waits for room in one lane. Four queues, one a service class, each first in,
 * first out, which share one capacity and are emptied in strict priority. Pure: no clock, no
 * I/O; one thread at a time.
 */
#ifndef VEX_DATAPLANE_BACKLOG_H
#define VEX_DATAPLANE_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "stat/stat.h"

#define BACKLOG_MIN 128u /* two bursts: one that waits, and room for the next */
#define BACKLOG_MAX 65536u

/** What happens to an event of a class for which there is no room. */
enum class_overload {
	CLASS_BLOCK,       /**< the worker stops polling for up to block_ns, then as DROP_NEWEST */
	CLASS_DROP_OLDEST, /**< the one of its class that waited longest gives way */
	CLASS_DROP_NEWEST, /**< it is dropped itself */
	CLASS_OVERLOAD_COUNT,
};

struct class_policy {
	enum class_overload overload;
	uint32_t share; /**< per cent of the capacity that this class and those below may fill; 1 to
			   100 */
	uint64_t block_ns;
};

extern const struct class_policy class_defaults[VEX_CLASS_COUNT];

struct backlog_queue {
	uint32_t *ring; /**< numbers in the table of held events */
	uint32_t head;
	uint32_t count;
};

struct backlog {
	uint32_t capacity; /**< 0: nothing ever waits */
	uint32_t mask;
	uint32_t total;
	bool blocks; /**< it made its worker stop polling, and has had no room since; by hold.c */
	struct backlog_queue queue[VEX_CLASS_COUNT];
};

enum backlog_verdict {
	BACKLOG_TAKEN,
	BACKLOG_DISPLACED, /**< taken, in the place of the victim */
	BACKLOG_REFUSED,
};

struct backlog_victim {
	uint32_t held;
	enum vex_class class;
	bool oldest; /**< of its class; else the newest */
};

/** capacity: 0, or BACKLOG_MIN to BACKLOG_MAX. 0 or -ENOMEM. From the heap: not on a worker. */
int backlog_init(struct backlog *backlog, uint32_t capacity);
void backlog_free(struct backlog *backlog);

/**
 * Puts a held event at the end of its class's queue. Where there is no room a less urgent class
 * gives way, the least urgent first; where none waits, the class's own policy tells who is dropped.
 */
enum backlog_verdict backlog_offer(struct backlog *backlog, const struct class_policy *policies,
		enum vex_class class, uint32_t held, struct backlog_victim *victim);

/** Takes an event of this class out, wherever it stands. False where it does not wait here. */
bool backlog_remove(struct backlog *backlog, enum vex_class class, uint32_t held);

/** How many of this class and those below may wait at once. */
uint32_t backlog_limit(const struct backlog *backlog, const struct class_policy *policy);

/** How many of this class may come before one of it, or of a more urgent one, has to go. */
uint32_t backlog_room(const struct backlog *backlog, const struct class_policy *policy,
		enum vex_class class);

/** The most urgent class that waits; VEX_CLASS_COUNT where nothing does. */
static inline unsigned backlog_urgent(const struct backlog *backlog)
{
	unsigned class = 0;

	while (class < VEX_CLASS_COUNT && !backlog->queue[class].count)
		class ++;
	return class;
}

/** The first of a class that is not empty. */
static inline uint32_t backlog_first(const struct backlog *backlog, unsigned class)
{
	const struct backlog_queue *queue = &backlog->queue[class];

	return queue->ring[queue->head & backlog->mask];
}

/** The one at this place of a class's queue, 0 being the first. */
static inline uint32_t backlog_at(const struct backlog *backlog, unsigned class, uint32_t i)
{
	const struct backlog_queue *queue = &backlog->queue[class];

	return queue->ring[(queue->head + i) & backlog->mask];
}

/** Takes the first out, or the one at this place. */
uint32_t backlog_take(struct backlog *backlog, unsigned class);
uint32_t backlog_take_at(struct backlog *backlog, unsigned class, uint32_t i);

#endif
