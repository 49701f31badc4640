// SPDX-License-Identifier: GPL-2.0
/*
 * Open files: open, close, readdir, fallocate, copying, exec, and syncing many. Reading, writing
 * and syncing one are in ops_io.c.
 */
#include <linux/binfmts.h>
#include <linux/falloc.h>

#include "ops.h"

enum { OPEN, CLOSE, READDIR, SYNC_RANGE, SYNC_ALL, SYNC_FS, FALLOCATE, COPY, CLONE, EXEC };

static tap_function rest(unsigned int which)
{
	return tap_file_hooks[which].rest;
}

static bool wants_file(unsigned long a, unsigned long b, unsigned long entry)
{
	const struct file *file = (const struct file *)a;

	return tap_is_file(file_inode(file)) && !tap_is_beneath(file);
}

/*
 * The inode is not the file's yet. Kernels that mark files beneath others do not all hand it on;
 * the others do, and it is not that of the path where a file is beneath another.
 */
static bool wants_open(unsigned long a, unsigned long b, unsigned long entry)
{
	const struct file *file = (const struct file *)a;
	const struct inode *inode = d_backing_inode(file->f_path.dentry);

	if ((file->f_flags & O_PATH) || !inode || !tap_is_file(inode))
		return false;
#ifdef FMODE_BACKING
	return !(file->f_mode & FMODE_BACKING);
#else
	return inode == (const struct inode *)b;
#endif
}

static bool wants_close(unsigned long a, unsigned long b, unsigned long entry)
{
	const struct file *file = (const struct file *)a;

	return (file->f_mode & FMODE_OPENED) && !(file->f_mode & FMODE_PATH) &&
	       wants_file(a, b, entry);
}

/* A file that open() has just made is told before the opening of it. */
static void emit_open(struct tap_event *event, bool created)
{
	event->type = VEX_OPEN;
	if (created)
		tap_emit_before(event, VEX_CREATE, 0);
	else if (event->flags & __O_TMPFILE)
		tap_emit_before(event, VEX_TMPFILE, event->result);
	else
		tap_emit(event);
}

static unsigned long on_open(TAP_PARAMS)
{
	struct file *file = (struct file *)a;
	struct tap_event event = { .flags = file->f_flags };
	bool created = file->f_mode & FMODE_CREATED;
	const struct path path = file->f_path; /* a failing open takes it out of the file */
	unsigned long result;

	tap_enter();
	event.start_ns = tap_now();
	result = rest(OPEN)(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	tap_event_inode(&event, d_backing_inode(path.dentry));
	event.parent_ino = tap_parent_ino(path.dentry);
	event.path.mnt = path.mnt;
	event.path.dentry = path.dentry;
	if (!(int)result)
		tap_discover(file);
	emit_open(&event, created);
	tap_leave();
	return result;
}

/* The file is gone afterwards: its path is held until it was told. */
static unsigned long on_close(TAP_PARAMS)
{
	struct file *file = (struct file *)a;
	struct tap_event event = { .type = VEX_CLOSE, .flags = file->f_flags };
	struct path path = file->f_path;
	unsigned long result;

	tap_enter();
	path_get(&path);
	tap_event_file(&event, file);
	event.start_ns = tap_now();
	result = rest(CLOSE)(a, b, c, d, e, f);
	event.end_ns = tap_now();
	tap_emit(&event);
	path_put(&path);
	tap_leave();
	return result;
}

/* Where the file stays as it is, one shape fits all. */
static unsigned long on_file(unsigned int which, struct file *file, struct tap_event *event,
			     TAP_PARAMS)
{
	bool is_int = which != COPY && which != CLONE; /* they return a length */
	unsigned long result;

	tap_enter();
	event->start_ns = tap_now();
	result = rest(which)(a, b, c, d, e, f);
	event->end_ns = tap_now();
	event->result = is_int ? (int)result : (long)result;
	tap_event_file(event, file);
	tap_emit(event);
	tap_leave();
	return result;
}

static unsigned long on_readdir(TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_READDIR,
				   .has_range = true,
				   .offset = ((struct file *)a)->f_pos };

	return on_file(READDIR, (struct file *)a, &event, a, b, c, d, e, f);
}

static unsigned long on_sync_range(TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_SYNC,
				   .flags = d,
				   .has_range = true,
				   .offset = b,
				   .size = c };

	return on_file(SYNC_RANGE, (struct file *)a, &event, a, b, c, d, e, f);
}

static unsigned long on_fallocate(TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_FALLOCATE,
				   .flags = b,
				   .has_range = true,
				   .offset = c,
				   .size = d };

	return on_file(FALLOCATE, (struct file *)a, &event, a, b, c, d, e, f);
}

