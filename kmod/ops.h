/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For ops_*.c. A hooked function's arguments are words to us; TAP_SIGNATURE() stops the build
 * where a kernel declares them otherwise than we read them.
 */
#ifndef VEX_TAP_OPS_H
#define VEX_TAP_OPS_H

#include "tap.h"

#ifdef TAP_HAVE_MNT_IDMAP
#define TAP_IDMAP struct mnt_idmap *
#else
#define TAP_IDMAP struct user_namespace *
#endif

#define TAP_SIGNATURE(name, returns, ...)                                                         \
	static_assert(__builtin_types_compatible_p(typeof(name), returns(__VA_ARGS__)),            \
		      #name "() has other arguments in this kernel: see ops_*.c")

/* Files that operations are told of: not pipes, sockets and character devices. */
static inline bool tap_is_file(const struct inode *inode)
{
	return S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode) || S_ISBLK(inode->i_mode);
}

/*
 * A file opened by a file system that stands on another, under the path of its own file: the
 * operation that it is part of is told already.
 */
static inline bool tap_is_beneath(const struct file *file)
{
#ifdef FMODE_BACKING
	if (file->f_mode & FMODE_BACKING)
		return true;
#endif
	return d_backing_inode(file->f_path.dentry) &&
	       file_inode(file) != d_backing_inode(file->f_path.dentry);
}

#endif
