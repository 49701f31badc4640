/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every part of vex-fuse knows of the mirror: its options and the few things that are
 * opened once, at start. All of it is read-only while the file system runs.
 */
#ifndef VEX_FUSE_MIRROR_H
#define VEX_FUSE_MIRROR_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum cache_mode {
	CACHE_NONE,   /**< every read and write comes here */
	CACHE_AUTO,   /**< pages are kept while a file is open, and dropped when it changed */
	CACHE_ALWAYS, /**< the kernel trusts what it knows: nobody changes SOURCE beneath */
};

struct mirror_options {
	const char *source;
	const char *mountpoint;
	const char *socket; /**< NULL: libvex's default */
	const char *name;   /**< of the port; NULL: "fuse:" and the mount point */
	double timeout;     /**< seconds that names and attributes are cached */
	uint64_t lane_size; /**< bytes; 0: libvex's default */
	uint32_t wait_us;
	uint32_t threads;
	enum cache_mode cache;
	uint32_t reverse_rate; /**< events a second that are taken back */
	bool reverse;
	bool timeout_given;
	bool writeback;
	bool wait; /**< a full lane makes the worker wait, up to wait_us */
	bool events;
	bool daemon;
	bool read_only;
	bool private; /**< for whoever started it alone */
};

struct mirror {
	struct mirror_options options;
	char *mountpoint;   /**< absolute, no symbolic links: the prefix of every path */
	size_t mountpoint_len;
	char source[PATH_MAX]; /**< as the kernel names it, whatever was given */
	size_t source_len;
	int source_fd;      /**< O_PATH */
	int proc_fd;        /**< /proc/self/fd, through which O_PATH descriptors are reopened */
	uint64_t source_dev;
	uint64_t mount_dev; /**< of the mirror itself; 0: not known */
	uint64_t mount_flags; /**< ST_* of the file system beneath */
	uint64_t started_ns;
	bool privileged;    /**< may act as any user */
	struct fuse_session *session;
};

extern struct mirror mirror;

/** The operations of libfuse's low-level API, as the ops_*.c files implement them. */
extern const struct fuse_lowlevel_ops mirror_ops;

#endif
