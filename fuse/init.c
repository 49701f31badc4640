/* SPDX-License-Identifier: BSD-3-Clause */
/* What is agreed with the kernel, and the table of operations. */
#include "ops.h"

#include "loop.h"

/* Read-ahead and asynchronous direct requests that may be under way at once. */
#define BACKGROUND_MAX 64u

static void want(struct fuse_conn_info *conn, unsigned int capability)
{
	conn->want |= conn->capable & capability;
}

void do_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	want(conn, FUSE_CAP_DONT_MASK);
	if (!mirror.options.private)
		want(conn, FUSE_CAP_POSIX_ACL); /* which makes the kernel check permissions */
	/* Its successor, without which each write asks for security.capability: see loop.c. */
	conn->want &= ~(unsigned int)FUSE_CAP_HANDLE_KILLPRIV;
	/* The parts of one large write with O_DIRECT and O_APPEND are to come one after the other. */
	conn->want &= ~(unsigned int)FUSE_CAP_ASYNC_DIO;
	if (mirror.options.cache == CACHE_ALWAYS)
		want(conn, FUSE_CAP_CACHE_SYMLINKS);
	if (mirror.options.writeback)
		want(conn, FUSE_CAP_WRITEBACK_CACHE);
	conn->max_write = LOOP_IO_MAX;
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX * 3 / 4;
}

/*
 * Left to the kernel: bmap, which it asks of block-device mounts alone; poll, since files are
 * always ready; retrieve_reply, since nothing is retrieved.
 */
const struct fuse_lowlevel_ops mirror_ops = {
	.init = do_init,
	.lookup = do_lookup,
	.forget = do_forget,
	.forget_multi = do_forget_multi,
	.getattr = do_getattr,
	.setattr = do_setattr,
	.readlink = do_readlink,
	.mknod = do_mknod,
	.mkdir = do_mkdir,
	.unlink = do_unlink,
	.rmdir = do_rmdir,
	.symlink = do_symlink,
	.rename = do_rename,
	.link = do_link,
	.open = do_open,
	.read = do_read,
	.write = do_write,
	.flush = do_flush,
	.release = do_release,
	.fsync = do_fsync,
	.opendir = do_opendir,
	.readdir = do_readdir,
	.readdirplus = do_readdirplus,
	.releasedir = do_releasedir,
	.fsyncdir = do_fsyncdir,
	.statfs = do_statfs,
	.setxattr = do_setxattr,
	.getxattr = do_getxattr,
	.listxattr = do_listxattr,
	.removexattr = do_removexattr,
	.access = do_access,
	.create = do_create,
	.getlk = do_getlk,
	.setlk = do_setlk,
	.flock = do_flock,
	.ioctl = do_ioctl,
	.fallocate = do_fallocate,
	.copy_file_range = do_copy_file_range,
	.lseek = do_lseek,
};
