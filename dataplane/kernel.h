/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that is between the data plane and the kernel module: the tap (tap.h), by which events come,
 * and the reverse lane (reverse.h), by which they go back. Main core only. NULL is fine but for
 * kernel_open().
 */
#ifndef VEX_DATAPLANE_KERNEL_H
#define VEX_DATAPLANE_KERNEL_H

#include "dataplane/options.h"

struct kernel;

/** Attaches both ways; the server is served meanwhile. 0 or a negative errno, which was logged. */
int kernel_open(struct plane *plane, struct server *server, const struct options *options,
		struct kernel **kernel);

/** Now and then: who listens is not listened to; each second, statistics are shown. */
void kernel_tend(struct kernel *kernel, const struct server *server);

/** Nothing more comes; what the kernel's lanes hold is delivered. Before workers are stopped. */
void kernel_stop(struct kernel *kernel);

/** After the server was closed and ports were freed. */
void kernel_close(struct kernel *kernel);

#endif
