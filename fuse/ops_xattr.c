/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes, ACLs among them. */
#include "ops.h"

#include <endian.h>
#include <errno.h>
#include <linux/limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "creds.h"
#include "loop.h"

static bool starts(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/*
 * Of attributes of this kind the kernel knows the two ACLs of POSIX, and checks who sets them. All
 * others (NFSv4, CIFS, NTFS) are the file system's own to check, beneath, where we act as root.
 */
static bool is_forbidden(fuse_req_t req, const char *name)
{
	return starts(name, "system.") && mirror.privileged && fuse_req_ctx(req)->uid != 0 &&
			strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) &&
			strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT);
}

/*
 * An access ACL sets permission bits too, and may have to take the set-group-id bit off: the
 * file system beneath decides by the groups of whoever acts.
 */
static int set(struct inode *inode, fuse_req_t req, const char *name, const char *value,
		size_t size, int flags)
{
	bool kills = loop_kills_setid() && creds_kills_setid(inode->fd);
	int err;

	if (is_forbidden(req, name))
		return EOPNOTSUPP;
	creds_become_user(fuse_req_ctx(req));
	if (kills)
		creds_give_up_setid(req);
	err = setxattr(proc_path(inode->fd).text, name, value, size, flags) < 0 ? errno : 0;
	if (kills)
		creds_restore();
	return err;
}

void do_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		size_t size, int flags)
{
	struct inode *inode = inode_of(ino);
	struct op op;

	op_begin(&op, req, VEX_SETXATTR);
	op_inode(&op, inode);
	op_pair(&op, name, value, size);
	op_flags(&op, (uint32_t)flags);
	op_finish(&op, req, set(inode, req, name, value, size, flags));
}

/* The answer to a question for a value or a list: n bytes of it, or its size alone. */
static void answer(struct op *op, fuse_req_t req, const char *buf, ssize_t n, size_t size)
{
	op_result(op, n);
	op_emit(op);
	if (size)
		fuse_reply_buf(req, buf, (size_t)n);
	else
		fuse_reply_xattr(req, (size_t)n);
}

/* Capabilities count for nothing where the file's own mount says nosuid. */
static bool is_denied(const struct inode *inode, const char *name)
{
	return (VEX_LOAD_RELAXED(&inode->denied) & ST_NOSUID) && !strcmp(name, XATTR_NAME_CAPS);
}

/* What its mount does not let run nobody runs by an ACL either. */
static void hide_execute(const struct inode *inode, const char *name, char *buf, size_t len)
{
	struct posix_acl_xattr_entry entry;

	if (!(VEX_LOAD_RELAXED(&inode->denied) & ST_NOEXEC) ||
			!S_ISREG(VEX_LOAD_RELAXED(&inode->mode)) ||
			strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS))
		return;
	for (size_t at = sizeof(struct posix_acl_xattr_header); at + sizeof(entry) <= len;
			at += sizeof(entry)) {
		memcpy(&entry, buf + at, sizeof(entry));
		entry.e_perm &= htole16((uint16_t)~ACL_EXECUTE);
		memcpy(buf + at, &entry, sizeof(entry));
	}
}

/* The length, or a negative errno. */
static ssize_t get(const struct inode *inode, const char *name, char *buf, size_t size)
{
	ssize_t n;

	if (is_denied(inode, name))
		return -ENODATA;
	n = getxattr(proc_path(inode->fd).text, name, size ? buf : NULL,
			size < LOOP_IO_MAX ? size : LOOP_IO_MAX);
	if (n > 0 && size)
		hide_execute(inode, name, buf, (size_t)n);
	return n < 0 ? -errno : n;
}

static int remove_one(const struct inode *inode, fuse_req_t req, const char *name)
{
	if (is_forbidden(req, name))
		return EOPNOTSUPP;
	return removexattr(proc_path(inode->fd).text, name) < 0 ? errno : 0;
}

void do_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct inode *inode = inode_of(ino);
	char *buf = loop_buffer();
	struct op op;
	ssize_t n;

	op_begin(&op, req, VEX_GETXATTR);
	op_inode(&op, inode);
	op_pair(&op, name, NULL, 0);
	n = get(inode, name, buf, size);
	if (n < 0) {
		op_finish(&op, req, (int)-n);
		return;
	}
	if (size)
		op_pair(&op, name, buf, (size_t)n);
	answer(&op, req, buf, n, size);
}

/* Some names are shown to administrators alone, as beneath. */
static bool is_hidden(fuse_req_t req, const struct inode *inode, const char *name)
{
	return (starts(name, "trusted.") && fuse_req_ctx(req)->uid != 0) || is_denied(inode, name);
}

static size_t hide(fuse_req_t req, const struct inode *inode, char *list, size_t size)
{
	size_t kept = 0;

	for (size_t at = 0; at < size;) {
		size_t len = strlen(list + at) + 1;

		if (!is_hidden(req, inode, list + at)) {
			memmove(list + kept, list + at, len);
			kept += len;
		}
		at += len;
	}
	return kept;
}

void do_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct inode *inode = inode_of(ino);
	char *buf = loop_buffer();
	struct op op;
	ssize_t n;

	op_begin(&op, req, VEX_LISTXATTR);
	op_inode(&op, inode);
	n = listxattr(proc_path(inode->fd).text, buf, XATTR_LIST_MAX);
	if (n > 0)
		n = (ssize_t)hide(req, inode, buf, (size_t)n);
	if (n < 0 || (size && (size_t)n > size)) {
		op_finish(&op, req, n < 0 ? errno : ERANGE);
		return;
	}
	answer(&op, req, buf, n, size);
}

void do_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct inode *inode = inode_of(ino);
	struct op op;

	op_begin(&op, req, VEX_REMOVEXATTR);
	op_inode(&op, inode);
	op_pair(&op, name, NULL, 0);
	op_finish(&op, req, remove_one(inode, req, name));
}
