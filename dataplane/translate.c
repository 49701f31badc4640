/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Translate: turns what a boundary says into the canonical event. The record already has its
 * one form; what is left is what a producer may not decide by itself: where the event was
 * seen, and who acted, unless the producer is one that may speak for others.
 */
#include "dataplane/stage.h"

#include "event/event.h"

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

/* Which rules led an event on is the data plane's word, and not its producer's. */
static void remove_added(struct burst *burst)
{
	for (uint64_t left = burst->routed; left; left &= left - 1)
		vex_record_remove(burst->record[__builtin_ctzll(left)],
				1u << VEX_ATTR_ROUTE | 1u << VEX_ATTR_SUPPRESSED);
	burst->routed = 0;
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
	if (VEX_UNLIKELY(burst->routed && !keep))
		remove_added(burst);
	if (!port->trusted || boundary == VEX_BOUNDARY_APP)
		translate_actors(port, burst);
}
