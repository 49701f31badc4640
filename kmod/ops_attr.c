// SPDX-License-Identifier: GPL-2.0
/* Attributes: notify_change() sets all that is in an inode, whoever asks; and xattrs. */
#include <linux/xattr.h>

#include "ops.h"

enum { SETATTR, SETXATTR, REMOVEXATTR, SETXATTR_LOCKED, REMOVEXATTR_LOCKED };

static void of_dentry(struct tap_event *event, struct dentry *dentry)
{
	event->path.mnt = tap_mount_of(dentry->d_sb, event);
	event->path.dentry = dentry;
	event->parent_ino = tap_parent_ino(dentry);
	tap_event_inode(event, d_inode(dentry));
}

/* One call may set several: each is an event of its own, in the order of fuse/ops_attr.c. */
static void emit_changes(struct tap_event *event, const struct iattr *attr, unsigned int valid)
{
	static const struct {
		unsigned int bits;
		u16 type;
	} kinds[] = {
		{ ATTR_UID | ATTR_GID, VEX_CHOWN },
		{ ATTR_MODE, VEX_CHMOD },
		{ ATTR_SIZE, VEX_TRUNCATE },
		{ ATTR_TOUCH | ATTR_TIMES_SET, VEX_UTIMENS },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!(valid & kinds[i].bits))
			continue;
		event->type = kinds[i].type;
		event->has_range = event->type == VEX_TRUNCATE;
		event->size = attr->ia_size;
		tap_emit(event);
	}
}

/*
 * What a write takes off (set-id bits) is no change that someone asked for. The kinds are read
 * before: notify_change() alters its argument.
 */
static unsigned long on_setattr(TAP_PARAMS)
{
	struct dentry *dentry = (struct dentry *)b;
	struct iattr *attr = (struct iattr *)c;
	unsigned int valid = attr->ia_valid;
	struct file *file = valid & ATTR_FILE ? attr->ia_file : NULL;
	struct tap_event event = {};
	unsigned long result;

	tap_enter();
	if (file)
		tap_mount_push(file->f_path.mnt);
	event.start_ns = tap_now();
	result = tap_attr_hooks[SETATTR].rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	of_dentry(&event, dentry);
	if (file) {
		event.path.mnt = file->f_path.mnt;
		event.flags = file->f_flags;
		tap_mount_pop(file->f_path.mnt);
	}
	if (!(valid & ATTR_FORCE))
		emit_changes(&event, attr, valid);
	tap_leave();
	return result;
}

/* nfsd and others who hold the lock come in by inner functions: told where no outer one will be. */
static bool wants_locked(unsigned long a, unsigned long b, unsigned long entry)
{
	return !tap_nest_tell((const struct dentry *)b);
}

static unsigned long xattr(unsigned int which, struct tap_event *event, TAP_PARAMS)
{
	struct dentry *dentry = (struct dentry *)b;
	struct tap_nest nest;
	unsigned long result;

	tap_enter();
	tap_nest_push(&nest, dentry);
	event->start_ns = tap_now();
	result = tap_attr_hooks[which].rest(a, b, c, d, e, f);
	event->end_ns = tap_now();
	tap_nest_pop(&nest);
	event->result = (int)result;
	of_dentry(event, dentry);
	tap_emit(event);
	tap_leave();
	return result;
}

static unsigned long set_xattr(unsigned int which, TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_SETXATTR,
				   .key = (const char *)c,
				   .value = (const void *)d,
				   .value_len = e,
				   .flags = f };

	return xattr(which, &event, a, b, c, d, e, f);
}

static unsigned long on_setxattr(TAP_PARAMS)
{
	return set_xattr(SETXATTR, a, b, c, d, e, f);
}

static unsigned long on_setxattr_locked(TAP_PARAMS)
{
	return set_xattr(SETXATTR_LOCKED, a, b, c, d, e, f);
}

static unsigned long remove_xattr(unsigned int which, TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_REMOVEXATTR, .key = (const char *)c };

	return xattr(which, &event, a, b, c, d, e, f);
}

static unsigned long on_removexattr(TAP_PARAMS)
{
	return remove_xattr(REMOVEXATTR, a, b, c, d, e, f);
}

static unsigned long on_removexattr_locked(TAP_PARAMS)
{
	return remove_xattr(REMOVEXATTR_LOCKED, a, b, c, d, e, f);
}

TAP_SIGNATURE(notify_change, int, TAP_IDMAP, struct dentry *, struct iattr *, struct inode **);
TAP_SIGNATURE(vfs_setxattr, int, TAP_IDMAP, struct dentry *, const char *, const void *, size_t,
	      int);
TAP_SIGNATURE(vfs_removexattr, int, TAP_IDMAP, struct dentry *, const char *);
TAP_SIGNATURE(__vfs_setxattr_noperm, int, TAP_IDMAP, struct dentry *, const char *, const void *,
	      size_t, int);
TAP_SIGNATURE(__vfs_removexattr_locked, int, TAP_IDMAP, struct dentry *, const char *,
	      struct inode **);

struct tap_hook tap_attr_hooks[] = {
	[SETATTR] = { .name = "notify_change",
		      .ours = on_setattr,
		      .types = tap_bit(VEX_CHMOD) | tap_bit(VEX_CHOWN) | tap_bit(VEX_TRUNCATE) |
			       tap_bit(VEX_UTIMENS) },
	[SETXATTR] = { .name = "vfs_setxattr",
		       .ours = on_setxattr,
		       .types = tap_bit(VEX_SETXATTR) },
	[REMOVEXATTR] = { .name = "vfs_removexattr",
			  .ours = on_removexattr,
			  .types = tap_bit(VEX_REMOVEXATTR) },
	[SETXATTR_LOCKED] = { .name = "__vfs_setxattr_noperm",
			      .wants = wants_locked,
			      .ours = on_setxattr_locked,
			      .types = tap_bit(VEX_SETXATTR) },
	[REMOVEXATTR_LOCKED] = { .name = "__vfs_removexattr_locked",
				 .wants = wants_locked,
				 .ours = on_removexattr_locked,
				 .types = tap_bit(VEX_REMOVEXATTR) },
};

const unsigned int tap_attr_hook_count = ARRAY_SIZE(tap_attr_hooks);
