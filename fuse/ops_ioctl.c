/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device control calls that mean something of a file itself: its flags, version and
 * project. The kernel has checked who may set them.
 */
#include "ops.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

union argument {
	unsigned int flags;
	long version;
	struct fsxattr attributes;
};

/* The kernel has copied as much in as the number of the call says. */
static size_t size_in(unsigned int cmd)
{
	switch (cmd) {
	case FS_IOC_SETFLAGS:
		return sizeof(unsigned int);
	case FS_IOC_FSSETXATTR:
		return sizeof(struct fsxattr);
	default:
		return 0;
	}
}

static size_t size_out(unsigned int cmd)
{
	switch (cmd) {
	case FS_IOC_GETFLAGS:
	case FS_IOC_GETVERSION:
		return sizeof(unsigned int);
	case FS_IOC_FSGETXATTR:
		return sizeof(struct fsxattr);
	default:
		return 0;
	}
}

static int call(int fd, unsigned int cmd, const void *in, size_t in_size, size_t out_size,
		union argument *argument)
{
	size_t takes = size_in(cmd), gives = size_out(cmd);

	if (!takes && !gives)
		return ENOTTY;
	if (in_size < takes || out_size < gives)
		return EINVAL;
	memset(argument, 0, sizeof(*argument));
	if (takes)
		memcpy(argument, in, takes);
	return ioctl(fd, cmd, argument) < 0 ? errno : 0;
}

void do_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		struct fuse_file_info *fi, unsigned int flags, const void *in_buf,
		size_t in_size, size_t out_size)
{
	union argument argument;
	struct op op;
	int err;

	(void)arg;
	op_begin(&op, req, VEX_IOCTL);
	op_inode(&op, inode_of(ino));
	op_flags(&op, cmd);
	err = flags & FUSE_IOCTL_COMPAT ? ENOTTY
					: call(handle_of(fi)->fd, cmd, in_buf, in_size, out_size,
							  &argument);
	if (err) {
		op_finish(&op, req, err);
		return;
	}
	op_result(&op, 0);
	op_emit(&op);
	fuse_reply_ioctl(req, 0, &argument, size_out(cmd));
}
