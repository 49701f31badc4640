/* SPDX-License-Identifier: BSD-3-Clause */
/* The lanes of a port (port_lane.c) as the port itself sees them (port.c). Private to the two. */
#ifndef VEX_DATAPLANE_PORT_WORK_H
#define VEX_DATAPLANE_PORT_WORK_H

#include "dataplane/port.h"

#define refuse(reason, error, ...) (snprintf(reason, VEX_REASON_MAX, __VA_ARGS__), error)

static inline int port_free_slot(void *const *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!slots[i])
			return (int)i;
	return -1;
}

void port_drain_lanes(struct plane *plane, struct port *port);

/** Frees the lanes that are drained or can't be trusted. Returns whether any still drains. */
bool port_reap_lanes(struct plane *plane, struct port *port);

#endif
