/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents: read, written, allocated, copied, sought. */
#include "ops.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "creds.h"
#include "loop.h"
#include "splice.h"

/* The answer to a copy has 32 bits for its length. */
#define COPY_MAX 0x7ffff000u

/* A read that can be spliced. False: nothing was answered, nor told. */
static bool read_spliced(fuse_req_t req, struct op *op, int fd, size_t size, off_t off)
{
	ssize_t n = size >= SPLICE_MIN ? loop_splice_begin(fd, size, off) : -1;

	if (n < 0)
		return false;
	op_result(op, n);
	op_emit(op);
	loop_splice_reply(req, fd, (size_t)n, off);
	return true;
}

void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);
	char *buf = loop_buffer();
	struct op op;
	ssize_t n;

	op_begin(&op, req, VEX_READ);
	op_inode(&op, inode_of(ino));
	op_user(&op, handle);
	op_range(&op, (uint64_t)off, size);
	if (read_spliced(req, &op, handle->fd, size, off))
		return;
	n = pread(handle->fd, buf, size < LOOP_IO_MAX ? size : LOOP_IO_MAX, off);
	if (n < 0) {
		op_finish(&op, req, errno);
		return;
	}
	op_result(&op, n);
	op_emit(&op);
	fuse_reply_buf(req, buf, (size_t)n);
}

/* Where it came to stand is the position then: two appends never run at once, nor does a seek. */
static ssize_t append_beneath(const struct handle *handle, const char *buf, size_t size,
		struct op *op)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = size};
	ssize_t n = pwritev2(handle->fd, &iov, 1, -1, RWF_APPEND);

	if (n >= 0 && op->on)
		op_range(op, (uint64_t)(lseek(handle->fd, 0, SEEK_CUR) - n), size);
	return n;
}

static ssize_t write_beneath(const struct handle *handle, const char *buf, size_t size,
		off_t off, const struct fuse_file_info *fi, struct op *op)
{
	if ((fi->flags & O_APPEND) && !mirror.options.writeback && !fi->writepage)
		return append_beneath(handle, buf, size, op);
	return pwrite(handle->fd, buf, size, off);
}

/* Whose pages these are nobody knows any more; what the kernel took already must find room. */
static const struct fuse_ctx kernel;

void do_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);
	bool kills = loop_kills_setid() && creds_kills_setid(handle->fd);
	struct op op;
	ssize_t n;

	op_begin(&op, req, VEX_WRITE);
	op_inode(&op, inode_of(ino));
	op_user(&op, handle);
	op_range(&op, (uint64_t)off, size);
	op_flags(&op, (uint32_t)fi->flags);
	creds_become_user(fi->writepage ? &kernel : fuse_req_ctx(req));
	if (kills)
		creds_give_up_setid(req);
	n = write_beneath(handle, buf, size, off, fi, &op);
	if (kills)
		creds_restore();
	if (n < 0) {
		op_finish(&op, req, errno);
		return;
	}
	op_result(&op, n);
	op_emit(&op);
	fuse_reply_write(req, (size_t)n);
}

/* The kernel does not say whether set-id bits must fall; uid 0 may keep them. */
static bool gives_up_for(fuse_req_t req, int fd)
{
	return fuse_req_ctx(req)->uid != 0 && creds_kills_setid(fd);
}

void do_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		struct fuse_file_info *fi)
{
	int fd = handle_of(fi)->fd;
	bool kills = gives_up_for(req, fd);
	struct op op;
	int err;

	op_begin(&op, req, VEX_FALLOCATE);
	op_inode(&op, inode_of(ino));
	op_range(&op, (uint64_t)offset, (uint64_t)length);
	op_flags(&op, (uint32_t)mode);
	creds_become_user(fuse_req_ctx(req));
	if (kills)
		creds_give_up_setid(req);
	err = fallocate(fd, mode, offset, length) < 0 ? errno : 0;
	if (kills)
		creds_restore();
	op_finish(&op, req, err);
}

void do_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
		struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
		struct fuse_file_info *fi_out, size_t len, int flags)
{
	int fd = handle_of(fi_out)->fd;
	bool kills = gives_up_for(req, fd);
	struct op op;
	ssize_t n;

	op_begin(&op, req, VEX_COPY_FILE_RANGE);
	op_inode(&op, inode_of(ino_out));
	op_inode2(&op, inode_of(ino_in));
	op_range(&op, (uint64_t)off_out, len);
	creds_become_user(fuse_req_ctx(req));
	if (kills)
		creds_give_up_setid(req);
	n = copy_file_range(handle_of(fi_in)->fd, &off_in, fd, &off_out,
			len < COPY_MAX ? len : COPY_MAX, (unsigned int)flags);
	if (kills)
		creds_restore();
	if (n < 0) {
		op_finish(&op, req, errno);
		return;
	}
	op_result(&op, n);
	op_emit(&op);
	fuse_reply_write(req, (size_t)n);
}

/* The position of the descriptor beneath serves nothing else but to tell where appends stand. */
void do_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct op op;
	off_t to;

	op_begin(&op, req, VEX_LSEEK);
	op_inode(&op, inode_of(ino));
	op_range(&op, (uint64_t)off, 0);
	op_flags(&op, (uint32_t)whence);
	to = lseek(handle_of(fi)->fd, off, whence);
	if (to < 0) {
		op_finish(&op, req, errno);
		return;
	}
	op_range(&op, (uint64_t)off, (uint64_t)to);
	op_result(&op, to);
	op_emit(&op);
	fuse_reply_lseek(req, to);
}
