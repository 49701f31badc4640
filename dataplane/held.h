/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Held events: those of one worker that outlive their burst, since a subscriber's lane had no
 * room for them. Backlogs refer to them by number. Pure but for the memory; whoever takes the
 * last reference away frees the objects.
 */
#ifndef VEX_DATAPLANE_HELD_H
#define VEX_DATAPLANE_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/backlog.h"

#define HELD_NONE UINT32_MAX

struct vex_object;
struct vex_record;
struct port;

struct held {
	struct vex_object *object;
	struct vex_record *record; /**< in the object, or in a long one */
	struct port *port; /**< whose account it is on while anyone waits for it, or NULL */
	uint32_t next; /**< of the free ones, or of its list */
	uint32_t previous;
	uint64_t turn; /**< grows from one that is taken to the next */
	struct vex_member_stat *left_by; /**< a member that went away; it is on no port's account */
	uint16_t waiting; /**< backlogs that refer to it */
	uint8_t class;	  /**< enum vex_class */
	bool delivered;	  /**< somebody got it */
	bool open;       /**< its burst still runs: it is not on the port's account yet */
};

struct held_list {
	uint32_t first; /**< the oldest */
	uint32_t last;
	uint32_t count;
};

struct held_table {
	struct held *slots;
	uint32_t capacity;
	uint32_t used;
	uint32_t longs; /**< of those used, long ones */
	uint32_t longs_max;
	uint32_t free;
	uint64_t turn;
	struct held_list lists[VEX_CLASS_COUNT][2]; /**< of those used; short ones, and long ones */
};

/** 0 or -ENOMEM; from the heap. */
int held_init(struct held_table *table, uint32_t capacity, uint32_t longs_max);
void held_free(struct held_table *table);

/** A free one, all zero but for what is said here; HELD_NONE where there is none. */
uint32_t held_take(struct held_table *table, struct vex_object *object, struct vex_record *record,
		enum vex_class class);

/**
 * Whose place would do where held_take() found none, for a long record or another: one of the least
 * urgent class that is below this one, the newest of it, or the oldest where its policy says so.
 * None of a burst that still runs. HELD_NONE where there is none.
 */
uint32_t held_victim(const struct held_table *table, const struct class_policy *policies,
		enum vex_class above, bool for_long);

/**
 * How many of this class find a place before one of it, or of a more urgent one, has to go; of the
 * long ones, or of all.
 */
uint32_t held_room(const struct held_table *table, enum vex_class class, bool only_long);

/** Gives it back. */
void held_put(struct held_table *table, uint32_t number);

#endif
