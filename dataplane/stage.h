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

/** Events on their way through the stages; all of one port. */
struct burst {
	uint32_t count;
	const struct plan_port *from;
	struct port *port;
	uint32_t taken; /* records out of lanes, refused ones included */
	uint64_t bytes; /* of those */
	uint32_t stocked; /* ingest: objects at hand, those of its events included */
	struct vex_object *object[VEX_BURST_MAX];
	struct vex_record *record[VEX_BURST_MAX]; /* in the object, or in a long one */
};

typedef void stage_run(struct worker *worker, struct burst *burst);

stage_run stage_ingest;
stage_run stage_translate;
stage_run stage_deliver;

/** Gives the room that a burst took in its lanes back to their producers. */
void ingest_release(const struct plan_port *from);

/** Tries to announce losses that subscribers were not told of yet. */
void deliver_gaps(struct worker *worker);

#endif
