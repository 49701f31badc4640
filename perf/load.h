/* SPDX-License-Identifier: BSD-3-Clause */
/* One producer that reads back what it publishes: what the runs of plane_load.h are made of. */
#ifndef VEX_PERF_LOAD_H
#define VEX_PERF_LOAD_H

#include "plane.h"
#include "plane_load.h"
#include "vex/vex.h"

struct load {
	const struct bench_env *env;
	const struct plane_load_rules *rules; /* NULL: all events are one but for their results */
	double *values;
	struct plane plane;
	struct vex_port *port;
	struct vex_lane *lane;
	struct vex_subscription *sub;
	struct vex_event event;
	uint64_t sent;
	uint64_t taken;
	unsigned burst;
	unsigned window; /* events under way at most: fits both lanes, so nothing can be lost */
	int error;
};

/** A data plane, a port, a subscription; work on core 0; then the accounts. */
int load_run(struct load *load, int (*work)(void *));

/* For work. What goes wrong they say, and remember in load->error. */
void load_publish(struct load *load);
/** What arrived, in full and in the order in which it was sent; how many, or a negative errno. */
int load_take(struct load *load);
/** Takes back all that is under way. Returns load->error. */
int load_drain(struct load *load);
/** Keeps the pipeline full for this many cycles, then drains; returns events a second. */
double load_pump(struct load *load, uint64_t span);

#endif
