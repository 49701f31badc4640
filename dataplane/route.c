/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route: finds the rules that match, for a whole burst at once. Without a rule set there is
 * nothing to find.
 */
#include "dataplane/stage.h"

void stage_route(struct worker *worker, struct burst *burst)
{
	(void)worker;
	(void)burst;
}
