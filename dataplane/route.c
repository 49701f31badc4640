/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route: finds the rules that match, as far as that repeats, for a whole burst at once: in the
 * decision cache, or by the classifier. Filter looks at what varies. Without a rule set there is
 * nothing to find.
 */
#include "dataplane/stage.h"

void stage_route(struct worker *worker, struct burst *burst)
{
	const struct rules_worker *rules = worker->plan->rules;

	if (VEX_UNLIKELY(rules && burst->count))
		rule_route(rules->matching, (const struct vex_record *const *)burst->record,
				burst->count);
}
