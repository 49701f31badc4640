/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket file that the data plane listens at. */
#ifndef VEX_DATAPLANE_SOCKET_H
#define VEX_DATAPLANE_SOCKET_H

#include <stdint.h>

/**
 * Listens at path, whose file gets this mode. A socket file that nobody listens at is replaced;
 * -EADDRINUSE where someone does. Returns the socket, which does not block, or a negative errno,
 * which was logged.
 */
int socket_listen(const char *path, uint32_t mode);

#endif
