/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guards: what of a lane is to be given to others, should its reader go away before it has read
 * it: the critical events that groups chose this subscriber for, oldest first, each with a copy
 * in memory that the subscriber does not see. One worker's.
 */
#ifndef VEX_DATAPLANE_GUARD_H
#define VEX_DATAPLANE_GUARD_H

#include <stdbool.h>

#include "abi/record.h"

#define GUARD_OF_NOBODY UINT32_MAX

struct group_state;

/** The event's record follows. */
struct guard {
	uint64_t end; /**< the lane's position behind the event, or further */
	struct group_state *group; /**< NULL: of none any more */
	uint32_t member; /**< or GUARD_OF_NOBODY: its group has no member of that name any more */
	uint32_t size; /**< of the record */
};

/** All zero has room for nothing. Positions grow for ever. */
struct guards {
	uint8_t *bytes; /**< an entry is never torn: behind the last is room for the rest of one */
	uint64_t capacity; /**< a power of two */
	uint64_t head;
	uint64_t tail;
};

/** As much as a lane of this size takes in. 0 or -ENOMEM; from the heap. */
int guards_init(struct guards *guards, uint64_t ring_size);
void guards_free(struct guards *guards);

static inline uint64_t guard_stride(uint32_t size)
{
	return sizeof(struct guard) + size;
}

static inline bool guard_any(const struct guards *guards)
{
	return guards->head != guards->tail;
}

/** Whether there is room for a record; where nothing else is there, and now. */
static inline bool guard_can(const struct guards *guards, uint32_t size)
{
	return guard_stride(size) <= guards->capacity;
}

static inline bool guard_has_room(const struct guards *guards, uint32_t size)
{
	return guards->head - guards->tail + guard_stride(size) <= guards->capacity;
}

static inline struct guard *guard_at(const struct guards *guards, uint64_t position)
{
	return (struct guard *)(guards->bytes + (position & (guards->capacity - 1)));
}

static inline void guard_push(struct guards *guards, struct guard guard,
		const struct vex_record *record)
{
	struct guard *to = guard_at(guards, guards->head);

	*to = guard;
	memcpy(to + 1, record, guard.size);
	guards->head += guard_stride(guard.size);
}

static inline struct guard *guard_first(const struct guards *guards)
{
	return guard_at(guards, guards->tail);
}

static inline const struct vex_record *guard_record(const struct guard *guard)
{
	return (const struct vex_record *)(guard + 1);
}

static inline void guard_pop(struct guards *guards)
{
	guards->tail += guard_stride(guard_first(guards)->size);
}

#endif
