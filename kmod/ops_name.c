// SPDX-License-Identifier: GPL-2.0
/*
 * Operations on names. Their callers hold the folder's lock and references to the dentries from
 * before to after, so names are read when the operation has ended, when it is known what became
 * of them; but for rename(), which changes them.
 */
#include <linux/dcache.h>
#include <linux/namei.h>

#include "ops.h"

static void of_dentry(struct tap_event *event, struct dentry *dentry)
{
	event->path.mnt = tap_mount_of(dentry->d_sb, event);
	event->path.dentry = dentry;
	event->parent_ino = tap_parent_ino(dentry);
	event->has_file = true;
	event->dev = dentry->d_sb->s_dev;
}

/* What was made: known afterwards, where it was. */
static unsigned long made(struct tap_hook *hook, u16 type, struct dentry *dentry, umode_t mode,
			  const char *target, TAP_PARAMS)
{
	struct tap_event event = { .type = type };
	unsigned long result;

	tap_enter();
	event.start_ns = tap_now();
	result = hook->rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	of_dentry(&event, dentry);
	event.mode = mode;
	if (!(int)result)
		tap_event_inode(&event, d_inode(dentry));
	event.path2.text = target;
	tap_emit(&event);
	tap_leave();
	return result;
}

/* What is taken away: known before. */
static unsigned long removed(struct tap_hook *hook, u16 type, struct dentry *dentry, TAP_PARAMS)
{
	struct tap_event event = { .type = type };
	unsigned long result;

	tap_enter();
	tap_event_inode(&event, d_inode(dentry));
	event.start_ns = tap_now();
	result = hook->rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	of_dentry(&event, dentry);
	tap_emit(&event);
	tap_leave();
	return result;
}

enum { CREATE, MKDIR, MKNOD, SYMLINK, DELETE, RMDIR, LINK, RENAME };

static unsigned long on_create(TAP_PARAMS)
{
	return made(&tap_name_hooks[CREATE], VEX_CREATE, (struct dentry *)c,
		    S_IFREG | (d & S_IALLUGO), NULL, a, b, c, d, e, f);
}

static unsigned long on_mkdir(TAP_PARAMS)
{
	return made(&tap_name_hooks[MKDIR], VEX_MKDIR, (struct dentry *)c,
		    S_IFDIR | (d & S_IALLUGO), NULL, a, b, c, d, e, f);
}

static unsigned long on_mknod(TAP_PARAMS)
{
	return made(&tap_name_hooks[MKNOD], VEX_MKNOD, (struct dentry *)c, d, NULL, a, b, c, d, e,
		    f);
}

static unsigned long on_symlink(TAP_PARAMS)
{
	return made(&tap_name_hooks[SYMLINK], VEX_SYMLINK, (struct dentry *)c, S_IFLNK | 0777,
		    (const char *)d, a, b, c, d, e, f);
}

static unsigned long on_unlink(TAP_PARAMS)
{
	return removed(&tap_name_hooks[DELETE], VEX_DELETE, (struct dentry *)c, a, b, c, d, e, f);
}

static unsigned long on_rmdir(TAP_PARAMS)
{
	return removed(&tap_name_hooks[RMDIR], VEX_RMDIR, (struct dentry *)c, a, b, c, d, e, f);
}

static unsigned long on_link(TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_LINK };
	struct dentry *old = (struct dentry *)a, *new = (struct dentry *)d;
	unsigned long result;

	tap_enter();
	event.start_ns = tap_now();
	result = tap_name_hooks[LINK].rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	of_dentry(&event, old);
	tap_event_inode(&event, d_inode(old));
	event.path2.mnt = event.path.mnt;
	event.path2.dentry = new;
	event.has_parent2 = true;
	event.parent2_ino = tap_parent_ino(new);
	tap_emit(&event);
	tap_leave();
	return result;
}

static void named(struct tap_place *place, const struct vfsmount *mnt, struct dentry *folder,
		  const struct name_snapshot *name)
{
	place->mnt = mnt;
	place->dentry = folder;
	place->name = name->name.name;
	place->name_len = name->name.len;
}

/* The folders stay where they are meanwhile: they are locked, and held by the caller's paths. */
static unsigned long on_rename(TAP_PARAMS)
{
	struct renamedata *data = (struct renamedata *)a;
	struct tap_event event = { .type = VEX_RENAME, .flags = data->flags };
	struct dentry *from = data->old_dentry->d_parent, *to = data->new_dentry->d_parent;
	struct name_snapshot old, new;
	const struct vfsmount *mnt;
	unsigned long result;

	tap_enter();
	take_dentry_name_snapshot(&old, data->old_dentry);
	take_dentry_name_snapshot(&new, data->new_dentry);
	tap_event_inode(&event, d_inode(data->old_dentry));
	event.start_ns = tap_now();
	result = tap_name_hooks[RENAME].rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	mnt = tap_mount_of(from->d_sb, &event);
	named(&event.path, mnt, from, &old);
	named(&event.path2, mnt, to, &new);
	event.parent_ino = d_inode(from)->i_ino;
	event.parent2_ino = d_inode(to)->i_ino;
	event.has_parent2 = true;
	tap_emit(&event);
	release_dentry_name_snapshot(&old);
	release_dentry_name_snapshot(&new);
	tap_leave();
	return result;
}

TAP_SIGNATURE(vfs_create, int, TAP_IDMAP, struct inode *, struct dentry *, umode_t, bool);
TAP_SIGNATURE(vfs_symlink, int, TAP_IDMAP, struct inode *, struct dentry *, const char *);
TAP_SIGNATURE(vfs_mknod, int, TAP_IDMAP, struct inode *, struct dentry *, umode_t, dev_t);
TAP_SIGNATURE(vfs_unlink, int, TAP_IDMAP, struct inode *, struct dentry *, struct inode **);
TAP_SIGNATURE(vfs_rmdir, int, TAP_IDMAP, struct inode *, struct dentry *);
TAP_SIGNATURE(vfs_link, int, struct dentry *, TAP_IDMAP, struct inode *, struct dentry *,
	      struct inode **);
TAP_SIGNATURE(vfs_rename, int, struct renamedata *);

struct tap_hook tap_name_hooks[] = {
	[CREATE] = { .name = "vfs_create", .ours = on_create, .types = tap_bit(VEX_CREATE) },
	[MKDIR] = { .name = "vfs_mkdir", .ours = on_mkdir, .types = tap_bit(VEX_MKDIR) },
	[MKNOD] = { .name = "vfs_mknod", .ours = on_mknod, .types = tap_bit(VEX_MKNOD) },
	[SYMLINK] = { .name = "vfs_symlink", .ours = on_symlink, .types = tap_bit(VEX_SYMLINK) },
	[DELETE] = { .name = "vfs_unlink", .ours = on_unlink, .types = tap_bit(VEX_DELETE) },
	[RMDIR] = { .name = "vfs_rmdir", .ours = on_rmdir, .types = tap_bit(VEX_RMDIR) },
	[LINK] = { .name = "vfs_link", .ours = on_link, .types = tap_bit(VEX_LINK) },
	[RENAME] = { .name = "vfs_rename", .ours = on_rename, .types = tap_bit(VEX_RENAME) },
};

const unsigned int tap_name_hook_count = ARRAY_SIZE(tap_name_hooks);
