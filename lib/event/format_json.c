/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/format.h"

#include "event/out.h"

static void put_identity(struct out *out, const struct vex_event *event)
{
	char text[OUT_SHORT];

	out_id(&event->id, text);
	out_key_text(out, "id", text);
	out_time(event->start_ns, text);
	out_key_text(out, "time", text);
	out_key_text(out, "type", out_name(vex_type_name(event->type)));
	out_key_text(out, "category", out_name(vex_category_name(vex_type_category(event->type))));
	out_key_text(out, "boundary", out_name(vex_boundary_name(event->boundary)));
	out_key_u64(out, "node", event->id.node);
	out_key_u64(out, "port", event->id.port);
	out_key_u64(out, "lane", event->id.lane);
	out_key_u64(out, "seq", event->id.seq);
}

static void put_outcome(struct out *out, const struct vex_event *event)
{
	char text[OUT_SHORT];

	out_key_u64(out, "start_ns", event->start_ns);
	out_key_u64(out, "duration_ns", event->duration_ns);
	out_key_i64(out, "result", event->result);
	if (event->result < 0) {
		out_error(event->result, text);
		out_key_text(out, "error", text);
	}
}

static void put_process(struct out *out, const struct vex_event *event)
{
	out_key_u64(out, "pid", event->pid);
	if (event->has & VEX_HAS_TASK) {
		out_key_u64(out, "tid", event->tid);
		out_key_u64(out, "ppid", event->ppid);
	}
	out_key_u64(out, "uid", event->uid);
	out_key_u64(out, "gid", event->gid);
	if (event->has & VEX_HAS_COMM)
		out_key_exact(out, "comm", event->comm);
	if (event->has & VEX_HAS_TENANT)
		out_key_u64(out, "tenant", event->tenant);
}

static void put_file(struct out *out, const struct vex_event *event)
{
	if (event->has & VEX_HAS_PATH)
		out_key_exact(out, "path", event->path);
	if (event->has & VEX_HAS_PATH2)
		out_key_exact(out, "path2", event->path2);
	if (event->has & VEX_HAS_FILE) {
		out_key_u64(out, "dev", event->dev);
		out_key_u64(out, "ino", event->ino);
		out_key_u64(out, "parent_ino", event->parent_ino);
		out_key_u64(out, "mode", event->mode);
		out_key_u64(out, "flags", event->flags);
	}
	out_range(out, event);
}

ssize_t vex_format_json(const struct vex_event *event, char *text, size_t cap)
{
	struct out out;

	out_begin(&out, text, cap);
	out_open(&out, NULL, '{');
	put_identity(&out, event);
	put_outcome(&out, event);
	put_process(&out, event);
	put_file(&out, event);
	out_extras(&out, event);
	out_close(&out, '}');
	return out_finish(&out);
}
