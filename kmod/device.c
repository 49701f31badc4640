// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vexplane. One reader at a time; everything of his goes with the last reference to the
 * file by which he attached, mappings included. Anyone who may open the file may ask for the
 * statistics.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tap.h"

/* One open of the device. */
struct tap_file {
	bool greeted;
	struct tap_reader *reader; /* NULL until ATTACH */
	struct mutex lock;
};

struct tap_reader __rcu *tap_reader;
static DEFINE_MUTEX(reader_lock); /* of tap_reader, and of what is selected */

static bool by_mode;
module_param(by_mode, bool, 0644);
MODULE_PARM_DESC(by_mode,
		 "who may open the device for writing may attach; otherwise CAP_SYS_ADMIN is needed");

static bool may_attach(const struct file *file)
{
	return (file->f_mode & FMODE_WRITE) && (by_mode || capable(CAP_SYS_ADMIN));
}

static int device_open(struct inode *inode, struct file *file)
{
	struct tap_file *mine = kzalloc(sizeof(*mine), GFP_KERNEL);

	if (!mine)
		return -ENOMEM;
	mutex_init(&mine->lock);
	file->private_data = mine;
	return nonseekable_open(inode, file);
}

static void reader_free(struct tap_reader *reader)
{
	kvfree(rcu_dereference_protected(reader->selection, true));
	tap_lanes_free(reader->lanes);
	kfree(reader);
}

/* Hooks first: nothing is emitted any more once the grace period is over. */
static int device_release(struct inode *inode, struct file *file)
{
	struct tap_file *mine = file->private_data;

	if (mine->reader) {
		mutex_lock(&reader_lock);
		tap_hooks_set(0);
		RCU_INIT_POINTER(tap_reader, NULL);
		mutex_unlock(&reader_lock);
		synchronize_rcu();
		reader_free(mine->reader);
	}
	kfree(mine);
	return 0;
}

static long say_hello(struct tap_file *mine, void __user *arg)
{
	struct vex_tap_hello hello;
	bool fits;

	if (copy_from_user(&hello, arg, sizeof(hello)))
		return -EFAULT;
	if (hello.magic != VEX_TAP_MAGIC)
		return -EINVAL;
	fits = hello.abi_version == VEX_ABI_VERSION && hello.tap_version == VEX_TAP_VERSION;
	hello.abi_version = VEX_ABI_VERSION;
	hello.tap_version = VEX_TAP_VERSION;
	hello.lane_count = tap_lane_count();
	if (copy_to_user(arg, &hello, sizeof(hello)))
		return -EFAULT;
	mine->greeted = fits;
	return fits ? 0 : -EPROTO;
}

static long publish_reader(struct tap_file *mine, struct tap_reader *reader)
{
	long error = 0;

	mutex_lock(&reader_lock);
	if (rcu_access_pointer(tap_reader)) {
		error = -EBUSY;
	} else {
		rcu_assign_pointer(tap_reader, reader);
		mine->reader = reader;
	}
	mutex_unlock(&reader_lock);
	return error;
}

static long attach(struct tap_file *mine, const struct file *file, void __user *arg)
{
	struct vex_tap_attach want;
	struct tap_reader *reader;
	long error;

	if (copy_from_user(&want, arg, sizeof(want)))
		return -EFAULT;
	if (!may_attach(file))
		return -EPERM;
	if (!mine->greeted)
		return -EPROTO;
	if (mine->reader || rcu_access_pointer(tap_reader))
		return -EBUSY;
	if (!want.ring_size)
		want.ring_size = VEX_TAP_RING_DEFAULT;
	if (want.reserved || want.ring_size < VEX_LANE_RING_MIN ||
	    want.ring_size > VEX_LANE_RING_MAX || (want.ring_size & (want.ring_size - 1)))
		return -EINVAL;
	reader = kzalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	init_waitqueue_head(&reader->wait);
	reader->lanes = tap_lanes_new(want.ring_size);
	if (IS_ERR(reader->lanes)) {
		error = PTR_ERR(reader->lanes);
		kfree(reader);
		return error;
	}
	want.lane_count = reader->lanes->count;
	error = copy_to_user(arg, &want, sizeof(want)) ? -EFAULT : publish_reader(mine, reader);
	if (error)
		reader_free(reader);
	return error;
}

static struct tap_selection *read_selection(const void __user *arg)
{
	struct tap_selection *selection = kvzalloc(sizeof(*selection), GFP_KERNEL);
	struct vex_tap_select *want;
	int error;
	u32 i;

	if (!selection)
		return ERR_PTR(-ENOMEM);
	want = &selection->want;
	error = copy_from_user(want, arg, sizeof(*want)) ? -EFAULT : tap_selection_check(want);
	if (error) {
		kvfree(selection);
		return ERR_PTR(error);
	}
	for (i = 0; i < want->prefix_count; i++) {
		u32 len = strlen(want->prefixes[i]);

		while (len > 1 && want->prefixes[i][len - 1] == '/')
			len--;
		selection->prefix_len[i] = len;
	}
	selection->reader = current->tgid;
	selection->by_process = want->uid_count || want->pid_count || want->cgroup_count;
	return selection;
}

