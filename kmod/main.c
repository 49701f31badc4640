// SPDX-License-Identifier: GPL-2.0
/* vex_tap: loading and unloading, and the functions for other modules. */
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "tap.h"
#include "vex_tap.h"

static bool listened_to(u16 type)
{
	struct tap_reader *reader;
	struct tap_selection *selection;
	bool wanted = false;

	rcu_read_lock();
	reader = rcu_dereference(tap_reader);
	selection = reader ? rcu_dereference(reader->selection) : NULL;
	if (selection)
		wanted = tap_type_wanted(&selection->want, type);
	rcu_read_unlock();
	return wanted;
}

bool vex_tap_begin(struct vex_tap_operation *operation, u16 type)
{
	operation->type = type;
	if (type >= VEX_TYPE_LIMIT || !rcu_access_pointer(tap_reader) || !listened_to(type))
		return false;
	operation->start_ns = tap_now();
	return true;
}
EXPORT_SYMBOL_GPL(vex_tap_begin);

void vex_tap_end(struct vex_tap_operation *operation, s64 result)
{
	struct tap_event event = { .type = operation->type,
				   .result = result,
				   .start_ns = operation->start_ns,
				   .end_ns = tap_now(),
				   .has_file = true,
				   .dev = operation->dev,
				   .ino = operation->ino,
				   .parent_ino = operation->parent_ino,
				   .mode = operation->mode,
				   .flags = operation->flags,
				   .has_range = operation->has_range,
				   .offset = operation->offset,
				   .size = operation->size,
				   .path.text = operation->path,
				   .path2.text = operation->path2 };

	if (!operation->start_ns || operation->type >= VEX_TYPE_LIMIT ||
	    operation->type == VEX_GAP || operation->type == VEX_TYPE_NONE)
		return;
	tap_emit(&event);
}
EXPORT_SYMBOL_GPL(vex_tap_end);

static int find_functions(void)
{
	int error = tap_search_begin();

	if (error)
		return error;
	tap_names_find();
	error = tap_hooks_find();
	tap_search_end();
	return error;
}

static int __init tap_init(void)
{
	int error = tap_emit_init();

	if (error)
		return error;
	error = find_functions();
	if (error)
		goto free_emit;
	error = tap_device_init();
	if (error)
		goto end_hooks;
	return 0;

end_hooks:
	tap_hooks_end();
free_emit:
	tap_emit_exit();
	return error;
}

/* No reader is left: each holds the module. */
static void __exit tap_exit(void)
{
	tap_device_exit();
	tap_hooks_end();
	tap_emit_exit();
}

module_init(tap_init);
module_exit(tap_exit);

MODULE_DESCRIPTION("vexplane: every VFS operation as an event");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
