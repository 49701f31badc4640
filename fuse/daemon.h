/* SPDX-License-Identifier: BSD-3-Clause */
/* Going to the background, without leaving whoever started us in doubt. */
#ifndef VEX_FUSE_DAEMON_H
#define VEX_FUSE_DAEMON_H

/**
 * Returns 0 in the background process. The foreground one does not return: it ends with the
 * code that daemon_ready() is told, and with VEX_EXIT_FAILED where that is never called.
 */
int daemon_start(void);

/** Lets the foreground process end; only the first call counts. Nothing without one. */
void daemon_ready(int code);

#endif
