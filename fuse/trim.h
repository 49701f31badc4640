/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps the number of inodes below what descriptors allow: when three quarters are in use, it
 * asks the kernel to drop names that it merely caches, from a thread of its own. That thread
 * also looks whether the others are stuck.
 */
#ifndef VEX_FUSE_TRIM_H
#define VEX_FUSE_TRIM_H

/** 0, or a negative errno. */
int trim_start(void);
void trim_stop(void);

#endif
