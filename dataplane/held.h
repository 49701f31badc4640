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

#include "stat/stat.h"

#define HELD_NONE UINT32_MAX

struct vex_object;
struct vex_record;
struct port;

struct held {
	struct vex_object *object;
	struct vex_record *record; /**< in the object, or in a long one */
	struct port *port; /**< whose account it is on while anyone waits for it, or NULL */
	uint32_t next;             /**< of the free ones */
	struct vex_member_stat *left_by; /**< a member that went away; it is on no port's account */
	uint16_t waiting; /**< backlogs that refer to it */
	uint8_t class;	  /**< enum vex_class */
	bool delivered;	  /**< somebody got it */
	bool open;       /**< its burst still runs: it is not on the port's account yet */
};

struct held_table {
	struct held *slots;
	uint32_t capacity;
	uint32_t used;
	uint32_t longs; /**< of those used, long ones */
	uint32_t longs_max;
	uint32_t free;
};

/** 0 or -ENOMEM; from the heap. */
int held_init(struct held_table *table, uint32_t capacity, uint32_t longs_max);
void held_free(struct held_table *table);

/** A free one, all zero but for the record and object; HELD_NONE where there is none. */
uint32_t held_take(struct held_table *table, struct vex_object *object, struct vex_record *record);

/** Gives it back. */
void held_put(struct held_table *table, uint32_t number);

#endif
