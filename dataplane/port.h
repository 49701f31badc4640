/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports and their lanes, from attach to the day they are freed. Main core only. Functions
 * return 0 or a negative errno, and leave a sentence in reason (VEX_REASON_MAX) on failure.
 *
 * A port lives as long as its connection; then it drains: what its lanes hold is delivered,
 * what its producer lost is announced, and port_reap() frees it.
 */
#ifndef VEX_DATAPLANE_PORT_H
#define VEX_DATAPLANE_PORT_H

#include <sys/socket.h>

#include "dataplane/plane.h"

int port_add(struct plane *plane, const struct vex_message *hello, const struct ucred *who,
		struct port **port, char *reason);

/**
 * Adds a lane whose ring is fd, which is closed in any case. On success message holds the
 * answer and *page_fd the consumer page to be passed (and then closed by the caller).
 */
int port_add_lane(struct plane *plane, struct port *port, int fd, struct vex_message *message,
		int *page_fd, char *reason);

/**
 * Adds a lane that is mapped already (the kernel's), and is the port's from here on; on failure it
 * is freed.
 */
int port_take_lane(struct plane *plane, struct port *port, struct lane *lane, char *reason);

void port_free_lane(struct lane *lane);

/** From now on this fd wakes the port's worker; it is the port's. */
void port_wake_by(struct plane *plane, struct port *port, int fd);

/** Begins to drain one lane, by its number. */
int port_remove_lane(struct plane *plane, struct port *port, uint32_t number, char *reason);

/** Begins to drain the whole port. */
void port_drain(struct plane *plane, struct port *port);

/** -EBUSY where events of the port wait for subscribers: they have to be settled where they wait. */
int port_move(struct plane *plane, uint32_t port, uint32_t worker, char *reason);

/** Frees what is drained or can't be trusted. Returns whether anything still drains. */
bool port_reap(struct plane *plane);

/** Frees every port as it stands, at the end: what lanes hold is their producers' to offer again. */
void port_free_all(struct plane *plane);

#endif
