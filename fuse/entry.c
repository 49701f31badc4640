/* SPDX-License-Identifier: BSD-3-Clause */
#include "ops.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "inode_table.h"

uint64_t shown_ino(uint64_t dev, uint64_t ino)
{
	if (dev == mirror.source_dev)
		return ino;
	return ino ^ inode_mix(dev) << 40;
}

static void leave_out(struct stat *st, uint16_t denied)
{
	if ((denied & ST_NODEV) && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)))
		st->st_rdev = 0;
	if (!S_ISREG(st->st_mode))
		return;
	if (denied & ST_NOSUID)
		st->st_mode &= ~(mode_t)(S_ISUID | S_ISGID);
	if (denied & ST_NOEXEC)
		st->st_mode &= ~(mode_t)(S_IXUSR | S_IXGRP | S_IXOTH);
}

struct stat shown(const struct inode *inode, const struct stat *st)
{
	uint16_t denied = VEX_LOAD_RELAXED(&inode->denied);
	struct stat copy = *st;

	copy.st_ino = shown_ino(st->st_dev, st->st_ino);
	if (VEX_UNLIKELY(denied))
		leave_out(&copy, denied);
	return copy;
}

/* A file of several names is looked up by each that is used, so that its events bear that one. */
void entry_fill(struct fuse_entry_param *entry, const struct inode *inode, const struct stat *st)
{
	memset(entry, 0, sizeof(*entry));
	entry->ino = inode_id(inode);
	entry->generation = 1;
	entry->attr = shown(inode, st);
	entry->attr_timeout = mirror.options.timeout;
	if (st->st_nlink <= 1 || S_ISDIR(st->st_mode))
		entry->entry_timeout = mirror.options.timeout;
}

/* What is known already needs no descriptor. NULL: it is not, or not by that name. */
static struct inode *find_known(struct inode *dir, const char *name, struct stat *st)
{
	if (!inode_name_known(dir, name))
		return NULL;
	if (fstatat(dir->fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	return inode_enter_known(dir, name, st);
}

/* A file may be a mount of its own; asked of what a mount could deny something. */
static bool is_mount_root(int fd, mode_t mode)
{
	struct statx stx;

	if (S_ISREG(mode) ? !(mode & (S_ISUID | S_ISGID | S_IXUSR | S_IXGRP | S_IXOTH))
			  : S_ISLNK(mode))
		return false;
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx) == 0 &&
			(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* What its mount denies, and SOURCE's does not: the mirror's own mount does that as well. */
static uint16_t denied_by_mount(const struct inode *dir, int fd, const struct stat *st)
{
	struct statvfs fs;

	if (st->st_dev == dir->dev && !is_mount_root(fd, st->st_mode))
		return VEX_LOAD_RELAXED(&dir->denied);
	if (fstatvfs(fd, &fs) < 0)
		fs.f_flag = ST_NOSUID | ST_NODEV | ST_NOEXEC;
	return (uint16_t)(fs.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC) & ~mirror.mount_flags);
}

static int find_new(struct inode *dir, const char *name, struct stat *st, struct inode **inode)
{
	int fd = openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0)
		return errno;
	if (fstat(fd, st) < 0) {
		err = errno;
		close(fd);
		return err;
	}
	*inode = inode_enter(dir, name, fd, st, denied_by_mount(dir, fd, st));
	return *inode ? 0 : ENOMEM;
}

int entry_find(struct inode *dir, const char *name, struct fuse_entry_param *entry,
		struct stat *st)
{
	struct inode *inode = find_known(dir, name, st);
	int err;

	if (!inode) {
		err = find_new(dir, name, st, &inode);
		if (err)
			return err;
	}
	entry_fill(entry, inode, st);
	return 0;
}
