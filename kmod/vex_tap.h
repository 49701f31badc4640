/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For other kernel modules: emit events of one's own, and hear of those that come back.
 *
 * A file system written for it begins an operation, performs it, and ends it; the record goes
 * into the lanes like those of the hooks, if a reader wants it. Any context but NMI; nothing
 * sleeps. Where nobody listens vex_tap_begin() returns false, and the rest may be left out.
 */
#ifndef VEX_TAP_H
#define VEX_TAP_H

#include <linux/notifier.h>
#include <linux/types.h>

#include "abi/record.h"

struct vex_tap_operation {
	u16 type;	   /* enum vex_type */
	u64 start_ns;	   /* by vex_tap_begin() */
	dev_t dev;	   /* the kernel's own */
	u64 ino;
	u64 parent_ino;
	u32 mode;
	u32 flags;
	bool has_range;
	u64 offset;
	u64 size;
	const char *path;  /* until vex_tap_end() returns; ends in NUL; NULL: none */
	const char *path2;
};

/** Notes the time. Whether a reader listens to this type at all. */
bool vex_tap_begin(struct vex_tap_operation *operation, u16 type);

/** result: 0 or a positive count, or a negative errno. */
void vex_tap_end(struct vex_tap_operation *operation, s64 result);

/**
 * Records of the reverse lane: the notifier's action is the type, its data a const struct
 * vex_record, validated, until it returns. A VEX_GAP tells of some that were lost on the way.
 * May sleep. -EEXIST, -ENOENT as for any chain.
 */
int vex_tap_subscribe(struct notifier_block *block);
int vex_tap_unsubscribe(struct notifier_block *block);

#endif
