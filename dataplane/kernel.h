/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that is between the data plane and the kernel module: the tap (tap.h), by which events come,
 * and the reverse lane (reverse.h), by which they go back. Main core only. NULL is fine but for
 * kernel_open().
 */
#ifndef VEX_DATAPLANE_KERNEL_H
#define VEX_DATAPLANE_KERNEL_H

#include "abi/tap.h"
#include "dataplane/options.h"

struct kernel;

/** Attaches both ways; the server is served meanwhile. 0 or a negative errno, which was logged. */
int kernel_open(struct plane *plane, struct server *server, const struct options *options,
		struct kernel **kernel);

/** Now and then: who listens is not listened to; each second, statistics are shown. */
void kernel_tend(struct kernel *kernel, const struct server *server);

/**
 * What a control session asks for by such a message (abi/handshake.h); fd may have come with it
 * and stays the caller's. Leaves a sentence in reason (VEX_REASON_MAX) on failure; what was selected
 * then stays so.
 */
int kernel_order(struct kernel *kernel, uint16_t message_type, int fd, char *reason);

/** Selects; the error was logged. */
void kernel_select(struct kernel *kernel, const struct vex_tap_select *want);

/** Nothing more comes; what the kernel's lanes hold is delivered. Before workers are stopped. */
void kernel_stop(struct kernel *kernel);

/** After the server was closed and ports were freed. */
void kernel_close(struct kernel *kernel);

#endif
