/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX record locks, taken beneath, so that they hold against everyone.
 *
 * A lock belongs to a process, which the kernel names by an owner number. Each owner of locks
 * on an inode has an open file description of its own, on which its locks are taken as OFD
 * locks: for reading alone as long as it came by files that it reads alone, since whoever is open
 * for writing keeps a program from being executed. What is held is also kept here, for what the file system beneath can't tell: which
 * process holds a lock, and whether waiting would close a circle. Thread-safe.
 */
#ifndef VEX_FUSE_LOCKS_H
#define VEX_FUSE_LOCKS_H

#include <fcntl.h>

#include "handle.h"

struct lock_owner;

/**
 * Sets or releases without waiting, by way of an open file. 0 or an errno; EAGAIN where
 * another holds it. lock->l_pid is the process.
 */
int locks_set(struct inode *inode, uint64_t owner, const struct handle *handle,
		const struct flock *lock);

/** Fills lock with what stands in its way, or sets its type to F_UNLCK. 0 or an errno. */
int locks_test(struct inode *inode, uint64_t owner, const struct handle *handle,
		struct flock *lock);

/** Releases all locks of the owner on the inode: one of its descriptors was closed. */
void locks_release(struct inode *inode, uint64_t owner);

/**
 * Releases what was locked by way of an open file that is gone. By then every process that
 * had it has closed it; what is left are OFD locks, of whose end the kernel does not tell.
 */
void locks_release_handle(struct inode *inode, const struct handle *handle);

/**
 * Begins to wait. The result's descriptor is for F_OFD_SETLKW. EDEADLK where waiting would
 * never end. Followed by locks_wait_end(), with what fcntl(2) came to (0 or an errno).
 */
int locks_wait_begin(struct inode *inode, uint64_t owner, const struct handle *handle,
		const struct flock *lock, struct lock_owner **waits);
int locks_wait_fd(const struct lock_owner *owner);
void locks_wait_end(struct lock_owner *owner, const struct flock *lock, int err);

#endif
