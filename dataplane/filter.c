/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Filter: decides who is to get each event, and why nobody is. Subscribers' own filters are
 * applied here, on top of whatever rules say. Without a rule set everyone gets what he asked for.
 */
#include "dataplane/stage.h"

/* Who asked for this event, a bit a subscriber; a GAP is told to everyone. */
static inline uint64_t who_asked(const struct plan *plan, const struct vex_record *record)
{
	if (VEX_UNLIKELY(record->type == VEX_GAP))
		return plan->subscribers;
	return plan->by_type[record->type] & plan->by_boundary[record->boundary];
}

static void lead_by_default(const struct plan *plan, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++)
		for (uint64_t who = who_asked(plan, burst->record[i]); who; who &= who - 1)
			burst->wanted[__builtin_ctzll(who)] |= 1ull << i;
	burst->of_class[VEX_CLASS_NORMAL] = burst_all(burst);
}

void stage_filter(struct worker *worker, struct burst *burst)
{
	const struct plan *plan = worker->plan;

	memset(burst->dropped, 0, sizeof(burst->dropped));
	memset(burst->of_class, 0, sizeof(burst->of_class));
	burst->group_hit_count = 0;
	for (uint64_t left = plan->subscribers; left; left &= left - 1)
		burst->wanted[__builtin_ctzll(left)] = 0;
	if (VEX_LIKELY(burst->count))
		lead_by_default(plan, burst);
}
