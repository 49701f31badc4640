// SPDX-License-Identifier: GPL-2.0
/* An event as a record. Runs with preemption off, which holds off who waits for RCU as well. */
#include <linux/cred.h>
#include <linux/kdev_t.h>
#include <linux/sched.h>

#include "tap.h"

#define WORD sizeof(u64)

static u32 span(u32 len)
{
	return vex_attr_span(len);
}

u32 tap_record_size(const struct tap_event *event, const struct tap_names *names)
{
	u32 size = VEX_RECORD_MIN + span(sizeof(struct vex_attr_task)) + span(names->comm_len);

	if (event->has_file)
		size += span(sizeof(struct vex_attr_file));
	if (event->has_range)
		size += span(sizeof(struct vex_attr_range));
	if (names->path.at)
		size += span(names->path.len);
	if (names->path2.at)
		size += span(names->path2.len);
	if (event->end_ns - event->start_ns >= U32_MAX)
		size += span(sizeof(u64));
	if (event->has_parent2)
		size += span(sizeof(u64));
	if (event->key)
		size += span(strlen(event->key)) + (event->value ? span(event->value_len) : 0);
	return size;
}

static __always_inline u8 *begin(u8 *at, struct vex_record *record, u32 id, u32 len)
{
	u32 head = vex_attr_head(id, len);

	memset(at + span(len) - 8, 0, 8);
	memcpy(at, &head, sizeof(head));
	record->attr_count++;
	return at + VEX_ATTR_HEAD;
}

/* What is of a fixed size, or may be long. */
static __always_inline u8 *put(u8 *at, struct vex_record *record, u32 id, const void *data, u32 len)
{
	memcpy(begin(at, record, id, len), data, len);
	return at + span(len);
}

static __always_inline void copy_word(u8 *to, const u8 *from)
{
	u64 word;

	memcpy(&word, from, WORD);
	memcpy(to, &word, WORD);
}

/* By words, the last of which may overlap: names are short, and a call of memcpy() is not. */
static u8 *put_bytes(u8 *at, struct vex_record *record, u32 id, const void *data, u32 len)
{
	u8 *to = begin(at, record, id, len);
	const u8 *from = data;
	u32 i;

	for (i = 0; i + WORD <= len; i += WORD)
		copy_word(to + i, from + i);
	if (len >= WORD)
		copy_word(to + len - WORD, from + len - WORD);
	else
		for (; i < len; i++)
			to[i] = from[i];
	return at + span(len);
}

static u8 *put_text(u8 *at, struct vex_record *record, u32 id, struct tap_text text)
{
	return text.at ? put_bytes(at, record, id, text.at, text.len) : at;
}

static void fill_head(struct vex_record *record, const struct tap_event *event)
{
	u64 duration = event->end_ns - event->start_ns;

	memset(&record->id, 0, sizeof(record->id));
	record->start_ns = event->start_ns;
	record->duration_ns = duration < U32_MAX ? duration : U32_MAX;
	record->result = clamp_t(s64, event->result, S32_MIN, S32_MAX);
	record->type = event->type;
	record->boundary = VEX_BOUNDARY_KERNEL;
	record->attr_count = 0;
	record->pid = current->tgid;
	record->uid = __kuid_val(current_uid()); /* as the first user namespace has them */
	record->gid = __kgid_val(current_gid());
}

static u8 *put_who(u8 *at, struct vex_record *record, const struct tap_names *names)
{
	struct vex_attr_task task = { .tid = current->pid };

	task.ppid = rcu_dereference_sched(current->real_parent)->tgid;
	at = put(at, record, VEX_ATTR_TASK, &task, sizeof(task));
	return put_bytes(at, record, VEX_ATTR_COMM, names->comm, names->comm_len);
}

static u8 *put_file(u8 *at, struct vex_record *record, const struct tap_event *event)
{
	struct vex_attr_file file = { .dev = new_encode_dev(event->dev),
				      .ino = event->ino,
				      .parent_ino = event->parent_ino,
				      .mode = event->mode,
				      .flags = event->flags };

	return put(at, record, VEX_ATTR_FILE, &file, sizeof(file));
}

static u8 *put_range(u8 *at, struct vex_record *record, const struct tap_event *event)
{
	struct vex_attr_range range = { .offset = event->offset, .size = event->size };

	return put(at, record, VEX_ATTR_RANGE, &range, sizeof(range));
}

void tap_record_fill(struct vex_record *record, const struct tap_event *event,
		     const struct tap_names *names)
{
	u64 duration = event->end_ns - event->start_ns;
	u8 *at = (u8 *)(record + 1);

	fill_head(record, event);
	at = put_who(at, record, names);
	if (event->has_file)
		at = put_file(at, record, event);
	if (event->has_range)
		at = put_range(at, record, event);
	at = put_text(at, record, VEX_ATTR_PATH, names->path);
	at = put_text(at, record, VEX_ATTR_PATH2, names->path2);
	if (duration >= U32_MAX)
		at = put(at, record, VEX_ATTR_DURATION, &duration, sizeof(duration));
	if (event->has_parent2)
		at = put(at, record, VEX_ATTR_PARENT2, &event->parent2_ino, sizeof(u64));
	if (event->key)
		at = put_bytes(at, record, VEX_ATTR_NAME, event->key, strlen(event->key));
	if (event->key && event->value)
		at = put(at, record, VEX_ATTR_VALUE, event->value, event->value_len);
}
