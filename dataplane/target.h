/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's lane to a subscriber: writing to it, and waiting for room in it. Events wait by
 * reference, in the target's backlog; they are on their port's account as held until the last
 * backlog lets go of them. Part of the polling path.
 */
#ifndef VEX_DATAPLANE_TARGET_H
#define VEX_DATAPLANE_TARGET_H

#include "dataplane/plane.h"

struct burst;

/** Whether target_write_waiting() has anything to do. */
static inline bool target_any_waits(const struct worker *worker)
{
	return (worker->backlogged | worker->leaving) != 0 || worker->groups != NULL;
}

/**
 * Writes the events of a burst that this subscriber is to get, a bit each. Those that find no
 * room wait, or are lost. Returns those that it got.
 */
uint64_t target_write(struct worker *worker, struct target *target, struct burst *burst,
		uint64_t wanted);

/** Writes what waits, as far as there is room; takes leave of subscribers that go. Once a round. */
void target_write_waiting(struct worker *worker);

/** Tries to announce losses that subscribers were not told of yet. */
void target_announce(struct worker *worker);

/** A plan was adopted in the place of old: notes who leaves. */
void target_adopt_plan(struct worker *worker, const struct plan *old);

/*
 * Steps, for groups. Whoever takes them keeps the target's statistics open, counts what is
 * offered, and ends with target_publish().
 */

/** What waits goes before anything of its own class or a less urgent one. */
static inline bool target_may_pass(const struct target *target, unsigned class)
{
	return backlog_urgent(&target->backlog) > class;
}

/** Writes one event that the subscriber sees once it is published. False where there is no room. */
bool target_put(struct worker *worker, struct target *target, const struct vex_record *record);
void target_publish(struct worker *worker, struct target *target);

/** The subscriber loses one event of this class, for want of room or of a lane that is large enough. */
void target_lose(struct worker *worker, struct target *target, enum vex_class class,
		enum vex_gap_reason reason);

/** A held event waits for the subscriber. False where it can't, and is to be lost. */
bool target_wait(struct worker *worker, struct target *target, uint32_t number);

/** A held event gives way to another, whoever waits for it. */
void target_displace(struct worker *worker, const struct backlog_victim *victim);

#endif
