/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directories. Entries are read beneath in batches that the handle keeps; an entry's offset
 * is the one of the file system beneath, so a position taken once stays good.
 */
#include "ops.h"

#include <dirent.h>
#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop.h"

#define BATCH 32768u

/* What getdents64(2) writes. */
struct entry_beneath {
	uint64_t ino;
	int64_t next; /* offset of the entry behind it */
	uint16_t size;
	uint8_t type;
	char name[];
};

void do_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	struct handle *handle;
	struct op op;
	int fd;

	op_begin(&op, req, VEX_OPENDIR);
	op_inode(&op, inode);
	op_flags(&op, (uint32_t)fi->flags);
	fd = reopen(inode->fd, O_RDONLY | O_DIRECTORY); /* by ".", it would have to be entered */
	handle = fd < 0 ? NULL : handle_new(inode, fd, fi->flags, BATCH);
	if (!handle) {
		op_finish(&op, req, fd < 0 ? errno : ENOMEM);
		return;
	}
	op_remember(&op, handle);
	fi->fh = (uintptr_t)handle;
	fi->cache_readdir = mirror.options.cache == CACHE_ALWAYS;
	fi->keep_cache = mirror.options.cache == CACHE_ALWAYS;
	op_result(&op, 0);
	op_emit(&op);
	if (fuse_reply_open(req, fi) < 0)
		handle_free(handle);
}

static int seek(struct handle *handle, off_t off)
{
	if (handle->dir_offset == off)
		return 0;
	handle->dir_at = 0;
	handle->dir_end = 0;
	handle->dir_offset = -1;
	if (lseek(handle->fd, off, SEEK_SET) < 0)
		return errno;
	handle->dir_offset = off;
	return 0;
}

/* The next entry, which stays the next one until step(). NULL: an error, or the end (0). */
static const struct entry_beneath *peek(struct handle *handle, int *err)
{
	*err = 0;
	if (handle->dir_at == handle->dir_end) {
		long n = syscall(SYS_getdents64, handle->fd, handle->dir_buf, BATCH);

		handle->dir_at = 0;
		handle->dir_end = n > 0 ? (uint32_t)n : 0;
		if (n <= 0) {
			*err = n < 0 ? errno : 0;
			return NULL;
		}
	}
	return (const struct entry_beneath *)(handle->dir_buf + handle->dir_at);
}

static void step(struct handle *handle, const struct entry_beneath *entry)
{
	handle->dir_at += entry->size;
	handle->dir_offset = entry->next;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static size_t add_plain(fuse_req_t req, char *buf, size_t room, struct inode *dir,
		const struct entry_beneath *entry)
{
	struct stat st = {.st_ino = shown_ino(dir->dev, entry->ino),
		.st_mode = DTTOIF(entry->type)};

	return fuse_add_direntry(req, buf, room, entry->name, &st, entry->next);
}

/* An entry that can't be looked up now is listed without its attributes. */
static size_t add_plus(fuse_req_t req, char *buf, size_t room, struct inode *dir,
		const struct entry_beneath *entry)
{
	size_t size = fuse_add_direntry_plus(req, NULL, 0, entry->name, NULL, 0);
	struct fuse_entry_param param;
	struct stat st;

	if (size > room)
		return size;
	if (is_dots(entry->name) || entry_find(dir, entry->name, &param, &st)) {
		memset(&param, 0, sizeof(param));
		param.attr.st_ino = shown_ino(dir->dev, entry->ino);
		param.attr.st_mode = DTTOIF(entry->type);
	}
	return fuse_add_direntry_plus(req, buf, room, entry->name, &param, entry->next);
}

/* The kernel did not take the answer: the lookups in it never happened. */
static void take_back(const char *buf, size_t size)
{
	size_t at = 0;

	while (at + FUSE_NAME_OFFSET_DIRENTPLUS < size) {
		const struct fuse_direntplus *plus = (const void *)(buf + at);

		if (plus->entry_out.nodeid)
			inode_forget(inode_of(plus->entry_out.nodeid), 1);
		at += FUSE_DIRENTPLUS_SIZE(plus);
	}
}

static ssize_t fill(fuse_req_t req, struct inode *dir, struct handle *handle, char *buf,
		size_t size, bool plus)
{
	const struct entry_beneath *entry;
	size_t used = 0;
	int err;

	while ((entry = peek(handle, &err))) {
		size_t need = plus ? add_plus(req, buf + used, size - used, dir, entry)
				   : add_plain(req, buf + used, size - used, dir, entry);

		if (need > size - used)
			break;
		used += need;
		step(handle, entry);
	}
	return err && !used ? -err : (ssize_t)used;
}

static void read_dir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi, bool plus)
{
	struct handle *handle = handle_of(fi);
	char *buf = loop_buffer();
	struct op op;
	ssize_t n;

	op_begin(&op, req, VEX_READDIR);
	op_inode(&op, inode_of(ino));
	op_range(&op, (uint64_t)off, size);
	n = -seek(handle, off);
	if (!n)
		n = fill(req, inode_of(ino), handle, buf, size < LOOP_IO_MAX ? size : LOOP_IO_MAX,
				plus);
	if (n < 0) {
		op_finish(&op, req, (int)-n);
		return;
	}
	op_result(&op, n);
	op_emit(&op);
	if (fuse_reply_buf(req, buf, (size_t)n) < 0 && plus)
		take_back(buf, (size_t)n);
}

void do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi)
{
	read_dir(req, ino, size, off, fi, false);
}

void do_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi)
{
	read_dir(req, ino, size, off, fi, true);
}

void do_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);
	struct op op;

	op_begin(&op, req, VEX_RELEASEDIR);
	op_inode(&op, inode_of(ino));
	op_user(&op, handle);
	handle_free(handle);
	op_finish(&op, req, 0);
}

void do_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	int fd = handle_of(fi)->fd;
	struct op op;

	op_begin(&op, req, VEX_SYNCDIR);
	op_inode(&op, inode_of(ino));
	op_finish(&op, req, (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? errno : 0);
}
