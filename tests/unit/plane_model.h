/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simplest data plane there can be, for tests of statistics: it moves no event, and counts
 * what the real one would count.
 */
#ifndef VEX_TESTS_UNIT_PLANE_MODEL_H
#define VEX_TESTS_UNIT_PLANE_MODEL_H

#include "stat/stat.h"

#define MODEL_WORKERS 2u
#define MODEL_PORTS 3u
#define MODEL_SUBSCRIBERS 2u

/** Clears the segment and attaches all ports, a lane each, and all subscribers. */
void model_init(struct vex_stat_segment *segment);

/** A burst of a port: events with outcomes and types by chance; the last word tells the seed. */
void model_burst(struct vex_stat_segment *segment, unsigned port, unsigned events,
		uint64_t *random);

/** All events that wait for somebody are dropped. */
void model_drop_held(struct vex_stat_segment *segment);

/** The port goes away, and another takes its place. */
void model_replace_port(struct vex_stat_segment *segment, unsigned port);

/** The subscriber goes away, and another takes its place. */
void model_replace_subscriber(struct vex_stat_segment *segment, unsigned subscriber);

#endif
