/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Holding events of a burst, and letting go of them: the accounts of what waits in the backlogs
 * of targets and groups, and what an overload does to the worker. Part of the polling path.
 */
#ifndef VEX_DATAPLANE_HOLD_H
#define VEX_DATAPLANE_HOLD_H

#include "dataplane/plane.h"

struct burst;

/**
 * The number of a burst's event in the table of held events; it gets one at its first use.
 * HELD_NONE where all are taken by events as urgent.
 */
uint32_t hold_number(struct worker *worker, struct burst *burst, uint32_t i, enum vex_class class);

/** A backlog lets go of an event; reason is that of a drop, should nobody have got it. */
void hold_release(struct worker *worker, uint32_t number, enum vex_drop reason);

/**
 * A number for a copy of an event that is on no port's account, since this member got it and went
 * away. HELD_NONE where there is no room, or all are taken by events as urgent.
 */
uint32_t hold_copy(struct worker *worker, const struct vex_record *record, enum vex_class class,
		struct vex_member_stat *left_by);

/** Long records of a burst, at most: a burst must find places, and there are few for these. */
static inline uint32_t hold_longs_a_burst(const struct worker *worker)
{
	return worker->held.longs_max < 4 ? 1 : worker->held.longs_max / 4;
}

/** Forgets a number that nobody came to wait for. */
void hold_drop(struct worker *worker, uint32_t number);

/**
 * Something was put into a backlog. Where a class that blocks has no room for a further burst left,
 * there or in the table of held events, the worker stops polling, once until there is room again, so
 * that producers feel it in their lanes.
 */
void hold_block(struct worker *worker, struct backlog *backlog);

/** After something has left a backlog. */
void hold_unblock(struct worker *worker, struct backlog *backlog);

/** The worker polls again once there is room, or time is out. */
void hold_end_block(struct worker *worker);

/**
 * The burst is over, and some of its events are held: sets burst->waits, those that wait for
 * somebody. Returns those whose objects must outlive it, a bit each.
 */
uint64_t hold_close_burst(struct worker *worker, struct burst *burst, uint64_t delivered);

#endif
