/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Subscribers and their lanes, one from each worker. Main core only. Functions return 0 or a
 * negative errno, and leave a sentence in reason (VEX_REASON_MAX) on failure.
 */
#ifndef VEX_DATAPLANE_SUBSCRIBER_H
#define VEX_DATAPLANE_SUBSCRIBER_H

#include <sys/socket.h>

#include "dataplane/plane.h"

/** Takes wake, a unix socket; closes it on failure too. */
int subscriber_add(struct plane *plane, const struct vex_message *hello, const struct ucred *who,
		int wake, struct subscriber **sub, char *reason);

/**
 * Opens the lane from one worker; fd is the subscriber's page and closed in any case. On
 * success *ring_fd is to be passed, and then closed by the caller.
 */
int subscriber_add_lane(struct plane *plane, struct subscriber *sub, int fd,
		struct vex_message *message, int *ring_fd, char *reason);

/** From here on it gets events; every lane must be open. */
int subscriber_start(struct plane *plane, struct subscriber *sub, char *reason);

/** Whether any has said HELLO but not START yet. */
bool subscriber_attaching(const struct plane *plane);

/** It gets nothing more. It is freed at once, or by subscriber_reap() where events wait for it. */
void subscriber_remove(struct plane *plane, struct subscriber *sub);

/** Frees those that nothing waits for any more. Returns whether any is still to be freed. */
bool subscriber_reap(struct plane *plane);

/**
 * Waits until every subscriber has read what the worker had written to it when this was called;
 * for 20 ms at most, since some never will.
 */
void subscriber_wait_until_read(struct plane *plane, uint32_t worker);

/** Wakes subscribers that busy workers did not come round to wake. */
void subscriber_kick_waiting(struct plane *plane);

#endif
