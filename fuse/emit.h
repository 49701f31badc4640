/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One event for each operation.
 *
 *   op_begin(&op, req, VEX_DELETE);      what happens, when, and who asked for it
 *   op_child(&op, dir, name);            to what: all of it before the reply, after which
 *   ...                                  the kernel may forget the inode, and the caller die
 *   op_result(&op, -errno);              how it ended, and how long it took
 *   op_emit(&op);                        published before the caller can go on, so that what it
 *   fuse_reply_...(req, ...);            does next stands behind it, in whatever lane
 *
 * With events off, all of these return at once. An op belongs to one thread.
 */
#ifndef VEX_FUSE_EMIT_H
#define VEX_FUSE_EMIT_H

#include "caller.h"
#include "handle.h"
#include "inode.h"
#include "vex/vex.h"

struct op {
	bool on;
	struct caller caller;
	struct vex_event event;
	struct vex_pair pair;
	char path[INODE_PATH_CAP];
	char path2[INODE_PATH_CAP];
};

/**
 * Opens the port, with a lane for each of this many workers. Without a data plane too: lanes
 * keep events until they are full, and libvex looks for one. 0, or an exit code once it has
 * said why: VEX_EXIT_CONFIG where the data plane does not take what was asked for.
 */
int emit_start(uint32_t workers);

/** What vexctl shows the mirror as, into name (VEX_NAME_MAX bytes). */
void emit_name(char *name);

/** Publishes what is left, and detaches. */
void emit_stop(void);

/** The calling thread publishes through the lane of this number, 0 to workers - 1. */
void emit_use_lane(uint32_t worker);

/** The mount as a whole: MOUNT or UNMOUNT. */
void emit_mount(enum vex_type type);

void op_begin(struct op *op, fuse_req_t req, enum vex_type type);

/** For requests that the kernel makes in nobody's name: whoever used the handle last. */
void op_user(struct op *op, struct handle *handle);

/** The handle's user is from now on the caller. */
void op_remember(const struct op *op, struct handle *handle);

void op_inode(struct op *op, struct inode *inode);
void op_child(struct op *op, struct inode *dir, const char *name);

/** The second path. */
void op_inode2(struct op *op, struct inode *inode);
void op_child2(struct op *op, struct inode *dir, const char *name);

/** bytes live until op_emit(). */
void op_text2(struct op *op, const char *bytes, size_t len);

/** name and value live until op_emit(). */
void op_pair(struct op *op, const char *name, const void *value, size_t len);

void op_stat(struct op *op, const struct stat *st);
void op_flags(struct op *op, uint32_t flags);
void op_mode(struct op *op, uint32_t mode);
void op_range(struct op *op, uint64_t offset, uint64_t size);

/** result: 0 or a count, or a negative errno. */
void op_result(struct op *op, int64_t result);
void op_emit(struct op *op);

/** The same operation once more, under a further type. */
void op_emit_as(struct op *op, enum vex_type type);

/** result, event and reply of what is answered by 0 or an error alone; err as of errno. */
void op_finish(struct op *op, fuse_req_t req, int err);

#endif
