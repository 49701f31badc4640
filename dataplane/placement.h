/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an lcore runs. --lcores may put it anywhere, so its number says nothing of that: EAL's own
 * functions that tell of processors and sockets go by the number.
 */
#ifndef VEX_DATAPLANE_PLACEMENT_H
#define VEX_DATAPLANE_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

/** The processor that the lcore is pinned to: the first of them where it may run on several. */
uint32_t placement_cpu(unsigned lcore);

/** The NUMA node of a processor, below RTE_MAX_NUMA_NODES; 0 where the host names none. */
uint32_t placement_node(uint32_t cpu);

/** For people: "cpu 3", or "cpus 3,5"; cut where cap is too small. Returns text. */
const char *placement_text(unsigned lcore, char *text, size_t cap);

#endif
