/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Translate: turns what a boundary says into the canonical event. The record already has its
 * one form; what is left is what a producer may not decide by itself: where the event was
 * seen, and who acted, unless the producer is one that may speak for others.
 */
#include "dataplane/stage.h"

static void translate_actors(const struct port *port, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		struct vex_record *record = burst->record[i];

		if (!port->trusted) {
			record->pid = port->pid;
			record->uid = port->uid;
			record->gid = port->gid;
		} else if (!record->pid) {
			record->pid = port->pid;
		}
	}
}

void stage_translate(struct worker *worker, struct burst *burst)
{
	const struct port *port = burst->port;
	uint8_t boundary = (uint8_t)port->boundary;
	bool keep = port->keep_id;

	for (uint32_t i = 0; i < burst->count; i++) {
		struct vex_record *record = burst->record[i];

		if (VEX_LIKELY(!keep) || record->boundary == VEX_BOUNDARY_NONE)
			record->boundary = boundary;
		worker->stat->type[record->type]++;
	}
	if (!port->trusted || boundary == VEX_BOUNDARY_APP)
		translate_actors(port, burst);
}
