/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks: of records, as POSIX has them, and of whole files, as BSD does. */
#include "ops.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>

#include "locks.h"
#include "waiter.h"

/* A lock that has to be waited for. */
struct pending {
	uint64_t start_ns;
	struct inode *inode;
	struct handle *handle;      /* flock */
	int operation;              /* flock */
	struct lock_owner *waiting; /* record lock */
	struct flock lock;          /* record lock */
};

static void begin_record(struct op *op, fuse_req_t req, struct inode *inode,
		const struct flock *lock, enum vex_type type)
{
	op_begin(op, req, type);
	op_inode(op, inode);
	op_range(op, (uint64_t)lock->l_start, (uint64_t)lock->l_len);
	op_flags(op, (uint32_t)lock->l_type);
}

void do_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock)
{
	struct inode *inode = inode_of(ino);
	struct op op;
	int err;

	begin_record(&op, req, inode, lock, VEX_GETLOCK);
	err = locks_test(inode, fi->lock_owner, handle_of(fi), lock);
	if (err) {
		op_finish(&op, req, err);
		return;
	}
	op_result(&op, 0);
	op_emit(&op);
	fuse_reply_lock(req, lock);
}

static int wait_record(void *arg)
{
	struct pending *pending = arg;
	struct flock lock = pending->lock;

	lock.l_pid = 0;
	return fcntl(locks_wait_fd(pending->waiting), F_OFD_SETLKW, &lock) < 0 ? errno : 0;
}

static void restart_clock(struct op *op, const struct pending *pending)
{
	if (op->on && pending->start_ns)
		op->event.start_ns = pending->start_ns;
}

static void done_record(fuse_req_t req, void *arg, int err)
{
	struct pending *pending = arg;
	struct op op;

	begin_record(&op, req, pending->inode, &pending->lock, VEX_LOCK);
	restart_clock(&op, pending);
	locks_wait_end(pending->waiting, &pending->lock, err);
	op_finish(&op, req, err);
	free(pending);
}

static int start_record(fuse_req_t req, struct inode *inode, const struct fuse_file_info *fi,
		const struct flock *lock, uint64_t start_ns)
{
	struct pending *pending = calloc(1, sizeof(*pending));
	int err;

	if (!pending)
		return ENOMEM;
	pending->start_ns = start_ns;
	pending->inode = inode;
	pending->lock = *lock;
	err = locks_wait_begin(inode, fi->lock_owner, handle_of(fi), lock, &pending->waiting);
	if (!err) {
		err = waiter_start(req, wait_record, done_record, pending);
		if (err)
			locks_wait_end(pending->waiting, lock, err);
	}
	if (err)
		free(pending);
	return err;
}

void do_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
		int sleep)
{
	struct inode *inode = inode_of(ino);
	struct op op;
	int err;

	begin_record(&op, req, inode, lock, VEX_LOCK);
	err = locks_set(inode, fi->lock_owner, handle_of(fi), lock);
	if (err == EAGAIN && sleep) {
		err = start_record(req, inode, fi, lock, op.event.start_ns);
		if (!err)
			return; /* its thread answers */
	}
	op_finish(&op, req, err);
}

static void begin_flock(struct op *op, fuse_req_t req, struct inode *inode, int operation)
{
	op_begin(op, req, VEX_FLOCK);
	op_inode(op, inode);
	op_flags(op, (uint32_t)operation);
}

static int wait_flock(void *arg)
{
	struct pending *pending = arg;

	return flock(pending->handle->fd, pending->operation) < 0 ? errno : 0;
}

static void done_flock(fuse_req_t req, void *arg, int err)
{
	struct pending *pending = arg;
	struct op op;

	begin_flock(&op, req, pending->inode, pending->operation);
	restart_clock(&op, pending);
	op_finish(&op, req, err);
	free(pending);
}

static int start_flock(fuse_req_t req, struct inode *inode, struct handle *handle, int operation,
		uint64_t start_ns)
{
	struct pending *pending = calloc(1, sizeof(*pending));
	int err;

	if (!pending)
		return ENOMEM;
	*pending = (struct pending){.start_ns = start_ns, .inode = inode, .handle = handle,
		.operation = operation};
	err = waiter_start(req, wait_flock, done_flock, pending);
	if (err)
		free(pending);
	return err;
}

void do_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int operation)
{
	struct handle *handle = handle_of(fi);
	struct inode *inode = inode_of(ino);
	struct op op;
	int err;

	begin_flock(&op, req, inode, operation);
	err = flock(handle->fd, operation | LOCK_NB) < 0 ? errno : 0;
	if (err == EWOULDBLOCK && !(operation & LOCK_NB)) {
		err = start_flock(req, inode, handle, operation, op.event.start_ns);
		if (!err)
			return; /* its thread answers */
	}
	op_finish(&op, req, err);
}
