/* SPDX-License-Identifier: BSD-3-Clause */
/* The session (plane.c) and the orders given in it (plane_orders.c). Private to the two. */
#ifndef VEX_CONTROL_PLANE_WORK_H
#define VEX_CONTROL_PLANE_WORK_H

#include "plane.h"

/* Apart from the plane, since libuv lets go of a poll handle only later. */
struct link {
	uv_poll_t poll;
	struct plane *plane;
	int fd;
};

struct order {
	uint32_t request;
	uint64_t deadline_ms;
	plane_done done;
	void *context;
};

struct plane {
	uv_loop_t *loop;
	uv_timer_t timer; /* away: the next try; else: the answer that is due first */
	const char *socket;
	plane_found found;
	void *context;
	struct link *link; /* NULL while away */
	const struct vex_stat_segment *segment; /* NULL until WELCOME */
	const struct vex_rules_segment *counters; /* NULL until it was asked for */
	uint64_t backoff_ms;
	uint32_t last_request;
	unsigned first; /* of the orders under way; rules may be answered after later ones */
	unsigned count;
	struct order orders[PLANE_ORDERS_MAX];
	char why[WIRE_TEXT_MAX];
};

/* -- plane.c -- */

/** Ends the session, for a reason that is a negative errno; it is looked for again. */
void plane_away_error(struct plane *plane, int error);

/** After orders came or went. */
void plane_watch_deadline(struct plane *plane);

/* -- plane_orders.c -- */

/** The loop's time at which an answer is due first; UINT64_MAX: none is. */
uint64_t plane_orders_due(struct plane *plane);

/** A message that answers an order, or should. */
void plane_answered(struct plane *plane, const struct vex_message *message, int fd);

void plane_fail_orders(struct plane *plane);

#endif
