// SPDX-License-Identifier: GPL-2.0
/*
 * The reverse lane: records written to the device, from other boundaries and other nodes. Each is
 * copied, validated, and handed to the subscribers in the kernel; where it was asked for,
 * fsnotify is raised on the path that it names, as if the change had been made here.
 */
#include <linux/fsnotify.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/notifier.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tap.h"
#include "vex_tap.h"

#define BURST_NS NSEC_PER_SEC

static BLOCKING_NOTIFIER_HEAD(subscribers);
static DEFINE_MUTEX(take_lock); /* one record after the other; a path's file system may hang */
static DEFINE_MUTEX(return_lock); /* of all below; nobody waits for anything while he has it */
static struct vex_tap_return how = { .rate = VEX_TAP_RETURN_RATE };
static u64 earliest_ns; /* of the next record: a second's worth may come at once */
static u64 returned, refused, limited, raised;

int vex_tap_subscribe(struct notifier_block *block)
{
	return blocking_notifier_chain_register(&subscribers, block);
}
EXPORT_SYMBOL_GPL(vex_tap_subscribe);

int vex_tap_unsubscribe(struct notifier_block *block)
{
	return blocking_notifier_chain_unregister(&subscribers, block);
}
EXPORT_SYMBOL_GPL(vex_tap_unsubscribe);

int tap_return_set(const struct vex_tap_return *want)
{
	if (want->flags & ~VEX_TAP_RETURN_FSNOTIFY)
		return -EINVAL;
	mutex_lock(&return_lock);
	how = *want;
	if (!how.rate)
		how.rate = VEX_TAP_RETURN_RATE;
	mutex_unlock(&return_lock);
	return 0;
}

void tap_return_stats(struct vex_tap_stats *stats)
{
	mutex_lock(&return_lock);
	stats->returned = returned;
	stats->refused = refused;
	stats->limited = limited;
	stats->raised = raised;
	mutex_unlock(&return_lock);
}

static bool rate_allows(void)
{
	u64 now = ktime_get_ns();
	bool allows;

	mutex_lock(&return_lock);
	if (earliest_ns < now)
		earliest_ns = now;
	allows = earliest_ns - now <= BURST_NS;
	if (allows)
		earliest_ns += NSEC_PER_SEC / how.rate;
	else
		limited++;
	mutex_unlock(&return_lock);
	return allows;
}

static bool raises(void)
{
	bool asked;

	mutex_lock(&return_lock);
	asked = how.flags & VEX_TAP_RETURN_FSNOTIFY;
	mutex_unlock(&return_lock);
	return asked;
}

static void count_one(u64 *counter)
{
	mutex_lock(&return_lock);
	++*counter;
	mutex_unlock(&return_lock);
}

static const char *path_of(const struct vex_record *record, u32 wanted, u32 *len)
{
	const u8 *at = (const u8 *)(record + 1);
	const u8 *end = (const u8 *)record + record->size;
	u32 head;

	for (; at < end; at += vex_attr_span(vex_attr_head_len(head))) {
		memcpy(&head, at, sizeof(head));
		if (vex_attr_head_id(head) != wanted)
			continue;
		*len = vex_attr_head_len(head);
		return (const char *)at + VEX_ATTR_HEAD;
	}
	return NULL;
}

/* What a watcher of the folder hears, of a name in it that may be gone. */
static u32 name_mask(u16 type)
{
	switch (type) {
	case VEX_CREATE:
	case VEX_MKNOD:
	case VEX_SYMLINK:
		return FS_CREATE;
	case VEX_MKDIR:
		return FS_CREATE | FS_ISDIR;
	case VEX_DELETE:
		return FS_DELETE;
	case VEX_RMDIR:
		return FS_DELETE | FS_ISDIR;
	default:
		return 0;
	}
}

