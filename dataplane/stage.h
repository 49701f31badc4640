/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a stage is: a function over one burst of one port. A stage includes this header, never
 * another stage. The order of stages stands in pipeline.c.
 *
 * Stages run on a worker: no lock, no allocation from the heap, no system call, no log line.
 */
#ifndef VEX_DATAPLANE_STAGE_H
#define VEX_DATAPLANE_STAGE_H

#include "dataplane/plane.h"
#include "dataplane/group.h"
#include "dataplane/hold.h"
#include "dataplane/quota.h"
#include "dataplane/ruleset.h"
#include "dataplane/summary.h"
#include "dataplane/target.h"
#include "dataplane/trial.h"

/** Events on their way through the stages; all of one port. Masks have a bit an event. */
struct burst {
	uint32_t count;
	const struct plan_port *from;
	struct port *port;
	uint32_t taken; /* records out of lanes, refused ones included */
	uint64_t bytes; /* of those */
	uint32_t stocked; /* ingest: objects at hand, those of its events included */
	uint32_t longs;   /* ingest: long records among them */
	uint64_t routed;  /* ingest: they bring attributes that only the data plane may add */
	uint64_t gaps;    /* ingest: they tell of events that were lost */
	struct vex_object *object[VEX_BURST_MAX];
	struct vex_record *record[VEX_BURST_MAX]; /* in the object, or in a long one */

	/* Filter decides, deliver does it. */
	uint64_t wanted[VEX_SUBSCRIBERS_MAX];	/* that a subscriber is to get; of those in the plan.
						   Deliver, for groups: that it got */
	bool judged; /* by rules: else nothing is dropped, and all is of class normal */
	uint64_t dropped[VEX_DROP_LIMIT];	/* that nobody gets, by reason; each has one at most */
	uint64_t of_class[VEX_CLASS_COUNT];	/* by service class; each is in one */
	uint64_t held;  /* deliver: they have a number in the table of held events */
	uint64_t too_large; /* deliver: for somebody's lane */
	uint64_t waits; /* deliver: somebody waits for them in the end */
	uint32_t held_number[VEX_BURST_MAX];
	uint32_t group_hit_count;		/* at most as many as the rule set has groups */
	struct group_hit *group_hits;
};

/** All events of a burst that has any. */
static inline uint64_t burst_all(const struct burst *burst)
{
	return UINT64_MAX >> (VEX_BURST_MAX - burst->count);
}

/** Who asked for this event, a bit a subscriber; a GAP is told to everyone. */
static inline uint64_t who_asked(const struct plan *plan, const struct vex_record *record)
{
	if (VEX_UNLIKELY(record->type == VEX_GAP))
		return plan->subscribers;
	return plan->by_type[record->type] & plan->by_boundary[record->boundary];
}

/** Which events each subscriber of the plan asked for; asked has VEX_SUBSCRIBERS_MAX words. */
static inline void burst_ask(const struct plan *plan, const struct burst *burst, uint64_t *asked)
{
	uint64_t picky = plan->subscribers & ~plan->unfiltered;

	for (uint64_t left = plan->unfiltered; left; left &= left - 1)
		asked[__builtin_ctzll(left)] = burst_all(burst);
	if (VEX_LIKELY(!picky))
		return;
	for (uint64_t left = picky; left; left &= left - 1)
		asked[__builtin_ctzll(left)] = 0;
	for (uint32_t i = 0; i < burst->count; i++)
		for (uint64_t who = who_asked(plan, burst->record[i]) & picky; who; who &= who - 1)
			asked[__builtin_ctzll(who)] |= 1ull << i;
}

typedef void stage_run(struct worker *worker, struct burst *burst);

stage_run stage_ingest;
stage_run stage_translate;
stage_run stage_route;
stage_run stage_filter;
stage_run stage_deliver;

/**
 * Filter, for a summary, which is all of a burst that was routed: whether its rule is in force still,
 * matches it, and has anything to tell; then the summary is led as that rule alone says.
 */
bool filter_summary(struct worker *worker, struct burst *burst, const struct summary *summary);

/** Gives the room that a burst took in its lanes back to their producers. */
void ingest_release(const struct plan_port *from);

#endif
