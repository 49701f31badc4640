/* SPDX-License-Identifier: BSD-3-Clause */
/* How the files of groups work together. Private to groups. */
#ifndef VEX_DATAPLANE_GROUP_WORK_H
#define VEX_DATAPLANE_GROUP_WORK_H

#include "dataplane/group_look.h"

/**
 * Tries these members until one has room; those that have none are passed over from now on. A
 * breaker only tells who is asked first: no event waits or is lost while any member has room. Ends
 * with group_publish().
 */
bool group_give(struct worker *worker, struct group_look *look, const struct vex_record *record,
		enum vex_class class, uint64_t among);
void group_publish(struct worker *worker);

/** The state has something that waits or lies unread. */
void group_list(struct worker *worker, struct group_state *state);

/** A held event waits for any of these members. False where it can't, and is to be lost. */
bool group_wait(struct worker *worker, struct group_state *state, uint32_t number, uint64_t fits);

/** An event that is nobody's any more. The first live member is told; false where there is none. */
bool group_lose(struct worker *worker, struct group_state *state, enum vex_class class,
		enum vex_gap_reason reason);

/** Whether an event that is written to a member now can be given to another one later. */
bool group_can_guard(struct worker *worker, struct target *target, uint32_t size);

/** It was: keeps it until the member has read all that there is in its lane. */
void group_guard(struct worker *worker, struct group_state *state, uint32_t member,
		const struct vex_record *record);

/** Forgets what the subscriber has read. */
void group_trim(struct worker *worker, struct target *target);

#endif
