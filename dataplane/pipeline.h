/* SPDX-License-Identifier: BSD-3-Clause */
/* The pipeline: every stage, in order, over each burst of each port of a worker's plan. */
#ifndef VEX_DATAPLANE_PIPELINE_H
#define VEX_DATAPLANE_PIPELINE_H

#include "dataplane/stage.h"

struct pipeline_stage {
	enum vex_stage stage;
	stage_run *run;
};

extern const struct pipeline_stage pipeline[VEX_STAGE_LIMIT];

/** One time around the ports of the plan. Returns how many records were taken in. */
uint32_t pipeline_round(struct worker *worker);

#endif