static u64 types_of(const struct vex_tap_select *want)
{
	const u64 *types = want->types;

	if (!(types[0] | types[1] | types[2] | types[3]))
		return tap_types();
	return ((types[0] & ~7ull) | (types[1] & 6)) & tap_types();
}

/* The old selection goes on until the new one's hooks are there. */
static long select_events(struct tap_file *mine, const void __user *arg)
{
	struct tap_reader *reader = mine->reader;
	struct tap_selection *fresh, *old;
	long error;

	if (!reader)
		return -ENOTCONN;
	fresh = read_selection(arg);
	if (IS_ERR(fresh))
		return PTR_ERR(fresh);
	mutex_lock(&reader_lock);
	if (!rcu_access_pointer(reader->selection))
		tap_discover_all();
	old = rcu_replace_pointer(reader->selection, fresh, lockdep_is_held(&reader_lock));
	error = tap_hooks_set(types_of(&fresh->want));
	if (error) {
		rcu_assign_pointer(reader->selection, NULL);
		tap_hooks_set(0);
	}
	mutex_unlock(&reader_lock);
	synchronize_rcu();
	kvfree(old);
	if (error)
		kvfree(fresh);
	return error;
}

static long pause_events(struct tap_file *mine)
{
	struct tap_selection *old;

	if (!mine->reader)
		return -ENOTCONN;
	mutex_lock(&reader_lock);
	tap_hooks_set(0);
	old = rcu_replace_pointer(mine->reader->selection, NULL, lockdep_is_held(&reader_lock));
	mutex_unlock(&reader_lock);
	synchronize_rcu();
	kvfree(old);
	return 0;
}

static void add_losses(struct vex_tap_stats *stats)
{
	struct tap_reader *reader;
	unsigned int i, reason;

	rcu_read_lock();
	reader = rcu_dereference(tap_reader);
	for (i = 0; reader && i < reader->lanes->count; i++)
		for (reason = 0; reason < VEX_GAP_REASON_COUNT; reason++)
			stats->lost[reason] += READ_ONCE(reader->lanes->lane[i].lost[reason]);
	rcu_read_unlock();
}

static long tell_stats(void __user *arg)
{
	struct vex_tap_stats *stats = kvzalloc(sizeof(*stats), GFP_KERNEL);
	long error;

	if (!stats)
		return -ENOMEM;
	tap_stats_add(stats);
	tap_return_stats(stats);
	add_losses(stats);
	stats->unhooked = tap_unhooked();
	stats->in_flight = tap_in_flight();
	error = copy_to_user(arg, stats, sizeof(*stats)) ? -EFAULT : 0;
	kvfree(stats);
	return error;
}

static long set_return(struct file *file, const void __user *arg)
{
	struct vex_tap_return how;

	if (!may_attach(file))
		return -EPERM;
	return copy_from_user(&how, arg, sizeof(how)) ? -EFAULT : tap_return_set(&how);
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long word)
{
	struct tap_file *mine = file->private_data;
	void __user *arg = (void __user *)word;
	long result;

	if (command == VEX_TAP_STATS)
		return tell_stats(arg);
	mutex_lock(&mine->lock);
	switch (command) {
	case VEX_TAP_HELLO:
		result = say_hello(mine, arg);
		break;
	case VEX_TAP_ATTACH:
		result = attach(mine, file, arg);
		break;
	case VEX_TAP_SELECT:
		result = select_events(mine, arg);
		break;
	case VEX_TAP_PAUSE:
		result = pause_events(mine);
		break;
	case VEX_TAP_RETURN:
		result = set_return(file, arg);
		break;
	default:
		result = -ENOTTY;
	}
	mutex_unlock(&mine->lock);
	return result;
}

/* A reader is there for good once it is: no lock is needed beside the loads. */
static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tap_file *mine = file->private_data;
	struct tap_reader *reader = READ_ONCE(mine->reader);

	return reader ? tap_lanes_mmap(reader->lanes, vma) : -ENOTCONN;
}

static __poll_t device_poll(struct file *file, poll_table *table)
{
	struct tap_file *mine = file->private_data;
	struct tap_reader *reader = READ_ONCE(mine->reader);

	if (!reader)
		return EPOLLERR;
	poll_wait(file, &reader->wait, table);
	return tap_lanes_ready(reader->lanes) ? EPOLLIN | EPOLLRDNORM : 0;
}

static ssize_t device_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	if (!may_attach(file))
		return -EPERM;
	return tap_return(from, size);
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = device_mmap,
	.poll = device_poll,
	.write = device_write,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vexplane",
	.fops = &device_operations,
	.mode = 0600,
};

int tap_device_init(void)
{
	return misc_register(&device);
}

void tap_device_exit(void)
{
	misc_deregister(&device);
}
