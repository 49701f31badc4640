/* SPDX-License-Identifier: BSD-3-Clause */
/* Events as programs see them. On the polling path: no lock, no heap, no system call. */
#include "event/event.h"
#include "rule/program.h"

VEX_STATIC_ASSERT((int)VEX_PROGRAM_HAS_TASK == (int)VEX_HAS_TASK &&
				(int)VEX_PROGRAM_HAS_PATH == (int)VEX_HAS_PATH &&
				(int)VEX_PROGRAM_HAS_VECTOR == (int)VEX_HAS_VECTOR,
		"programs see the groups of an event by the same bits");

/* Cut, and filled up with NULs. */
static uint32_t put_text(char *out, size_t size, const struct vex_bytes *text)
{
	size_t len = text->len < size - 1 ? text->len : size - 1;

	if (len)
		memcpy(out, text->data, len);
	memset(out + len, 0, size - len);
	return (uint32_t)text->len;
}

static void put_end(char *out, const struct vex_bytes *path)
{
	size_t len = path->len < VEX_PROGRAM_END ? path->len : VEX_PROGRAM_END;

	memset(out, 0, VEX_PROGRAM_END - len);
	if (len)
		memcpy(out + VEX_PROGRAM_END - len, (const char *)path->data + path->len - len, len);
}

static struct vex_bytes file_name(const struct vex_bytes *path)
{
	const char *data = path->data;
	size_t at = path->len;

	if (!at)
		return *path;
	while (at && data[at - 1] != '/')
		at--;
	return (struct vex_bytes){data + at, path->len - at};
}

static void put_texts(const struct vex_event *event, struct vex_program_event *out)
{
	struct vex_bytes name = file_name(&event->path);

	out->path_len = put_text(out->path, sizeof(out->path), &event->path);
	out->path2_len = put_text(out->path2, sizeof(out->path2), &event->path2);
	out->name_len = put_text(out->name, sizeof(out->name), &name);
	out->comm_len = put_text(out->comm, sizeof(out->comm), &event->comm);
	put_end(out->path_end, &event->path);
}

static void put_numbers(const struct vex_event *event, struct vex_program_event *out)
{
	out->node = event->id.node;
	out->port = event->id.port;
	out->lane = event->id.lane;
	out->seq = event->id.seq;
	out->start_ns = event->start_ns;
	out->duration_ns = event->duration_ns;
	out->result = event->result;
	out->pid = event->pid;
	out->tid = event->tid;
	out->ppid = event->ppid;
	out->uid = event->uid;
	out->gid = event->gid;
	out->tenant = event->tenant;
}

static void put_file(const struct vex_event *event, struct vex_program_event *out)
{
	out->mode = event->mode;
	out->flags = event->flags;
	out->dev = event->dev;
	out->ino = event->ino;
	out->parent_ino = event->parent_ino;
	out->parent2_ino = event->parent2_ino;
	out->offset = event->offset;
	out->size = event->size;
	out->graph = event->graph;
	out->vector = event->vector;
}

void rule_program_event(const struct vex_record *record, struct vex_program_event *out)
{
	struct vex_event_space space;
	struct vex_event event;

	vex_event_decode(record, &event, &space);
	out->has = event.has & ~(uint32_t)VEX_HAS_GAP;
	out->type = event.type;
	out->boundary = event.boundary;
	out->zero = 0;
	out->zero2 = 0;
	put_numbers(&event, out);
	put_file(&event, out);
	put_texts(&event, out);
}
