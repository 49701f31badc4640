/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/startup.h"

#include "base/clock.h"
#include "base/log.h"
#include "dataplane/plan.h"
#include "dataplane/rules.h"
#include "dataplane/subscriber.h"

#define HOLD_MAX 10u /* times settle_ms */
#define NS_OF_MS 1000000ull

void startup_begin(struct plane *plane, struct startup *startup)
{
	startup->began_ns = vex_clock_steady();
	plane->hold_resumed = startup->settle_ms != 0;
	plane->hold_unruled = startup->waits = startup->rules_wait_ms != 0;
}

/*
 * Who outlived the last data plane looks for us every 200 ms: were producers served as they come,
 * what they kept would be dropped for want of subscribers. So they wait until no subscriber has
 * come for a while, but not for ever.
 */
static void tend_resumed(struct plane *plane, const struct startup *startup)
{
	uint64_t now = vex_clock_steady(), began = startup->began_ns;
	uint64_t last = plane->attach_ns > began ? plane->attach_ns : began;
	uint64_t settle = startup->settle_ms * NS_OF_MS;
	bool expected = now - last < settle || subscriber_attaching(plane);

	if (!plane->hold_resumed || (expected && now - began < settle * HOLD_MAX))
		return;
	plane->hold_resumed = false;
	plan_publish_all(plane);
}

static void give_up_rules(struct plane *plane, const struct startup *startup)
{
	plane->hold_unruled = false;
	vex_warn("no rules came within %u ms (rules_wait_ms): events go out without rules until "
		 "some are loaded", startup->rules_wait_ms);
	plan_publish_all(plane);
}

/* rules_publish() ends the hold, in the very plan that puts the rules in force. */
static void tend_unruled(struct plane *plane, struct startup *startup)
{
	uint64_t waited = vex_clock_steady() - startup->began_ns;

	if (!startup->waits)
		return;
	if (!plane->hold_unruled)
		vex_info("%s after %llu ms: lanes are polled from now on", plane->rules->set ?
				"rules are in force" : "word that there are no rules came",
				(unsigned long long)(waited / NS_OF_MS));
	else if (waited >= startup->rules_wait_ms * NS_OF_MS)
		give_up_rules(plane, startup);
	startup->waits = plane->hold_unruled;
}

void startup_tend(struct plane *plane, struct startup *startup)
{
	tend_unruled(plane, startup);
	tend_resumed(plane, startup);
}
