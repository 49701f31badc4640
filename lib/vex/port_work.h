/* SPDX-License-Identifier: BSD-3-Clause */
/* A port and its lanes, as publishing (port.c) and closing (port_close.c) see them. Private to the two. */
#ifndef VEX_VEX_PORT_WORK_H
#define VEX_VEX_PORT_WORK_H

#include "base/lane_map.h"
#include "vex/link.h"
#include "vex/vex.h"

struct vex_lane {
	struct vex_lane_writer writer VEX_LINE_ALIGNED;
	struct vex_port *port;
	uint32_t record_max;
	uint8_t boundary; /* of its events; 0: as each says itself */
	uint64_t lost_total;
	uint64_t waits;
	struct vex_ring_map ring;
	struct vex_page_map page;
	uint32_t number; /* that the data plane gave */
	bool attached;	 /* to the data plane that is there; under link.lock */
	struct vex_lane *next;
};

struct vex_port {
	struct vex_link link;
	struct vex_port_options options;
	char name[VEX_NAME_MAX];
	int wake; /* eventfd of the port's worker; the number stays, the file behind it changes */
	uint32_t id;
	struct vex_lane *lanes; /* under link.lock */
	uint64_t gone_published; /* of lanes that were closed */
	uint64_t gone_lost;
	uint64_t gone_waits;
};

void lane_free(struct vex_lane *lane);

#endif
