/* SPDX-License-Identifier: BSD-3-Clause */
/* Open files: created, opened, flushed, synchronised, closed. */
#include "ops.h"

#include <errno.h>
#include <unistd.h>

#include "creds.h"
#include "locks.h"
#include "loop.h"

/*
 * O_APPEND is done write by write, since fcntl(2) can change it at any time. O_DIRECT speaks
 * of the kernel's cache above us: our own buffers are not aligned as it asks for.
 */
int flags_beneath(int flags)
{
	flags &= ~(O_APPEND | O_DIRECT);
	if (mirror.options.writeback && (flags & O_ACCMODE) == O_WRONLY)
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return flags;
}

void cache_file(struct fuse_file_info *fi)
{
	fi->direct_io = mirror.options.cache == CACHE_NONE;
	fi->keep_cache = mirror.options.cache == CACHE_ALWAYS;
}

/*
 * A name that came to be since the kernel looked is never opened here: the kernel takes whatever
 * is answered to a create for a new file, and checks no permission. It is to look again.
 */
static int create_beneath(struct inode *dir, const char *name, int flags, mode_t mode)
{
	int fd;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return openat(dir->fd, ".", flags_beneath(flags) | O_CLOEXEC, mode);
	fd = openat(dir->fd, name,
			flags_beneath(flags) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST && !(flags & O_EXCL))
		errno = ESTALE;
	return fd;
}

/* The O_PATH descriptor of a file just opened; by its name where that still leads there. */
static int path_of(struct inode *dir, const char *name, bool named, int fd,
		const struct stat *st)
{
	struct stat found;
	int path_fd = named ? openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;

	if (path_fd >= 0) {
		if (fstat(path_fd, &found) == 0 && found.st_ino == st->st_ino &&
				found.st_dev == st->st_dev)
			return path_fd;
		close(path_fd);
	}
	return openat(mirror.proc_fd, proc_name(fd).text, O_PATH | O_CLOEXEC);
}

/* As /proc shows files without a name. */
static struct inode *enter_created(struct inode *dir, const char *name, bool named, int fd,
		const struct stat *st)
{
	int path_fd = path_of(dir, name, named, fd, st);
	char number[24];

	if (path_fd < 0)
		return NULL;
	snprintf(number, sizeof(number), "#%lu", (unsigned long)st->st_ino);
	return inode_enter(dir, named ? name : number, path_fd, st,
			VEX_LOAD_RELAXED(&dir->denied));
}

static int create(struct inode *dir, const char *name, mode_t mode, struct fuse_file_info *fi,
		struct fuse_entry_param *entry, struct stat *st)
{
	bool named = (fi->flags & O_TMPFILE) != O_TMPFILE;
	int fd = create_beneath(dir, name, fi->flags, mode);
	struct handle *handle;
	struct inode *inode;

	if (fd < 0)
		return errno;
	inode = fstat(fd, st) == 0 ? enter_created(dir, name, named, fd, st) : NULL;
	if (!inode) {
		int err = errno;

		close(fd);
		return err;
	}
	handle = handle_new(inode, fd, fi->flags, 0);
	if (!handle) {
		inode_forget(inode, 1);
		return ENOMEM;
	}
	fi->fh = (uintptr_t)handle;
	cache_file(fi);
	entry_fill(entry, inode, st);
	return 0;
}

static void reply_create(fuse_req_t req, const struct fuse_entry_param *entry,
		const struct fuse_file_info *fi)
{
	if (fuse_reply_create(req, entry, fi) < 0) {
		handle_free(handle_of(fi));
		inode_forget(inode_of(entry->ino), 1);
	}
}

void do_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		struct fuse_file_info *fi)
{
	bool named = (fi->flags & O_TMPFILE) != O_TMPFILE;
	struct inode *dir = inode_of(parent);
	struct fuse_entry_param entry;
	struct stat st;
	struct op op;
	int err;

	op_begin(&op, req, named ? VEX_CREATE : VEX_TMPFILE);
	if (named)
		op_child(&op, dir, name);
	else
		op_inode(&op, dir); /* where it fails */
	op_flags(&op, (uint32_t)fi->flags);
	op_mode(&op, mode);
	creds_become(fuse_req_ctx(req));
	err = create(dir, name, mode, fi, &entry, &st);
	if (err) {
		op_finish(&op, req, err);
		return;
	}
	if (!named)
		op_inode(&op, inode_of(entry.ino));
	op_flags(&op, (uint32_t)fi->flags);
	op_stat(&op, &st);
	op_remember(&op, handle_of(fi));
	op_result(&op, 0);
	op_emit(&op);
	reply_create(req, &entry, fi);
}

/* A file that is for appending alone (chattr +a) wants O_APPEND; --writeback can't give it. */
static int open_beneath(int fd, int flags)
{
	int opened = reopen(fd, flags_beneath(flags));

	if (opened < 0 && errno == EPERM && (flags & O_APPEND) && !mirror.options.writeback)
		opened = reopen(fd, flags_beneath(flags) | O_APPEND);
	return opened;
}

/* Devices, pipes and sockets are the kernel's own matter: it never asks us to open one. */
static int open_file(struct inode *inode, fuse_req_t req, struct fuse_file_info *fi)
{
	bool kills = (fi->flags & O_TRUNC) && loop_kills_setid() && creds_kills_setid(inode->fd);
	struct handle *handle;
	int fd;

	if (!S_ISREG(VEX_LOAD_RELAXED(&inode->mode)))
		return ENXIO;
	if (kills)
		creds_give_up_setid(req);
	fd = open_beneath(inode->fd, fi->flags);
	if (kills)
		creds_restore();
	if (fd < 0)
		return errno;
	handle = handle_new(inode, fd, fi->flags, 0);
	if (!handle)
		return ENOMEM;
	fi->fh = (uintptr_t)handle;
	cache_file(fi);
	return 0;
}

void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;
	int err;

	op_begin(&op, req, VEX_OPEN);
	op_inode(&op, inode_of(ino));
	op_flags(&op, (uint32_t)fi->flags);
	err = open_file(inode_of(ino), req, fi);
	if (err) {
		op_finish(&op, req, err);
		return;
	}
	op_remember(&op, handle_of(fi));
	op_result(&op, 0);
	op_emit(&op);
	if (fuse_reply_open(req, fi) < 0)
		handle_free(handle_of(fi));
}

/* Some file systems (NFS) write, and report errors, when any descriptor is closed. */
static int flush(const struct handle *handle)
{
	int copy;

	if ((handle->flags & O_ACCMODE) == O_RDONLY)
		return 0;
	copy = dup(handle->fd);
	if (copy < 0)
		return errno;
	return close(copy) < 0 ? errno : 0;
}

void do_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	struct op op;

	op_begin(&op, req, VEX_FLUSH);
	op_inode(&op, inode);
	op_remember(&op, handle_of(fi));
	locks_release(inode, fi->lock_owner);
	op_finish(&op, req, flush(handle_of(fi)));
}

void do_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);
	struct op op;

	op_begin(&op, req, VEX_CLOSE);
	op_inode(&op, inode_of(ino));
	op_flags(&op, (uint32_t)handle->flags);
	op_user(&op, handle);
	locks_release_handle(inode_of(ino), handle);
	handle_free(handle);
	op_finish(&op, req, 0);
}

void do_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	int fd = handle_of(fi)->fd;
	struct op op;

	op_begin(&op, req, VEX_SYNC);
	op_inode(&op, inode_of(ino));
	op_finish(&op, req, (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? errno : 0);
}
