/* SPDX-License-Identifier: BSD-3-Clause */
#include "ops.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "inode_table.h"

uint64_t shown_ino(uint64_t dev, uint64_t ino)
{
	if (dev == mirror.source_dev)
		return ino;
	return ino ^ inode_mix(dev) << 40;
}

struct stat shown(const struct stat *st)
{
	struct stat copy = *st;

	copy.st_ino = shown_ino(st->st_dev, st->st_ino);
	return copy;
}

void entry_fill(struct fuse_entry_param *entry, const struct inode *inode, const struct stat *st)
{
	memset(entry, 0, sizeof(*entry));
	entry->ino = inode_id(inode);
	entry->generation = 1;
	entry->attr = shown(st);
	entry->attr_timeout = mirror.options.timeout;
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
	*inode = inode_enter(dir, name, fd, st);
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
