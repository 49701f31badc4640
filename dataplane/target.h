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
	return (worker->backlogged | worker->leaving) != 0;
}

/**
 * Writes the events of a burst that this subscriber is to get, a bit each. Those that find no
 * room wait, or are lost. Returns those that it got.
 */
uint64_t target_write(
		struct worker *worker, struct target *target, struct burst *burst, uint64_t wanted);

/**
 * The burst is over, and some of its events are held: sets burst->waits, those that wait for
 * somebody. Returns those whose objects must outlive it, a bit each.
 */
uint64_t target_close_burst(struct worker *worker, struct burst *burst, uint64_t delivered);

/** Writes what waits, as far as there is room; takes leave of subscribers that go. Once a round. */
void target_write_waiting(struct worker *worker);

/** Tries to announce losses that subscribers were not told of yet. */
void target_announce(struct worker *worker);

/** A plan was adopted: notes who leaves. */
void target_adopt_plan(struct worker *worker);

#endif