/* What a watcher of the file, or of its folder, hears. */
static u32 file_mask(u16 type)
{
	switch (type) {
	case VEX_WRITE:
	case VEX_TRUNCATE:
	case VEX_FALLOCATE:
	case VEX_COPY_FILE_RANGE:
		return FS_MODIFY;
	case VEX_READ:
		return FS_ACCESS;
	case VEX_OPEN:
		return FS_OPEN;
	case VEX_CLOSE:
		return FS_CLOSE_WRITE;
	case VEX_CHMOD:
	case VEX_CHOWN:
	case VEX_UTIMENS:
	case VEX_SETXATTR:
	case VEX_REMOVEXATTR:
		return FS_ATTRIB;
	default:
		return 0;
	}
}

static void raise_file(const char *text, u32 mask)
{
	struct path path;

	if (kern_path(text, 0, &path))
		return;
	fsnotify_dentry(path.dentry, mask);
	count_one(&raised);
	path_put(&path);
}

static void raise_name(char *text, u32 mask, u32 cookie)
{
	char *slash = strrchr(text, '/');
	struct qstr name = QSTR_INIT(slash + 1, strlen(slash + 1));
	struct path folder;

	if (!name.len)
		return;
	*slash = '\0';
	if (!kern_path(slash == text ? "/" : text, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &folder)) {
		fsnotify_name(mask, d_inode(folder.dentry), FSNOTIFY_EVENT_INODE,
			      d_inode(folder.dentry), &name, cookie);
		count_one(&raised);
		path_put(&folder);
	}
	*slash = '/';
}

/* The path's text, to be freed; NULL where there is none that begins at the top. */
static char *text_of(const struct vex_record *record, u32 wanted)
{
	const char *at;
	u32 len;

	at = path_of(record, wanted, &len);
	return at && len && *at == '/' && len < PATH_MAX ? kmemdup_nul(at, len, GFP_KERNEL) : NULL;
}

static void raise(const struct vex_record *record)
{
	char *text = text_of(record, VEX_ATTR_PATH);
	char *second = text_of(record, VEX_ATTR_PATH2);

	if (record->result < 0)
		goto out;
	if (text && name_mask(record->type)) {
		raise_name(text, name_mask(record->type), 0);
	} else if (text && second && record->type == VEX_RENAME) {
		u32 cookie = fsnotify_get_cookie();

		raise_name(text, FS_MOVED_FROM, cookie);
		raise_name(second, FS_MOVED_TO, cookie);
	} else if (second && record->type == VEX_LINK) {
		raise_name(second, FS_CREATE, 0);
	} else if (text && file_mask(record->type)) {
		raise_file(text, file_mask(record->type));
	}
out:
	kfree(text);
	kfree(second);
}

/* One record of what was written, at most size bytes; how long it was, or an error. */
static ssize_t take(const char __user *from, size_t size)
{
	struct vex_record *record;
	u32 length;

	if (size < VEX_RECORD_MIN || get_user(length, (const u32 __user *)from))
		return size < VEX_RECORD_MIN ? -EINVAL : -EFAULT;
	if (length < VEX_RECORD_MIN || length > VEX_RECORD_MAX || length > size || length % 8)
		return -EINVAL;
	record = kvmalloc(length, GFP_KERNEL);
	if (!record)
		return -ENOMEM;
	if (copy_from_user(record, from, length)) {
		kvfree(record);
		return -EFAULT;
	}
	record->size = length; /* it could have been changed in between */
	if (!tap_record_valid(record, length)) {
		kvfree(record);
		return -EINVAL;
	}
	blocking_notifier_call_chain(&subscribers, record->type, record);
	if (raises())
		raise(record);
	count_one(&returned);
	kvfree(record);
	return length;
}

ssize_t tap_return(const char __user *from, size_t size)
{
	ssize_t done = 0, error = size ? 0 : -EINVAL;

	if (mutex_lock_killable(&take_lock))
		return -EINTR;
	while ((size_t)done < size && !error) {
		bool allowed = rate_allows();
		ssize_t length = allowed ? take(from + done, size - done) : -EAGAIN;

		if (length > 0)
			done += length;
		else
			error = length;
		if (allowed && length < 0)
			count_one(&refused);
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	mutex_unlock(&take_lock);
	return done ? done : error;
}
