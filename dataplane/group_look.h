/* SPDX-License-Identifier: BSD-3-Clause */
/* Who of a group may take an event just now, and who does. Private to groups. */
#ifndef VEX_DATAPLANE_GROUP_LOOK_H
#define VEX_DATAPLANE_GROUP_LOOK_H

#include "dataplane/group.h"

/* A group under a worker's eyes, for a burst. Masks have a bit a member. */
struct group_look {
	struct group_state *state;
	uint64_t now_ns;
	uint64_t live;        /* attached */
	uint64_t usable;      /* and worth a try */
	uint64_t reviving;    /* passed over, but may be worth one if nobody else is */
	uint64_t spare;       /* passed over, to be tried before an event waits or is lost */
	uint64_t took;        /* got one of the events */
	uint64_t subscribers; /* those who are live, a bit a subscriber */
	uint32_t largest; /* that every lane of those who are live can take in */
	uint64_t load[CHOOSE_MEMBERS_MAX];
};

/** The rule set of a plan, or NULL. */
const struct ruleset *group_set(const struct plan *plan);

/** A group's number in a set, UINT32_MAX where it is in none. */
uint32_t group_index(const struct ruleset *set, const struct group *group);

/** Finds out who the members are, once a plan. */
void group_resolve(const struct plan *plan, struct group_state *state);

/** Looks at every member. */
void group_look(struct worker *worker, struct group_look *look, struct group_state *state);

/** Members whose own filters let the event pass. */
uint64_t group_who_asked(const struct worker *worker, const struct group_look *look,
		const struct vex_record *record);

/** Those among these whose lanes could ever take it in, and a guard of it where one is due. */
uint64_t group_who_fits(const struct worker *worker, const struct group_look *look,
		const struct vex_record *record, enum vex_class class, uint64_t among);

/** One that is usable and among these; where none is, one that is spare; or CHOOSE_NONE. */
uint32_t group_choose(const struct worker *worker, struct group_look *look,
		const struct vex_record *record, uint64_t among);

/** A member that has no room, or stands still: opens its breaker, unless it took no part anyway. */
void group_fail(struct worker *worker, struct group_look *look, uint32_t member);

/**
 * A member got an event, which ends there in its lane. Where its breaker is open the event probes
 * it, and it gets no more but in need.
 */
void group_took(struct group_look *look, uint32_t member, uint64_t end);

struct vex_member_stat *group_member_stat(
		const struct worker *worker, const struct group *group, uint32_t member);

/** How far a subscriber says it has read; one that can't be true is no news. */
uint64_t group_position(const struct target *target);

#endif
