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

#define BUCKET_BITS 7
#define BUCKETS BIT(BUCKET_BITS)
#define SLOTS 16u

/* A slot that is taken belongs to its task alone; others only see that it is not theirs. */
struct slot {
	struct task_struct *task;
	const struct vfsmount *mnt;
	unsigned int depth;
};

/* Tasks share a bucket by chance: as a rule no bit is set, or one. */
struct bucket {
	unsigned long taken; /* bit of slot */
	struct slot slot[SLOTS];
} ____cacheline_aligned;

static struct bucket buckets[BUCKETS];

static struct bucket *own_bucket(void)
{
	return &buckets[hash_ptr(current, BUCKET_BITS)];
}

/* Among the slots of these bits, which are taken out. */
static struct slot *next_own(struct bucket *bucket, unsigned long *bits)
{
	while (*bits) {
		struct slot *slot = &bucket->slot[__ffs(*bits)];

		*bits &= *bits - 1;
		if (READ_ONCE(slot->task) == current)
			return slot;
	}
	return NULL;
}

/* The latest slot of this task that fits: of this mount or, by its file system, any. */
static struct slot *look(struct bucket *bucket, const struct vfsmount *mnt,
			 const struct super_block *sb)
{
	unsigned long bits = READ_ONCE(bucket->taken);
	struct slot *slot, *found = NULL;

	while ((slot = next_own(bucket, &bits)))
		if ((slot->mnt == mnt || (sb && slot->mnt->mnt_sb == sb)) &&
		    (!found || slot->depth > found->depth))
			found = slot;
	return found;
}

/* How many mounts the task has been given already; the same one again is no deeper. */
static unsigned int depth_of(struct bucket *bucket, const struct vfsmount *mnt)
{
	unsigned long bits = READ_ONCE(bucket->taken);
	unsigned int count = 0;
	struct slot *slot;

	while ((slot = next_own(bucket, &bits))) {
		if (slot->mnt == mnt)
			return slot->depth;
		count++;
	}
	return count;
}

void tap_mount_push(const struct vfsmount *mnt)
{
	struct bucket *bucket = own_bucket();
	unsigned int depth = depth_of(bucket, mnt);
	unsigned long at;

	do {
		at = ffz(READ_ONCE(bucket->taken));
		if (at >= SLOTS)
			return;
	} while (test_and_set_bit(at, &bucket->taken));
	bucket->slot[at].mnt = mnt;
	bucket->slot[at].depth = depth;
	WRITE_ONCE(bucket->slot[at].task, current);
}

void tap_mount_pop(const struct vfsmount *mnt)
{
	struct bucket *bucket = own_bucket();
	struct slot *found = look(bucket, mnt, NULL);

	if (!found)
		return;
	WRITE_ONCE(found->task, NULL);
	clear_bit_unlock(found - bucket->slot, &bucket->taken);
}

const struct vfsmount *tap_mount_of(const struct super_block *sb, struct tap_event *event)
{
	const struct slot *found = look(own_bucket(), NULL, sb);

	event->nested = found && found->depth > 0;
	return found ? found->mnt : NULL;
}

void tap_mounts_clear(void)
{
	memset(buckets, 0, sizeof(buckets));
}

enum { WANT, WANT_FILE, DROP, DROP_FILE };

static unsigned long want(TAP_PARAMS)
{
	unsigned long result;

	tap_enter();
	result = tap_want_hooks[WANT].rest(a, b, c, d, e, f);
	if (!(int)result)
		tap_mount_push((const struct vfsmount *)a);
	tap_leave();
	return result;
}

static unsigned long want_file(TAP_PARAMS)
{
	unsigned long result;

	tap_enter();
	result = tap_want_hooks[WANT_FILE].rest(a, b, c, d, e, f);
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
