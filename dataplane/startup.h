/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first moments of a data plane, in which it leaves events in their producers' lanes: until
 * rules are there, and until subscribers of the last data plane are back. Main core.
 */
#ifndef VEX_DATAPLANE_STARTUP_H
#define VEX_DATAPLANE_STARTUP_H

#include "dataplane/plane.h"

struct startup {
	uint32_t settle_ms;     /**< resumed lanes wait for subscribers; 0: they don't */
	uint32_t rules_wait_ms; /**< all lanes wait for rules; 0: they don't */
	uint64_t began_ns;      /* steady */
	bool waits;             /* for rules, as far as was told */
};

/** Before rules are loaded and before anybody can attach. */
void startup_begin(struct plane *plane, struct startup *startup);

/** Ends what is over; to be called again and again. */
void startup_tend(struct plane *plane, struct startup *startup);

/** Whether lanes are held still. */
static inline bool startup_holds(const struct plane *plane)
{
	return plane->hold_resumed || plane->hold_unruled;
}

#endif
