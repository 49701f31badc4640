/* SPDX-License-Identifier: BSD-3-Clause */
/* Names: found, made, given, changed and removed. */
#include "ops.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "creds.h"

static void reply_entry(fuse_req_t req, const struct fuse_entry_param *entry)
{
	/* The kernel never heard of it when the caller was interrupted. */
	if (fuse_reply_entry(req, entry) < 0)
		inode_forget(inode_of(entry->ino), 1);
}

/* The result, event and reply of what ends in an entry. */
static void finish_entry(struct op *op, fuse_req_t req, int err,
		const struct fuse_entry_param *entry, const struct stat *st)
{
	if (err) {
		op_finish(op, req, err);
		return;
	}
	op_stat(op, st);
	op_result(op, 0);
	op_emit(op);
	reply_entry(req, entry);
}

void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *dir = inode_of(parent);
	struct fuse_entry_param entry;
	struct stat st;
	struct op op;
	int err;

	op_begin(&op, req, VEX_LOOKUP);
	op_child(&op, dir, name);
	err = entry_find(dir, name, &entry, &st);
	if (err == ENOENT)
		inode_unlinked(dir, name);
	finish_entry(&op, req, err, &entry, &st);
}

static void forget_one(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct inode *inode = inode_of(ino);
	struct op op;

	op_begin(&op, req, VEX_FORGET);
	op_inode(&op, inode);
	inode_forget(inode, count);
	op_result(&op, 0);
	op_emit(&op);
}

void do_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	forget_one(req, ino, count);
	fuse_reply_none(req);
}

void do_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget_one(req, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* The last step of making something: error is what the call that made it returned. */
static void finish_made(struct op *op, fuse_req_t req, struct inode *dir, const char *name,
		int error)
{
	struct fuse_entry_param entry;
	struct stat st;
	int err = error < 0 ? errno : entry_find(dir, name, &entry, &st);

	finish_entry(op, req, err, &entry, &st);
}

void do_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct inode *dir = inode_of(parent);
	struct op op;

	op_begin(&op, req, VEX_MKNOD);
	op_child(&op, dir, name);
	op_mode(&op, mode);
	creds_become(fuse_req_ctx(req));
	finish_made(&op, req, dir, name, mknodat(dir->fd, name, mode, rdev));
}

void do_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct inode *dir = inode_of(parent);
	struct op op;

	op_begin(&op, req, VEX_MKDIR);
	op_child(&op, dir, name);
	op_mode(&op, S_IFDIR | mode);
	creds_become(fuse_req_ctx(req));
	finish_made(&op, req, dir, name, mkdirat(dir->fd, name, mode));
}

void do_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct inode *dir = inode_of(parent);
	struct op op;

	op_begin(&op, req, VEX_SYMLINK);
	op_child(&op, dir, name);
	op_text2(&op, target, strlen(target));
	creds_become(fuse_req_ctx(req));
	finish_made(&op, req, dir, name, symlinkat(target, dir->fd, name));
}

static int link_beneath(struct inode *inode, struct inode *dir, const char *name,
		struct stat *st)
{
	if (linkat(mirror.proc_fd, proc_name(inode->fd).text, dir->fd, name,
			AT_SYMLINK_FOLLOW) < 0)
		return errno;
	return fstat(inode->fd, st) < 0 ? errno : 0;
}

void do_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	struct inode *inode = inode_of(ino);
	struct inode *dir = inode_of(newparent);
	struct fuse_entry_param entry;
	struct stat st;
	struct op op;
	int err;

	op_begin(&op, req, VEX_LINK);
	op_inode(&op, inode);
	op_child2(&op, dir, newname);
	creds_become_user(fuse_req_ctx(req));
	err = link_beneath(inode, dir, newname, &st);
	if (!err) {
		inode_count(inode);
		inode_name_if_lost(inode, dir, newname);
		entry_fill(&entry, inode, &st);
	}
	finish_entry(&op, req, err, &entry, &st);
}

/* A name whose inode we know by another one (a hard link): its event needs the number. */
static void stat_if_unknown(struct op *op, struct inode *dir, const char *name)
{
	struct stat st;

	if (op->on && !op->event.ino && fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		op_stat(op, &st);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, enum vex_type type,
		int flags)
{
	struct inode *dir = inode_of(parent);
	struct op op;
	int err;

	op_begin(&op, req, type);
	op_child(&op, dir, name);
	stat_if_unknown(&op, dir, name);
	err = unlinkat(dir->fd, name, flags) < 0 ? errno : 0;
	if (!err)
		inode_unlinked(dir, name);
	op_finish(&op, req, err);
}

void do_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, VEX_DELETE, 0);
}

void do_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, VEX_RMDIR, AT_REMOVEDIR);
}

void do_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		const char *newname, unsigned int flags)
{
	struct inode *dir = inode_of(parent);
	struct inode *newdir = inode_of(newparent);
	struct op op;
	int err;

	op_begin(&op, req, VEX_RENAME);
	op_child(&op, dir, name);
	op_child2(&op, newdir, newname);
	op_flags(&op, flags);
	stat_if_unknown(&op, dir, name);
	creds_become_user(fuse_req_ctx(req));
	err = renameat2(dir->fd, name, newdir->fd, newname, flags) < 0 ? errno : 0;
	if (!err)
		inode_renamed(dir, name, newdir, newname, flags);
	op_finish(&op, req, err);
}
