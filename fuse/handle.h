/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An open file or directory: what the kernel's fi->fh points to.
 *
 * The kernel does not say who closes a file, nor for whom it writes back pages. The handle
 * therefore keeps who opened or, later, flushed it.
 */
#ifndef VEX_FUSE_HANDLE_H
#define VEX_FUSE_HANDLE_H

#include <pthread.h>

#include "caller.h"
#include "inode.h"

struct handle {
	struct inode *inode;  /**< which the kernel holds as long as the handle */
	int fd;
	int flags;            /**< as it was opened with */
	pthread_spinlock_t lock;
	struct caller user;   /**< under lock */
	/* Directories alone; used by one request at a time, as the kernel sees to. */
	int64_t dir_offset;   /**< where the next entry of buf belongs; -1: nowhere */
	uint32_t dir_at;
	uint32_t dir_end;
	char dir_buf[];
};

static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/** Takes fd over; closes it on failure. buf_size: of dir_buf, 0 for files. NULL: no memory. */
struct handle *handle_new(struct inode *inode, int fd, int flags, size_t buf_size);

/** Closes it. */
void handle_free(struct handle *handle);

void handle_set_user(struct handle *handle, const struct caller *user);
struct caller handle_user(struct handle *handle);

#endif
