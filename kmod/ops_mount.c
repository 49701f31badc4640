// SPDX-License-Identifier: GPL-2.0
/* Mounting and unmounting. */
#include <linux/namei.h>
#include <linux/slab.h>

#include "ops.h"

enum { MOUNT, MOVE, UMOUNT };

static void of_path(struct tap_event *event, const struct path *path)
{
	tap_event_inode(event, d_inode(path->dentry));
	event->parent_ino = tap_parent_ino(path->dentry);
	event->path.mnt = path->mnt;
	event->path.dentry = path->dentry;
}

/* path_mount(device, path, type, flags, data): the folder is the one that is covered. */
static unsigned long on_mount(TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_MOUNT, .flags = d };
	unsigned long result;

	tap_enter();
	event.path2.text = (const char *)a;
	if (c) {
		event.key = "fstype";
		event.value = (const void *)c;
		event.value_len = strlen((const char *)c);
	}
	event.start_ns = tap_now();
	result = tap_mount_hooks[MOUNT].rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	of_path(&event, (const struct path *)b);
	tap_emit(&event);
	tap_leave();
	return result;
}

/* do_move_mount(from, to), by move_mount(2), and by mount(2), which tells of it by itself. */
static unsigned long on_move(TAP_PARAMS)
{
	struct tap_event event = { .type = VEX_MOUNT };
	unsigned long result;

	tap_enter();
	event.start_ns = tap_now();
	result = tap_mount_hooks[MOVE].rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	of_path(&event, (const struct path *)b);
	tap_emit(&event);
	tap_leave();
	return result;
}

/* path_umount(path, flags) gives the path back itself, and afterwards it leads nowhere. */
static unsigned long on_umount(TAP_PARAMS)
{
	const struct path *path = (const struct path *)a;
	struct tap_event event = { .type = VEX_UNMOUNT, .flags = b };
	char *buffer, *text;
	unsigned long result;

	tap_enter(); /* first of all: what may sleep before it would not hold the module back */
	buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	text = buffer ? d_path(path, buffer, PATH_MAX) : NULL;
	of_path(&event, path);
	event.path = (struct tap_place){ .text = IS_ERR(text) ? NULL : text };
	event.start_ns = tap_now();
	result = tap_mount_hooks[UMOUNT].rest(a, b, c, d, e, f);
	event.end_ns = tap_now();
	event.result = (int)result;
	tap_emit(&event);
	kfree(buffer);
	tap_leave();
	return result;
}

struct tap_hook tap_mount_hooks[] = {
	[MOUNT] = { .name = "path_mount", .ours = on_mount, .types = tap_bit(VEX_MOUNT) },
	[MOVE] = { .name = "do_move_mount", .ours = on_move, .types = tap_bit(VEX_MOUNT) },
	[UMOUNT] = { .name = "path_umount", .ours = on_umount, .types = tap_bit(VEX_UNMOUNT) },
};

const unsigned int tap_mount_hook_count = ARRAY_SIZE(tap_mount_hooks);