/* Everything, or one file system: no path, and no file. */
static unsigned long on_sync(unsigned int which, const struct super_block *sb, TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_SYNC };
	unsigned long result;

	tap_enter();
	event.start_ns = tap_now();
	result = rest(which)(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = sb ? (int)result : 0;
	event.has_file = sb;
	if (sb)
		event.dev = sb->s_dev;
	tap_emit(&event);
	tap_leave();
	return result;
}

static unsigned long on_sync_all(TAP_PARAMS)
{
	return on_sync(SYNC_ALL, NULL, a, b, c, d, e, f);
}

static unsigned long on_sync_fs(TAP_PARAMS)
{
	return on_sync(SYNC_FS, (const struct super_block *)a, a, b, c, d, e, f);
}

static bool wants_copy(unsigned long a, unsigned long b, unsigned long entry)
{
	return wants_file(a, b, entry);
}

/* The target is the file that changes. */
static unsigned long copy(unsigned int which, TAP_PARAMS)
{
	struct file *from = (struct file *)a;
	struct tap_event event = { .type = VEX_COPY_FILE_RANGE,
				   .flags = f,
				   .has_range = true,
				   .offset = d,
				   .size = e };

	event.path2.mnt = from->f_path.mnt;
	event.path2.dentry = from->f_path.dentry;
	event.parent2_ino = tap_parent_ino(from->f_path.dentry);
	event.has_parent2 = true;
	return on_file(which, (struct file *)c, &event, a, b, c, d, e, f);
}

static unsigned long on_copy(TAP_PARAMS)
{
	return copy(COPY, a, b, c, d, e, f);
}

static unsigned long on_clone(TAP_PARAMS)
{
	return copy(CLONE, a, b, c, d, e, f);
}

/* Behind a script stands its interpreter: that is what runs, and the script is the second path. */
static unsigned long on_exec(TAP_PARAMS)
{
	struct linux_binprm *bprm = (struct linux_binprm *)a;
	struct tap_event event = { .type = VEX_EXEC, .flags = bprm->file->f_flags };

	if (bprm->interp != bprm->filename)
		event.path2.text = bprm->filename;
	return on_file(EXEC, bprm->file, &event, a, b, c, d, e, f);
}

TAP_SIGNATURE(iterate_dir, int, struct file *, struct dir_context *);
TAP_SIGNATURE(vfs_fallocate, int, struct file *, int, loff_t, loff_t);
TAP_SIGNATURE(vfs_copy_file_range, ssize_t, struct file *, loff_t, struct file *, loff_t, size_t,
	      unsigned int);
TAP_SIGNATURE(vfs_clone_file_range, loff_t, struct file *, loff_t, struct file *, loff_t, loff_t,
	      unsigned int);
TAP_SIGNATURE(begin_new_exec, int, struct linux_binprm *);

struct tap_hook tap_file_hooks[] = {
	[OPEN] = { .name = "do_dentry_open",
		   .wants = wants_open,
		   .ours = on_open,
		   .types = tap_bit(VEX_OPEN) | tap_bit(VEX_CREATE) | tap_bit(VEX_TMPFILE) |
			    tap_bit(VEX_READ) | tap_bit(VEX_WRITE) | tap_bit(VEX_SYNC) },
	[CLOSE] = { .name = "__fput",
		    .wants = wants_close,
		    .ours = on_close,
		    .types = tap_bit(VEX_CLOSE) },
	[READDIR] = { .name = "iterate_dir",
		      .wants = wants_file,
		      .ours = on_readdir,
		      .types = tap_bit(VEX_READDIR) },
	[SYNC_RANGE] = { .name = "sync_file_range",
			 .wants = wants_file,
			 .ours = on_sync_range,
			 .types = tap_bit(VEX_SYNC) },
	[SYNC_ALL] = { .name = "ksys_sync", .ours = on_sync_all, .types = tap_bit(VEX_SYNC) },
	[SYNC_FS] = { .name = "sync_filesystem", .ours = on_sync_fs, .types = tap_bit(VEX_SYNC) },
	[FALLOCATE] = { .name = "vfs_fallocate",
			.wants = wants_file,
			.ours = on_fallocate,
			.types = tap_bit(VEX_FALLOCATE) },
	[COPY] = { .name = "vfs_copy_file_range",
		   .wants = wants_copy,
		   .ours = on_copy,
		   .types = tap_bit(VEX_COPY_FILE_RANGE) },
	[CLONE] = { .name = "vfs_clone_file_range",
		    .wants = wants_copy,
		    .ours = on_clone,
		    .types = tap_bit(VEX_COPY_FILE_RANGE) },
	[EXEC] = { .name = "begin_new_exec", .ours = on_exec, .types = tap_bit(VEX_EXEC) },
};

const unsigned int tap_file_hook_count = ARRAY_SIZE(tap_file_hooks);
