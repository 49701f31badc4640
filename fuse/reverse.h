/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reverse lane, --reverse: a subscription to what rules lead to boundary:fuse. Where an event
 * says that a file beneath was changed, by someone else than the mirror, the kernel is told to
 * forget what it keeps of it. A thread of its own does that: it may wait for the workers.
 */
#ifndef VEX_FUSE_REVERSE_H
#define VEX_FUSE_REVERSE_H

/** Nothing without --reverse. The data plane is looked for in the background. 0 or a negative errno. */
int reverse_start(void);

/** Waits for the thread, but not for long: a kernel that waits for an answer may keep it. */
void reverse_stop(void);

#endif
