/* SPDX-License-Identifier: BSD-3-Clause */
/* A listening unix socket at a path that an earlier run may have left behind. */
#ifndef VEX_BASE_LISTEN_H
#define VEX_BASE_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

/**
 * Binds a socket of this type (SOCK_STREAM or SOCK_SEQPACKET) at path, gives the file this mode,
 * and listens. A socket that nobody listens at any more is replaced. The path's folder must be
 * there, but for one below /run, which is empty after each boot: it is made, unless its own
 * parent is missing as well. Returns a non-blocking file descriptor, or a negative errno
 * (-EADDRINUSE: a live program has it) with a sentence in text.
 */
int vex_listen(const char *path, int type, mode_t mode, char *text, size_t cap);

#endif
