/* SPDX-License-Identifier: BSD-3-Clause */
/* A listening unix socket at a path that an earlier run may have left behind. */
#ifndef VEX_WIRE_LISTEN_H
#define VEX_WIRE_LISTEN_H

#include <stddef.h>

/**
 * Binds and listens at path, for everyone to connect: callers are judged by their credentials.
 * The folder is created where only it is missing; a socket that nobody listens at any more is
 * replaced. Returns a non-blocking file descriptor, or a negative errno (-EADDRINUSE: a live
 * program has it) with a sentence in text.
 */
int wire_listen(const char *path, char *text, size_t cap);

#endif
