/* SPDX-License-Identifier: BSD-3-Clause */
/* Getting ready, mounting, and letting go again. Each says itself what went wrong. */
#ifndef VEX_FUSE_MOUNT_H
#define VEX_FUSE_MOUNT_H

#include "mirror.h"

/**
 * Opens SOURCE and checks MOUNTPOINT, where a mount whose process died is cleared away first.
 * An exit code: 0, VEX_EXIT_CONFIG or VEX_EXIT_FAILED.
 */
int mount_prepare(void);

/** Mounts, and makes mirror.session. An exit code. */
int mount_start(void);

/** Lets the kernel read ahead as much as a request may carry. */
void mount_tune(void);

/** Takes the mount away, even where it is in use, but no other; mirror.session stays. */
void mount_stop(void);

#endif
