// SPDX-License-Identifier: GPL-2.0
/*
 * By which mount a task changes names. vfs_unlink() and its like are told dentries alone, but who
 * calls them has asked for write access to a mount just before, and gives it back right after:
 * between the two, a slot here says so. A task has several where one file system stands on
 * another: the innermost one is that of the file system beneath.
 */
#include <linux/hash.h>
#include <linux/sched.h>

#include "tap.h"

#define SLOT_BITS 11
#define SLOTS (1u << SLOT_BITS)
#define PROBES 16u

/* A slot with a task belongs to it alone; others only look whether it is free. */
struct slot {
	struct task_struct *task;
	const struct vfsmount *mnt;
	unsigned int depth;
};

static struct slot slots[SLOTS];

static struct slot *slot_at(unsigned int i)
{
	return &slots[(hash_ptr(current, SLOT_BITS) + i) & (SLOTS - 1)];
}

/* The latest slot of this task that fits: of this mount or, by its file system, any. */
static struct slot *look(const struct vfsmount *mnt, const struct super_block *sb)
{
	struct slot *found = NULL;
	unsigned int i;

	for (i = 0; i < PROBES; i++) {
		struct slot *slot = slot_at(i);

		if (READ_ONCE(slot->task) == current &&
		    (slot->mnt == mnt || (sb && slot->mnt->mnt_sb == sb)) &&
		    (!found || slot->depth > found->depth))
			found = slot;
	}
	return found;
}

/* How many mounts the task has been given already; the same one again is no deeper. */
static unsigned int depth_of(const struct vfsmount *mnt)
{
	const struct slot *same = look(mnt, NULL);
	unsigned int i, count = 0;

	if (same)
		return same->depth;
	for (i = 0; i < PROBES; i++)
		count += READ_ONCE(slot_at(i)->task) == current;
	return count;
}

void tap_mount_push(const struct vfsmount *mnt)
{
	unsigned int i, depth = depth_of(mnt);

	for (i = 0; i < PROBES; i++) {
		struct slot *slot = slot_at(i);

		if (READ_ONCE(slot->task) || cmpxchg(&slot->task, NULL, current))
			continue;
		slot->mnt = mnt;
		slot->depth = depth;
		return;
	}
}

void tap_mount_pop(const struct vfsmount *mnt)
{
	struct slot *found = look(mnt, NULL);

	if (!found)
		return;
	found->mnt = NULL;
	smp_store_release(&found->task, NULL);
}

const struct vfsmount *tap_mount_of(const struct super_block *sb, struct tap_event *event)
{
	const struct slot *found = look(NULL, sb);

	event->nested = found && found->depth > 0;
	return found ? found->mnt : NULL;
}

void tap_mounts_clear(void)
{
	memset(slots, 0, sizeof(slots));
}

enum { WANT, WANT_FILE, DROP, DROP_FILE };

static unsigned long want(TAP_PARAMS)
{
	unsigned long result;

	tap_enter();
	result = tap_want_hooks[WANT].rest(TAP_ARGS);
	if (!(int)result)
		tap_mount_push((const struct vfsmount *)a);
	tap_leave();
	return result;
}

static unsigned long want_file(TAP_PARAMS)
{
	unsigned long result;

	tap_enter();
	result = tap_want_hooks[WANT_FILE].rest(TAP_ARGS);
	if (!(int)result)
		tap_mount_push(((const struct file *)a)->f_path.mnt);
	tap_leave();
	return result;
}

/* No more than a look: the call itself is not redirected. */
static bool drops(unsigned long a, unsigned long b, unsigned long entry)
{
	tap_mount_pop((const struct vfsmount *)a);
	return false;
}

static bool drops_file(unsigned long a, unsigned long b, unsigned long entry)
{
	tap_mount_pop(((const struct file *)a)->f_path.mnt);
	return false;
}

#define NAMES_CHANGE                                                                              \
	(tap_bit(VEX_CREATE) | tap_bit(VEX_DELETE) | tap_bit(VEX_RENAME) | tap_bit(VEX_MKDIR) |    \
	 tap_bit(VEX_RMDIR) | tap_bit(VEX_LINK) | tap_bit(VEX_SYMLINK) | tap_bit(VEX_MKNOD) |      \
	 tap_bit(VEX_CHMOD) | tap_bit(VEX_CHOWN) | tap_bit(VEX_TRUNCATE) | tap_bit(VEX_UTIMENS) |  \
	 tap_bit(VEX_SETXATTR) | tap_bit(VEX_REMOVEXATTR))

struct tap_hook tap_want_hooks[] = {
	[WANT] = { .name = "mnt_want_write", .ours = want, .types = NAMES_CHANGE },
	[WANT_FILE] = { .name = "mnt_want_write_file", .ours = want_file, .types = NAMES_CHANGE },
	[DROP] = { .name = "mnt_drop_write", .wants = drops, .types = NAMES_CHANGE },
	[DROP_FILE] = { .name = "mnt_drop_write_file", .wants = drops_file, .types = NAMES_CHANGE },
};
const unsigned int tap_want_hook_count = ARRAY_SIZE(tap_want_hooks);
