/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guards: what of a lane is to be given to others, should its reader go away before it has read
 * it: the critical events that groups chose this subscriber for, oldest first. One worker's.
 */
#ifndef VEX_DATAPLANE_GUARD_H
#define VEX_DATAPLANE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#define GUARDS_MAX 1024u /* a power of two; beyond it the lane counts as full */

struct group_state;

struct guard {
	uint64_t end; /**< the lane's position behind the event */
	struct group_state *group;
	uint32_t held; /**< its number in the table of held events */
};

/** All zero is empty; ring has GUARDS_MAX places. */
struct guards {
	struct guard *ring;
	uint32_t head;
	uint32_t count;
};

static inline bool guard_any(const struct guards *guards)
{
	return guards->count != 0;
}

static inline bool guard_full(const struct guards *guards)
{
	return guards->count == GUARDS_MAX;
}

static inline void guard_push(struct guards *guards, struct guard guard)
{
	guards->ring[(guards->head + guards->count++) & (GUARDS_MAX - 1)] = guard;
}

static inline struct guard *guard_first(const struct guards *guards)
{
	return &guards->ring[guards->head & (GUARDS_MAX - 1)];
}

static inline struct guard guard_pop(struct guards *guards)
{
	guards->count--;
	return guards->ring[guards->head++ & (GUARDS_MAX - 1)];
}

#endif
