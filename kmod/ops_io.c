// SPDX-License-Identifier: GPL-2.0
/*
 * Reading, writing and syncing: a file system's own functions, to which every way leads (read(2),
 * vectors, aio, io_uring, splice, sendfile, nfsd, the kernel itself). They are found by the files
 * that use them: those that are open when someone begins to listen, and each that is opened after.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "ops.h"
#include "compat.h"

#define FOUND_MAX 256u
#define LOOKED_BITS 4

static unsigned long address(const void *function)
{
	return (unsigned long)function + TAP_ENTRY_OFFSET;
}

static tap_function behind(const void *function)
{
	return tap_behind(address(function));
}

/* One function may call another that is some other file system's own: only the file's counts. */
static bool wants_io(const struct file *file, const void *function, unsigned long entry)
{
	return address(function) == entry && tap_is_file(file_inode(file)) &&
	       !tap_is_beneath(file);
}

static bool wants_read_iter(unsigned long a, unsigned long b, unsigned long entry)
{
	const struct file *file = ((const struct kiocb *)a)->ki_filp;

	return wants_io(file, file->f_op->read_iter, entry);
}

static bool wants_write_iter(unsigned long a, unsigned long b, unsigned long entry)
{
	const struct file *file = ((const struct kiocb *)a)->ki_filp;

	return wants_io(file, file->f_op->write_iter, entry);
}

static bool wants_read(unsigned long a, unsigned long b, unsigned long entry)
{
	return wants_io((const struct file *)a, ((const struct file *)a)->f_op->read, entry);
}

static bool wants_write(unsigned long a, unsigned long b, unsigned long entry)
{
	return wants_io((const struct file *)a, ((const struct file *)a)->f_op->write, entry);
}

static void emit_io(struct tap_event *event, struct file *file)
{
	event->has_range = true;
	event->flags = file->f_flags;
	tap_event_file(event, file);
	tap_emit(event);
}

/*
 * An attempt that would have had to wait is made anew, and told then. Of what goes on by itself
 * (direct I/O of aio and io_uring) the begin is told, and its result is 0: the kiocb may be gone.
 */
static unsigned long iter(u16 type, const void *function, TAP_PARAMS)
{
	struct kiocb *iocb = (struct kiocb *)a;
	struct file *file = iocb->ki_filp;
	struct tap_event event = { .type = type,
				   .offset = iocb->ki_pos,
				   .size = iov_iter_count((struct iov_iter *)b) };
	bool nowait = iocb->ki_flags & IOCB_NOWAIT, sync = is_sync_kiocb(iocb);
	unsigned long result;
	long done;

	tap_enter();
	if (!sync) /* who waits for it holds the file; otherwise it may end at once */
		get_file(file);
	event.start_ns = tap_now();
	result = behind(function)(a, b, c, d, e, f);
	event.end_ns = tap_now();
	done = (long)result;
	event.result = done == -EIOCBQUEUED ? 0 : done;
	if (type == VEX_WRITE && done > 0) /* to a file that is appended to, at its end */
		event.offset = iocb->ki_pos - done;
	if (!nowait || done != -EAGAIN) {
		tap_nest_tell(file);
		emit_io(&event, file);
	}
	if (!sync)
		fput(file);
	tap_leave();
	return result;
}

static unsigned long on_read_iter(TAP_PARAMS)
{
	return iter(VEX_READ, ((struct kiocb *)a)->ki_filp->f_op->read_iter, a, b, c, d, e, f);
}

static unsigned long on_write_iter(TAP_PARAMS)
{
	return iter(VEX_WRITE, ((struct kiocb *)a)->ki_filp->f_op->write_iter, a, b, c, d, e, f);
}

