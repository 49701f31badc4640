/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inodes that the kernel knows of, found by device and number and by name, and the paths
 * of both. One short mutex guards all of it; nothing that can block happens under it.
 *
 * An inode holds an O_PATH descriptor. While that is open the file beneath keeps its number,
 * so device and number identify it. An inode lives as long as the kernel counts lookups of
 * it, or anyone holds it: its children (for their paths) or its locks.
 */
#ifndef VEX_FUSE_INODE_H
#define VEX_FUSE_INODE_H

#include <sys/stat.h>

#include "mirror.h"

/** Bytes of names that need no memory of their own, the NUL included. */
#define INODE_NAME_SHORT 32u

struct inode {
	struct inode *id_next;
	struct inode *name_next;
	struct inode *parent; /**< by the last known name; NULL: the root */
	char *name; /**< short_name, or on the heap */
	uint64_t dev;
	uint64_t ino;
	uint64_t nlookup;   /**< references of the kernel's */
	uint32_t holds;     /**< references of our own */
	uint32_t name_hash;
	int fd;             /**< O_PATH */
	uint32_t mode;      /**< as last seen; its type never changes; atomic */
	uint16_t name_len;
	bool listed;        /**< the name is valid, and found by inode_describe_child() */
	uint32_t lock_owners; /**< that hold POSIX locks; atomic */
	uint32_t opens;     /**< handles of it; atomic */
	uint32_t seen_s;    /**< when it was looked up last, by inode_clock_s() */
	uint16_t denied;    /**< ST_* of its mount beneath that SOURCE's has not; atomic */
	char short_name[INODE_NAME_SHORT];
};

/** What an event says of a file. The path stands in the caller's buffer. */
struct inode_view {
	uint64_t dev;
	uint64_t ino; /**< 0: not known */
	uint64_t parent_ino;
	uint32_t mode;
	const char *path;
	size_t path_len;
};

#define INODE_PATH_CAP PATH_MAX
/** Of a name, which newer kernels pass on whatever its length, an event has so many bytes. */
#define INODE_NAME_TOLD 1024u
/** Longest mount point: such a name, and the mark of a cut, fit behind it. */
#define INODE_MOUNTPOINT_MAX (INODE_PATH_CAP - INODE_NAME_TOLD - 16u)

/** Makes the root inode of it, which takes fd over. 0 or -ENOMEM. */
int inode_setup(int fd, const struct stat *st);
void inode_teardown(void);

struct inode *inode_of(fuse_ino_t ino);
fuse_ino_t inode_id(const struct inode *inode);

/** Whether the name belongs to an inode that is known; a hint, as it may change at once. */
bool inode_name_known(const struct inode *dir, const char *name);

/**
 * The inode with this device and number, counted up by one lookup under its (new) name; NULL
 * where there is none.
 */
struct inode *inode_enter_known(struct inode *dir, const char *name, const struct stat *st);

/** Likewise, but makes it where it is new. Takes fd over in any case. NULL: no memory. */
struct inode *inode_enter(struct inode *dir, const char *name, int fd, const struct stat *st,
		uint16_t denied);

/** One more lookup of an inode that the kernel holds. */
void inode_count(struct inode *inode);

/** Takes back count lookups. */
void inode_forget(struct inode *inode, uint64_t count);

/** Keeps an inode in memory without the kernel's doing. */
void inode_hold(struct inode *inode);
void inode_drop(struct inode *inode);

/** A file that has no name yet (O_TMPFILE) gets one, or one that lost its name. */
void inode_name_if_lost(struct inode *inode, struct inode *dir, const char *name);

/** The name is gone; its inode keeps it as the last known one. */
void inode_unlinked(struct inode *dir, const char *name);

/** As of renameat2(2). */
void inode_renamed(struct inode *dir, const char *name, struct inode *newdir,
		const char *newname, unsigned int flags);

/**
 * buf has INODE_PATH_CAP bytes. Of a path too long, "//..." stands for the names before the last
 * that did not fit.
 */
void inode_describe(struct inode *inode, char *buf, struct inode_view *view);
void inode_describe_child(struct inode *dir, const char *name, char *buf,
		struct inode_view *view);

/** Where a path leads, as far as the kernel was told; both inodes are held until inode_leave(). */
struct inode_place {
	struct inode *dir;  /**< NULL: it is the root */
	struct inode *file; /**< NULL: not known */
	char name[NAME_MAX + 1];
	size_t name_len;
};

/**
 * Finds a path within the mirror, without a slash at either end; empty: the root. False where its
 * directory is not known, or where it is no path of plain names. Nothing is looked up beneath.
 */
bool inode_locate(const char *path, size_t len, struct inode_place *place);
void inode_leave(const struct inode_place *place);

/** How many inodes there are. */
uint64_t inode_total(void);

/** Seconds of a clock that never goes back. */
uint32_t inode_clock_s(void);

/**
 * Up to cap files that nothing but the kernel's cache keeps and that were not looked up since
 * before_s: the ids of their directories, and their names. Goes round the table from *cursor.
 */
struct inode_victim {
	fuse_ino_t dir;
	char name[INODE_NAME_TOLD + 1];
	size_t name_len;
};
size_t inode_victims(uint64_t *cursor, uint32_t before_s, struct inode_victim *victims,
		size_t cap);

#endif
