/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs once they are loaded. Private to program.c and program_run.c. */
#ifndef VEX_DATAPLANE_PROGRAM_WORK_H
#define VEX_DATAPLANE_PROGRAM_WORK_H

#include <rte_bpf.h>

#include "dataplane/program.h"

struct program {
	struct rte_bpf *bpf;
	uint64_t (*run)(void *event); /* compiled; NULL where this machine has no compiler for it */
};

struct programs {
	uint32_t count;
	struct program list[];
};

#endif
