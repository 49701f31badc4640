// SPDX-License-Identifier: GPL-2.0
/*
 * A module that speaks for itself, as a file system written for vexplane would: writing "N" to
 * its parameter "emit" performs N operations, each with its start and its end; what comes back by
 * the reverse lane is counted in "heard", and its latest type and path are in "type" and "path".
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/timekeeping.h>

#include "vex_tap.h"

static int heard, last_type;
static char last_path[128];
module_param_named(heard, heard, int, 0444);
module_param_named(type, last_type, int, 0444);
module_param_string(path, last_path, sizeof(last_path), 0444);

/* By the clock that operations are measured with: udelay() is not sure to be as long. */
static void take_a_microsecond(void)
{
	u64 end = ktime_get_real_fast_ns() + NSEC_PER_USEC;

	while (ktime_get_real_fast_ns() < end)
		cpu_relax();
}

static int emit_set(const char *text, const struct kernel_param *param)
{
	unsigned int i, count;

	if (kstrtouint(text, 0, &count) || count > 100000)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		struct vex_tap_operation operation = { .dev = MKDEV(7, 3),
						       .ino = 1000 + i,
						       .parent_ino = 999,
						       .mode = 0100644,
						       .has_range = true,
						       .offset = i,
						       .size = 512,
						       .path = "/sample/file" };

		if (!vex_tap_begin(&operation, VEX_WRITE))
			continue;
		take_a_microsecond();
		vex_tap_end(&operation, 512);
	}
	return 0;
}

static const struct kernel_param_ops emit_ops = { .set = emit_set };
module_param_cb(emit, &emit_ops, NULL, 0200);

static int hear(struct notifier_block *block, unsigned long type, void *data)
{
	const struct vex_record *record = data;
	const u8 *at = (const u8 *)(record + 1), *end = (const u8 *)record + record->size;
	u32 head;

	heard++;
	last_type = type;
	for (; at < end; at += vex_attr_span(vex_attr_head_len(head))) {
		memcpy(&head, at, sizeof(head));
		if (vex_attr_head_id(head) == VEX_ATTR_PATH)
			snprintf(last_path, sizeof(last_path), "%.*s",
				 (int)vex_attr_head_len(head), at + VEX_ATTR_HEAD);
	}
	return NOTIFY_OK;
}

static struct notifier_block block = { .notifier_call = hear };

static int __init sample_init(void)
{
	return vex_tap_subscribe(&block);
}

static void __exit sample_exit(void)
{
	vex_tap_unsubscribe(&block);
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("emits and hears events through vex_tap");
MODULE_LICENSE("GPL");
