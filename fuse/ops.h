/* SPDX-License-Identifier: BSD-3-Clause */
/* What the ops_*.c files share, and the operations that they bring. */
#ifndef VEX_FUSE_OPS_H
#define VEX_FUSE_OPS_H

#include <fcntl.h>
#include <stdio.h>

#include "emit.h"

/** The name of an O_PATH descriptor beneath mirror.proc_fd. */
struct proc_name {
	char text[16];
};

static inline struct proc_name proc_name(int fd)
{
	struct proc_name name;

	snprintf(name.text, sizeof(name.text), "%d", fd);
	return name;
}

/** Likewise, for calls that take no directory. */
struct proc_path {
	char text[40];
};

static inline struct proc_path proc_path(int fd)
{
	struct proc_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

/** Opens what an O_PATH descriptor stands for. */
static inline int reopen(int fd, int flags)
{
	return openat(mirror.proc_fd, proc_name(fd).text, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
}

/**
 * Attributes as the mirror shows them: those beneath. Where further file systems are mounted
 * in SOURCE, their inode numbers are moved apart, since the mirror is one device; and what
 * their mounts deny (nosuid, nodev, noexec) is left out of mode and device.
 */
struct stat shown(const struct inode *inode, const struct stat *st);
uint64_t shown_ino(uint64_t dev, uint64_t ino);

/**
 * Finds a name beneath, and counts a lookup of its inode. st: as beneath. 0, or an errno;
 * nothing is counted then.
 */
int entry_find(struct inode *dir, const char *name, struct fuse_entry_param *entry,
		struct stat *st);

/** Fills what the kernel is told of an inode. */
void entry_fill(struct fuse_entry_param *entry, const struct inode *inode,
		const struct stat *st);

/** Flags for the open beneath, of those that the caller gave. */
int flags_beneath(int flags);

/** What the cache mode makes of an open file. */
void cache_file(struct fuse_file_info *fi);

void do_init(void *userdata, struct fuse_conn_info *conn);
void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void do_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void do_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void do_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void do_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void do_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void do_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);
void do_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void do_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void do_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		const char *newname, unsigned int flags);

void do_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		struct fuse_file_info *fi);
void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void do_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void do_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void do_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void do_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		struct fuse_file_info *fi);
void do_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		struct fuse_file_info *fi);
void do_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
		struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
		struct fuse_file_info *fi_out, size_t len, int flags);
void do_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);

void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void do_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi);
void do_readlink(fuse_req_t req, fuse_ino_t ino);
void do_access(fuse_req_t req, fuse_ino_t ino, int mask);
void do_statfs(fuse_req_t req, fuse_ino_t ino);

void do_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi);
void do_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi);
void do_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void do_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

void do_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		size_t size, int flags);
void do_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void do_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void do_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

void do_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock);
void do_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
		int sleep);
void do_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op);

void do_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		struct fuse_file_info *fi, unsigned int flags, const void *in_buf,
		size_t in_size, size_t out_size);

#endif
