/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Translate: turns what a boundary says into the canonical event. The record already has its
 * one form; what is left is what a producer may not decide by itself: where the event was
 * seen, and who acted, unless the producer is one that may speak for others.
 */
#include "dataplane/stage.h"

static inline void translate_boundary(const struct port *port, struct vex_record *record)
{
	if (VEX_LIKELY(!port->keep_id) || record->boundary == VEX_BOUNDARY_NONE)
		record->boundary = (uint8_t)port->boundary;
}

static inline void translate_actor(const struct port *port, struct vex_record *record)
{
	if (VEX_UNLIKELY(!port->trusted)) {
		record->pid = port->pid;
		record->uid = port->uid;
		record->gid = port->gid;
	} else if (VEX_UNLIKELY(!record->pid) && port->boundary == VEX_BOUNDARY_APP) {
		record->pid = port->pid;
	}
}

void stage_translate(struct worker *worker, struct burst *burst)
{
	const struct port *port = burst->port;

	for (uint32_t i = 0; i < burst->count; i++) {
		struct vex_record *record = burst->event[i]->record;

		translate_boundary(port, record);
		translate_actor(port, record);
		worker->stat->type[record->type]++;
	}
}