static unsigned long plain(u16 type, const void *function, TAP_PARAMS)
{
	const loff_t *position = (const loff_t *)d;
	struct tap_event event = { .type = type, .offset = position ? *position : 0, .size = c };
	unsigned long result;

	tap_enter();
	event.start_ns = tap_now();
	result = behind(function)(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (long)result;
	emit_io(&event, (struct file *)a);
	tap_leave();
	return result;
}

static unsigned long on_read(TAP_PARAMS)
{
	return plain(VEX_READ, ((struct file *)a)->f_op->read, a, b, c, d, e, f);
}

static unsigned long on_write(TAP_PARAMS)
{
	return plain(VEX_WRITE, ((struct file *)a)->f_op->write, a, b, c, d, e, f);
}

/* Of files beneath others, too: msync() is said to them alone. */
static bool wants_sync(unsigned long a, unsigned long b, unsigned long entry)
{
	const struct file *file = (const struct file *)a;

	return address(file->f_op->fsync) == entry && tap_is_file(file_inode(file));
}

/* A file that is beneath another, as what is mapped is, has the path and the inode of that one. */
static void of_user_path(struct tap_event *event, struct file *file)
{
	const struct path *path = tap_user_path(file);

	event->path.mnt = path->mnt;
	event->path.dentry = path->dentry;
	event->parent_ino = tap_parent_ino(path->dentry);
	tap_event_inode(event, d_backing_inode(path->dentry));
}

/* By fsync(2), msync(2), O_SYNC and nfsd: vfs_fsync_range() is inlined into half of them. */
static unsigned long on_sync(TAP_PARAMS)
{
	static const char syncing;
	struct file *file = (struct file *)a;
	bool inner = tap_is_beneath(file) && tap_nest_tell(&syncing);
	struct tap_event event = { .type = VEX_SYNC,
				   .has_range = true,
				   .flags = d,
				   .offset = b,
				   .size = c - b + 1 };
	tap_function rest = behind(file->f_op->fsync);
	struct tap_nest nest;
	unsigned long result;

	tap_enter();
	tap_nest_push(&nest, &syncing);
	event.start_ns = tap_now();
	result = rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	tap_nest_pop(&nest);
	of_user_path(&event, file);
	if (!inner)
		tap_emit(&event);
	tap_leave();
	return result;
}

static bool wants_splice_read(unsigned long a, unsigned long b, unsigned long entry)
{
	return wants_io((const struct file *)a, ((const struct file *)a)->f_op->splice_read, entry);
}

/* splice_write(pipe, file, position, length, flags) */
static bool wants_splice_write(unsigned long a, unsigned long b, unsigned long entry)
{
	return wants_io((const struct file *)b, ((const struct file *)b)->f_op->splice_write,
			entry);
}

/* Most file systems read and write here by their read_iter() and write_iter(), which tell it. */
static unsigned long splice(u16 type, struct file *file, const void *function,
			    const loff_t *position, TAP_PARAMS)
{
	struct tap_event event = { .type = type,
				   .offset = position ? *position : 0,
				   .size = d };
	struct tap_nest nest;
	unsigned long result;

	tap_enter();
	tap_nest_push(&nest, file);
	event.start_ns = tap_now();
	result = behind(function)(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (long)result;
	if (!tap_nest_pop(&nest))
		emit_io(&event, file);
	tap_leave();
	return result;
}

static unsigned long on_splice_read(TAP_PARAMS)
{
	struct file *file = (struct file *)a;

	return splice(VEX_READ, file, file->f_op->splice_read, (const loff_t *)b, a, b, c, d, e, f);
}

static unsigned long on_splice_write(TAP_PARAMS)
{
	struct file *file = (struct file *)b;

	return splice(VEX_WRITE, file, file->f_op->splice_write, (const loff_t *)c, a, b, c, d, e,
		      f);
}

enum { SYNC, READ_ITER, WRITE_ITER, PLAIN_READ, PLAIN_WRITE, SPLICE_READ, SPLICE_WRITE, KINDS };

static const struct {
	tap_function ours;
	bool (*wants)(unsigned long a, unsigned long b, unsigned long entry);
	u64 types;
} kinds[KINDS] = {
	[SYNC] = { on_sync, wants_sync, tap_bit(VEX_SYNC) },
	[READ_ITER] = { on_read_iter, wants_read_iter, tap_bit(VEX_READ) },
	[WRITE_ITER] = { on_write_iter, wants_write_iter, tap_bit(VEX_WRITE) },
	[SPLICE_READ] = { on_splice_read, wants_splice_read, tap_bit(VEX_READ) },
	[SPLICE_WRITE] = { on_splice_write, wants_splice_write, tap_bit(VEX_WRITE) },
	[PLAIN_READ] = { on_read, wants_read, tap_bit(VEX_READ) },
	[PLAIN_WRITE] = { on_write, wants_write, tap_bit(VEX_WRITE) },
};

static const void *function_of(const struct file_operations *fops, unsigned int kind)
{
	switch (kind) {
	case SYNC:
		return fops->fsync;
	case SPLICE_READ:
		return fops->splice_read;
	case SPLICE_WRITE:
		return fops->splice_write;
	case READ_ITER:
		return fops->read_iter;
	case WRITE_ITER:
		return fops->write_iter;
	case PLAIN_READ: /* vfs_read() takes it before the other */
		return fops->read;
	default:
		return fops->write;
	}
}

/* A folder's read() says only that it is one. */
static void hook(const struct file_operations *fops)
{
	unsigned int kind, end = fops->iterate_shared ? READ_ITER : KINDS;

	for (kind = 0; kind < end; kind++) {
		const void *function = function_of(fops, kind);

		if (function && !tap_hook_known(address(function)))
			tap_hook_more(address(function), kinds[kind].ours, kinds[kind].wants,
				      kinds[kind].types);
	}
}

/* File systems that nothing is left to hook of, by address. */
static const struct file_operations *looked_at[1 << LOOKED_BITS];

void tap_discover(const struct file *file)
{
	const struct file_operations **known = &looked_at[hash_ptr(file->f_op, LOOKED_BITS)];

	if (READ_ONCE(*known) == file->f_op)
		return;
	hook(file->f_op);
	WRITE_ONCE(*known, file->f_op);
}

void tap_discover_anew(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(looked_at); i++)
		WRITE_ONCE(looked_at[i], NULL);
}

struct found {
	unsigned int count;
	const struct file_operations *fops[FOUND_MAX];
};

static int note(const void *context, struct file *file, unsigned int fd)
{
	struct found *found = (struct found *)context;
	unsigned int i;

	if (!tap_is_file(file_inode(file)))
		return 0;
	for (i = 0; i < found->count; i++)
		if (found->fops[i] == file->f_op)
			return 0;
	if (found->count < FOUND_MAX)
		found->fops[found->count++] = file->f_op;
	return 0;
}

/* The module of a file system whose file was closed meanwhile may go: it is kept by none. */
void tap_discover_all(void)
{
	struct found *found = kvzalloc(sizeof(*found), GFP_KERNEL);
	struct task_struct *task;
	unsigned int i;

	if (!found)
		return;
	rcu_read_lock();
	for_each_process(task) {
		task_lock(task);
		if (task->files)
			iterate_fd(task->files, 0, note, found);
		task_unlock(task);
	}
	rcu_read_unlock();
	for (i = 0; i < found->count; i++)
		hook(found->fops[i]);
	kvfree(found);
}
