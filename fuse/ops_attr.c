/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes: read, set one kind after the other, links read, permissions, statistics. */
#include "ops.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "creds.h"

#define SET_OWNER (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)
#define SET_TIMES (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)
/* The kernel's FATTR_KILL_SUIDGID, which the library passes on under an older name. */
#define SET_KILLS_SETID FUSE_SET_ATTR_KILL_SUID

static void reply_attr(fuse_req_t req, const struct inode *inode, const struct stat *st)
{
	struct stat seen = shown(inode, st);

	fuse_reply_attr(req, &seen, mirror.options.timeout);
}

void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	struct stat st;
	struct op op;

	(void)fi;
	op_begin(&op, req, VEX_GETATTR);
	op_inode(&op, inode);
	if (fstat(inode->fd, &st) < 0) {
		op_finish(&op, req, errno);
		return;
	}
	op_stat(&op, &st);
	op_result(&op, 0);
	op_emit(&op);
	reply_attr(req, inode, &st);
}

static int set_mode(struct inode *inode, const struct handle *handle, const struct stat *attr)
{
	if (handle)
		return fchmod(handle->fd, attr->st_mode & 07777);
	return fchmodat(mirror.proc_fd, proc_name(inode->fd).text, attr->st_mode & 07777, 0);
}

static int set_owner(struct inode *inode, const struct stat *attr, int to_set)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;

	return fchownat(inode->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

static int set_size(struct inode *inode, fuse_req_t req, const struct handle *handle,
		const struct stat *attr, int to_set)
{
	bool kills = (to_set & SET_KILLS_SETID) && creds_kills_setid(inode->fd);
	int result;

	creds_become_user(fuse_req_ctx(req));
	if (kills)
		creds_give_up_setid(req);
	if (handle)
		result = ftruncate(handle->fd, attr->st_size);
	else
		result = truncate(proc_path(inode->fd).text, attr->st_size);
	if (kills)
		creds_restore();
	return result;
}

static int set_times(struct inode *inode, const struct stat *attr, int to_set)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		times[0].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_ATIME)
		times[0] = attr->st_atim;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		times[1].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_MTIME)
		times[1] = attr->st_mtim;
	return utimensat(inode->fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

/* One kind of attribute, as the kinds are ordered below. */
static int set_kind(struct inode *inode, fuse_req_t req, const struct handle *handle,
		const struct stat *attr, int to_set, enum vex_type kind)
{
	switch (kind) {
	case VEX_CHMOD:
		return set_mode(inode, handle, attr);
	case VEX_CHOWN:
		return set_owner(inode, attr, to_set);
	case VEX_TRUNCATE:
		return set_size(inode, req, handle, attr, to_set);
	case VEX_UTIMENS:
		return set_times(inode, attr, to_set);
	default:
		return 0;
	}
}

struct setting {
	enum vex_type kind;
	int64_t result;
	uint64_t duration_ns;
};

/*
 * Owner before mode, since chown(2) takes set-id bits off; nothing at all is a chown(2) that
 * does only that. Ends at the first that fails.
 */
static size_t set_all(struct inode *inode, fuse_req_t req, const struct handle *handle,
		const struct stat *attr, int to_set, struct op *op, struct setting done[4])
{
	static const struct {
		int bits;
		enum vex_type kind;
	} kinds[] = {
		{SET_OWNER, VEX_CHOWN},
		{FUSE_SET_ATTR_MODE, VEX_CHMOD},
		{FUSE_SET_ATTR_SIZE, VEX_TRUNCATE},
		{SET_TIMES, VEX_UTIMENS},
	};
	bool something = to_set & (SET_OWNER | FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_SIZE | SET_TIMES);
	size_t count = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int result;

		if (!(to_set & kinds[i].bits) && (something || kinds[i].kind != VEX_CHOWN))
			continue;
		result = set_kind(inode, req, handle, attr, to_set, kinds[i].kind) < 0
				? -errno : 0;
		op_result(op, result);
		done[count++] = (struct setting){kinds[i].kind, result, op->event.duration_ns};
		if (result)
			break;
	}
	return count;
}

static void emit_settings(struct op *op, const struct setting *done, size_t count)
{
	if (!op->on)
		return;
	if (!count)
		op_emit(op);
	for (size_t i = 0; i < count; i++) {
		op->event.result = (int32_t)done[i].result;
		op->event.duration_ns = done[i].duration_ns;
		op_emit_as(op, done[i].kind);
	}
}

void do_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi)
{
	struct inode *inode = inode_of(ino);
	struct setting done[4];
	struct stat st;
	struct op op;
	size_t count;
	int err = 0;

	op_begin(&op, req, VEX_SETATTR);
	op_inode(&op, inode);
	if (to_set & FUSE_SET_ATTR_SIZE)
		op_range(&op, 0, (uint64_t)attr->st_size);
	count = set_all(inode, req, fi ? handle_of(fi) : NULL, attr, to_set, &op, done);
	if (count && done[count - 1].result)
		err = (int)-done[count - 1].result;
	else if (fstat(inode->fd, &st) < 0)
		err = errno;
	op_result(&op, -err);
	if (!err)
		op_stat(&op, &st);
	emit_settings(&op, done, count);
	if (err)
		fuse_reply_err(req, err);
	else
		reply_attr(req, inode, &st);
}

void do_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *inode = inode_of(ino);
	char target[PATH_MAX + 1];
	struct op op;
	ssize_t n;

	op_begin(&op, req, VEX_READLINK);
	op_inode(&op, inode);
	n = readlinkat(inode->fd, "", target, sizeof(target));
	if (n < 0 || n == sizeof(target)) {
		op_finish(&op, req, n < 0 ? errno : ENAMETOOLONG);
		return;
	}
	target[n] = '\0';
	op_text2(&op, target, (size_t)n);
	op_result(&op, n);
	op_emit(&op);
	fuse_reply_readlink(req, target);
}

/* Asked only of a mount without default_permissions; the file system beneath answers. */
void do_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct inode *inode = inode_of(ino);
	struct op op;

	op_begin(&op, req, VEX_ACCESS);
	op_inode(&op, inode);
	op_flags(&op, (uint32_t)mask);
	op_finish(&op, req, faccessat(mirror.proc_fd, proc_name(inode->fd).text, mask, 0) < 0
					? errno : 0);
}

void do_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *inode = inode_of(ino);
	struct statvfs st;
	struct op op;

	op_begin(&op, req, VEX_STATFS);
	op_inode(&op, inode);
	if (fstatvfs(inode->fd, &st) < 0) {
		op_finish(&op, req, errno);
		return;
	}
	op_result(&op, 0);
	op_emit(&op);
	fuse_reply_statfs(req, &st);
}
