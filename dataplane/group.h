/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups of subscribers: one member takes each event. Who is slow, full or gone is passed over,
 * by a circuit breaker (breaker.h). Where no member has room, the event waits for the group, in
 * a backlog of the group's own, and the first that has takes it. Critical events are kept until
 * the member has read them: a member that goes away leaves them to the others.
 *
 * A group outlives its rule set, with all its state, as long as each new set has one that is the
 * same. Main core: groups.c. Part of the polling path: group.c; group_wait.c, group_guard.c; group_change.c at a new rule set.
 */
#ifndef VEX_DATAPLANE_GROUP_H
#define VEX_DATAPLANE_GROUP_H

#include "dataplane/breaker.h"
#include "dataplane/choose.h"
#include "dataplane/plane.h"

#define GROUP_GONE UINT8_MAX

struct burst;
struct ruleset;

/** Immutable once a set that has it is published. */
struct group {
	uint64_t identity; /**< of name and definition */
	uint64_t name;	   /**< its hash */
	enum choose_balance balance;
	uint64_t slow_ns;
	uint64_t probe_ns;
	uint32_t member_count;
	struct choose_member members[CHOOSE_MEMBERS_MAX];
	uint32_t rows[CHOOSE_MEMBERS_MAX]; /**< in the statistics */
	uint32_t sets;                     /**< that have it; groups.c alone */
	struct group_state *states[VEX_WORKERS_MAX];
};

/** One worker's. */
struct group_state {
	const struct group *group;
	struct choose_state choice;
	struct breaker breakers[CHOOSE_MEMBERS_MAX];
	struct backlog backlog;
	uint64_t waits; /* members that what is in the backlog is for, a bit each; or more */
	uint32_t guards; /* of its events that lie unread in members' lanes */
	bool listed;     /* among the worker's groups: something waits or lies unread */
	struct group_state *next;
	uint64_t plan;                       /* generation for which these stand: */
	uint32_t index;                      /* in the rule set, or UINT32_MAX */
	uint8_t targets[CHOOSE_MEMBERS_MAX]; /* subscribers by member, or GROUP_GONE */
	uint64_t serials[CHOOSE_MEMBERS_MAX]; /* of those targets */
};

/**
 * Gives the events of a burst that groups are to get to one member each, or lets them wait.
 * Returns those that a member got; *any gets those that one could have got in principle, and
 * *gone those whose group has no member here.
 */
uint64_t group_deliver(struct worker *worker, struct burst *burst, uint64_t *any, uint64_t *gone);

/** Writes what waits to whoever has room, and forgets what was read. */
void group_write_waiting(struct worker *worker);

/** As target_displace(). */
void group_displace(struct worker *worker, const struct backlog_victim *victim);

/**
 * The first of a leaving member's unread events goes to another member of its group. False where
 * none has room for it yet.
 */
bool group_take_back(struct worker *worker, struct target *target);

/** What waits for groups that the new rule set has not waits for one of their members. */
void group_adopt_plan(struct worker *worker, const struct plan *old);

/* -- whoever builds rule sets; see rules.h -- */

/** Makes or finds the groups of a set: fills set->groups. 0 or -ENOMEM. */
int groups_take(struct plane *plane, struct ruleset *set);

/** The set is in force nowhere: frees those of its groups that no other set has. */
void groups_release(struct ruleset *set);

#endif
