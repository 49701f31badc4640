/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How near the two cores are now: two pinned threads hand one cache line to and fro. A virtual
 * machine's processors move without a sign, so each run is probed before and after.
 */
#ifndef VEX_PERF_PROBE_H
#define VEX_PERF_PROBE_H

#include "bench.h"

enum placement {
	PLACEMENT_NEAR,
	PLACEMENT_FAR,
	PLACEMENT_MIXED, /**< not the same before and after a run */
};

/** A crossing of at least this many nanoseconds is far. */
#define PROBE_FAR_NS 120.0

/** Nanoseconds that a line takes one way; negative errno on failure. */
double probe_crossing_ns(const struct bench_env *env);

enum placement probe_placement(double crossing_ns);
const char *placement_name(enum placement placement);

#endif
