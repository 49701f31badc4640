/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls about the kernel module, which the data plane alone has to do with. */
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "event/event.h"
#include "report.h"
#include "tap/select.h"

/* NULL where the task has failed: there is no data plane, or it has no tap. */
static const struct vex_kernel_stat *take(struct control *control, struct task *task)
{
	const struct vex_stat_segment *segment = plane_segment(control->plane);
	struct vex_kernel_stat *kernel = &control->copy->kernel;

	if (!segment) {
		task_fail(task, WIRE_AWAY, "%s", plane_why(control->plane));
		return NULL;
	}
	vex_stat_copy_part(segment, &segment->kernel, kernel, sizeof(*kernel));
	if (kernel->state != VEX_SLOT_FREE)
		return kernel;
	task_fail(task, WIRE_REFUSED, "the data plane has no kernel tap; start it with --kernel-tap");
	return NULL;
}

static json_t *report_type(const struct vex_kernel_type_stat *stat, unsigned type)
{
	json_t *o = json_pack("{s:s}", "type", vex_type_name(type));

#define VEX_KERNEL_TYPE_COUNTER(name, description) report_set(o, #name, stat->name);
#include "stat/stat.def"
	json_object_set_new(o, "hook_mean_ns", json_real(report_ratio(stat->hook_ns, stat->timed)));
	return o;
}

void task_kernel_types(struct control *control, struct task *task)
{
	const struct vex_kernel_stat *kernel = take(control, task);
	json_t *list;
	unsigned type;

	if (!kernel)
		return;
	list = json_array();
	for (type = 1; type < VEX_TYPE_LIMIT; type++)
		if (kernel->type[type].seen && vex_type_name(type))
			json_array_append_new(list, report_type(&kernel->type[type], type));
	task_done(task, json_pack("{s:o}", "kernel", list));
}

static json_t *report_lost(const struct vex_kernel_stat *kernel)
{
	json_t *o = json_object();
	unsigned reason;

	for (reason = 0; reason < VEX_GAP_REASON_COUNT; reason++)
		report_set(o, vex_gap_reason_name(reason), kernel->lost[reason]);
	return o;
}

static json_t *report_selection(const struct vex_tap_select *selection)
{
	const char *const *key = vex_select_keys;
	char value[VEX_SELECT_VALUE_MAX];
	json_t *o = json_object();
	unsigned i;

	for (; *key; key++) {
		json_t *list = json_array();

		for (i = 0; vex_select_value(selection, *key, i, value); i++)
			json_array_append_new(list, report_text(value, sizeof(value)));
		json_object_set_new(o, *key, list);
	}
	return o;
}

void task_kernel_status(struct control *control, struct task *task)
{
	const struct vex_kernel_stat *kernel = take(control, task);
	struct vex_kernel_type_stat total = {0};
	unsigned type;
	json_t *o;

	if (!kernel)
		return;
	for (type = 0; type < VEX_TYPE_LIMIT; type++) {
#define VEX_KERNEL_TYPE_COUNTER(name, description) total.name += kernel->type[type].name;
#include "stat/stat.def"
	}
	o = json_pack("{s:b, s:I, s:I, s:I, s:I}", "enabled", kernel->enabled != 0, "seen",
			(json_int_t)total.seen, "emitted", (json_int_t)total.emitted, "filtered",
			(json_int_t)total.filtered, "dropped", (json_int_t)total.dropped);
	json_object_set_new(o, "lost", report_lost(kernel));
#define VEX_KERNEL_COUNTER(name, description) report_set(o, #name, kernel->name);
#include "stat/stat.def"
	json_object_set_new(o, "selection", report_selection(&kernel->selection));
	task_done(task, o);
}

/* 0, or -1 with a sentence in why. */
static int read_selection(const json_t *params, struct vex_tap_select *select, char *why, size_t cap)
{
	const char *const *key = vex_select_keys;
	const json_t *value;
	size_t i;

	for (; *key; key++)
		json_array_foreach(json_object_get(params, *key), i, value)
			if (vex_select_add(select, *key, json_string_value(value), why, cap))
				return -1;
	return 0;
}

/* A memfd with it, or a negative errno. */
static int pack(const struct vex_tap_select *select)
{
	int fd = memfd_create("vex-select", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (pwrite(fd, select, sizeof(*select), 0) == sizeof(*select))
		return fd;
	close(fd);
	return -ENOSPC;
}

static void on_selected(void *context, const struct vex_message *answer,
		const struct wire_failure *failure)
{
	struct task *task = context;

	(void)answer;
	if (failure)
		task_fail(task, failure->code, "%s", failure->text);
	else
		task_done(task, json_pack("{s:b}", "done", 1));
}

/* For the audit; what is too long for it ends in dots. */
static void note_selection(struct task *task)
{
	const size_t cap = sizeof(task->detail);
	char *text = json_dumps(task->params, JSON_COMPACT);

	if (snprintf(task->detail, cap, " %s", text ? text : "{}") >= (int)cap)
		strcpy(task->detail + cap - 4, "...");
	free(text);
}

void task_kernel_select(struct control *control, struct task *task)
{
	struct vex_tap_select select = {0};
	char why[200];
	int fd;

	note_selection(task);
	if (read_selection(task->params, &select, why, sizeof(why))) {
		task_fail(task, WIRE_PARAMS, "%s", why);
		return;
	}
	fd = pack(&select);
	if (fd < 0) {
		task_fail(task, WIRE_INTERNAL, "out of memory");
		return;
	}
	plane_order_with(control->plane, VEX_MESSAGE_KERNEL_SELECT, fd, on_selected, task);
	close(fd);
}
