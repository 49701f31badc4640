/* SPDX-License-Identifier: BSD-3-Clause */
/* The table behind inode.h, for inode.c and inode_name.c alone. All under its lock. */
#ifndef VEX_FUSE_INODE_TABLE_H
#define VEX_FUSE_INODE_TABLE_H

#include <pthread.h>

#include "inode.h"

/* Both tables have the same size: a power of two, never less than there are inodes. */
struct inode_table {
	pthread_mutex_t lock;
	struct inode **by_id;
	struct inode **by_name;
	uint64_t mask;
	uint64_t count;
	struct inode root;
};

extern struct inode_table inode_table;

static inline uint64_t inode_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ull;
	return x ^ x >> 29;
}

/** Takes what nobody refers to out of the tables, up through its parents, into a list. */
struct inode *inode_reap(struct inode *inode);

/** Frees such a list; outside the lock. */
void inode_bury(struct inode *dead);

void inode_free_name(struct inode *inode);

/** Makes a name found, or not found any more. */
void inode_list(struct inode *inode);
void inode_unlist(struct inode *inode);

/**
 * Gives the inode a name; listed: it is to be found by it. Whoever bore it before lost it,
 * behind our back. Without memory the old name stays: paths are stale then, nothing else.
 * Returns the dead.
 */
struct inode *inode_rename_to(struct inode *inode, struct inode *dir, const char *name,
		size_t len, bool listed);

#endif
