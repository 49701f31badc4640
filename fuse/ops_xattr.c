/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes, ACLs among them. */
#include "ops.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "creds.h"
#include "loop.h"

/*
 * An access ACL sets permission bits too, and may have to take the set-group-id bit off: the
 * file system beneath decides by the groups of whoever acts.
 */
static int set(struct inode *inode, fuse_req_t req, const char *name, const char *value,
		size_t size, int flags)
{
	bool kills = loop_kills_setid() && creds_kills_setid(inode->fd);
	int err;

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
	if (size)
		fuse_reply_buf(req, buf, (size_t)n);
	else
		fuse_reply_xattr(req, (size_t)n);
	op_emit(op);
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
	n = getxattr(proc_path(inode->fd).text, name, size ? buf : NULL,
			size < LOOP_IO_MAX ? size : LOOP_IO_MAX);
	if (n < 0) {
		op_finish(&op, req, errno);
		return;
	}
	if (size)
		op_pair(&op, name, buf, (size_t)n);
	answer(&op, req, buf, n, size);
}

/* Names of this kind are shown to administrators alone, as beneath. */
static bool is_hidden(const char *name)
{
	return !strncmp(name, "trusted.", strlen("trusted."));
}

static size_t hide(char *list, size_t size)
{
	size_t kept = 0;

	for (size_t at = 0; at < size;) {
		size_t len = strlen(list + at) + 1;

		if (!is_hidden(list + at)) {
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
	if (n > 0 && fuse_req_ctx(req)->uid != 0)
		n = (ssize_t)hide(buf, (size_t)n);
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
	op_finish(&op, req, removexattr(proc_path(inode->fd).text, name) < 0 ? errno : 0);
}
