/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/event.h"

#define NAME_LEN_MAX 255u
#define PATH_LEN_MAX 4096u
#define VALUE_LEN_MAX 65536u

static bool fits(const struct vex_event *event)
{
	if (event->comm.len > NAME_LEN_MAX || event->path.len > PATH_LEN_MAX ||
			event->path2.len > PATH_LEN_MAX)
		return false;
	if (event->pair_count > VEX_EVENT_PAIRS_MAX || event->label_count > VEX_EVENT_LABELS_MAX)
		return false;
	return true;
}

static uint32_t pairs_size(const struct vex_event *event)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < event->pair_count; i++) {
		const struct vex_pair *pair = &event->pairs[i];

		if (pair->name.len > NAME_LEN_MAX || pair->value.len > VALUE_LEN_MAX)
			return VEX_RECORD_MAX + 1;
		size += vex_attr_span((uint32_t)pair->name.len) +
				vex_attr_span((uint32_t)pair->value.len);
	}
	for (uint32_t i = 0; i < event->label_count; i++) {
		if (event->labels[i].len > NAME_LEN_MAX)
			return VEX_RECORD_MAX + 1;
		size += vex_attr_span((uint32_t)event->labels[i].len);
	}
	return size;
}

uint32_t vex_event_size(const struct vex_event *event)
{
	uint32_t has = event->has;
	uint32_t size = VEX_RECORD_MIN;

	if (!fits(event))
		return 0;
	if (has & VEX_HAS_TASK)
		size += vex_attr_span(sizeof(struct vex_attr_task));
	if (has & VEX_HAS_COMM)
		size += vex_attr_span((uint32_t)event->comm.len);
	if (has & VEX_HAS_TENANT)
		size += vex_attr_span(sizeof(uint32_t));
	if (has & VEX_HAS_FILE)
		size += vex_attr_span(sizeof(struct vex_attr_file));
	if (has & VEX_HAS_RANGE)
		size += vex_attr_span(sizeof(struct vex_attr_range));
	if (has & VEX_HAS_PATH)
		size += vex_attr_span((uint32_t)event->path.len);
	if (has & VEX_HAS_PATH2)
		size += vex_attr_span((uint32_t)event->path2.len);
	if (event->duration_ns >= UINT32_MAX)
		size += vex_attr_span(sizeof(uint64_t));
	if (has & VEX_HAS_PARENT2)
		size += vex_attr_span(sizeof(uint64_t));
	if (has & VEX_HAS_GAP)
		size += vex_attr_span(sizeof(struct vex_attr_gap));
	if (has & VEX_HAS_GRAPH)
		size += vex_attr_span(sizeof(struct vex_attr_graph));
	if (has & VEX_HAS_VECTOR)
		size += vex_attr_span(sizeof(struct vex_attr_vector));
	if (VEX_UNLIKELY(event->pair_count | event->label_count))
		size += pairs_size(event);
	return size > VEX_RECORD_MAX ? 0 : size;
}

/* The padding is cleared first: it lies within the last eight bytes of the attribute. */
static uint8_t *put(uint8_t *at, enum vex_attr_id id, const void *data, size_t len)
{
	uint32_t head = vex_attr_head(id, (uint32_t)len);
	uint32_t span = vex_attr_span((uint32_t)len);

	memset(at + span - 8, 0, 8);
	memcpy(at, &head, sizeof(head));
	if (len)
		memcpy(at + VEX_ATTR_HEAD, data, len);
	return at + span;
}

static uint8_t *put_file(const struct vex_event *event, uint8_t *at)
{
	struct vex_attr_file file = {.dev = event->dev,
			.ino = event->ino,
			.parent_ino = event->parent_ino,
			.mode = event->mode,
			.flags = event->flags};

	return put(at, VEX_ATTR_FILE, &file, sizeof(file));
}

static uint8_t *put_who(const struct vex_event *event, uint8_t *at, uint8_t *count)
{
	struct vex_attr_task task = {.tid = event->tid, .ppid = event->ppid};

	if (event->has & VEX_HAS_TASK) {
		at = put(at, VEX_ATTR_TASK, &task, sizeof(task));
		++*count;
	}
	if (event->has & VEX_HAS_COMM) {
		at = put(at, VEX_ATTR_COMM, event->comm.data, event->comm.len);
		++*count;
	}
	if (event->has & VEX_HAS_TENANT) {
		at = put(at, VEX_ATTR_TENANT, &event->tenant, sizeof(event->tenant));
		++*count;
	}
	return at;
}

static uint8_t *put_what(const struct vex_event *event, uint8_t *at, uint8_t *count)
{
	struct vex_attr_range range = {.offset = event->offset, .size = event->size};

	if (event->has & VEX_HAS_FILE) {
		at = put_file(event, at);
		++*count;
	}
	if (event->has & VEX_HAS_RANGE) {
		at = put(at, VEX_ATTR_RANGE, &range, sizeof(range));
		++*count;
	}
	if (event->has & VEX_HAS_PATH) {
		at = put(at, VEX_ATTR_PATH, event->path.data, event->path.len);
		++*count;
	}
	if (event->has & VEX_HAS_PATH2) {
		at = put(at, VEX_ATTR_PATH2, event->path2.data, event->path2.len);
		++*count;
	}
	return at;
}

static uint8_t *put_rare(const struct vex_event *event, uint8_t *at, uint8_t *count)
{
	if (event->duration_ns >= UINT32_MAX) {
		at = put(at, VEX_ATTR_DURATION, &event->duration_ns, sizeof(event->duration_ns));
		++*count;
	}
	if (event->has & VEX_HAS_PARENT2) {
		at = put(at, VEX_ATTR_PARENT2, &event->parent2_ino, sizeof(event->parent2_ino));
		++*count;
	}
	if (event->has & VEX_HAS_GAP) {
		at = put(at, VEX_ATTR_GAP, &event->gap, sizeof(event->gap));
		++*count;
	}
	if (event->has & VEX_HAS_GRAPH) {
		at = put(at, VEX_ATTR_GRAPH, &event->graph, sizeof(event->graph));
		++*count;
	}
	if (event->has & VEX_HAS_VECTOR) {
		at = put(at, VEX_ATTR_VECTOR, &event->vector, sizeof(event->vector));
		++*count;
	}
	return at;
}

static void put_lists(const struct vex_event *event, uint8_t *at, uint8_t *count)
{
	for (uint32_t i = 0; i < event->pair_count; i++) {
		const struct vex_pair *pair = &event->pairs[i];

		at = put(at, VEX_ATTR_NAME, pair->name.data, pair->name.len);
		at = put(at, VEX_ATTR_VALUE, pair->value.data, pair->value.len);
	}
	for (uint32_t i = 0; i < event->label_count; i++)
		at = put(at, VEX_ATTR_LABEL, event->labels[i].data, event->labels[i].len);
	*count = (uint8_t)(*count + 2 * event->pair_count + event->label_count);
}

#define RARE (VEX_HAS_PARENT2 | VEX_HAS_GAP | VEX_HAS_GRAPH | VEX_HAS_VECTOR)

void vex_event_encode(const struct vex_event *event, struct vex_record *record)
{
	uint8_t *at = (uint8_t *)(record + 1);
	uint8_t count = 0;

	at = put_who(event, at, &count);
	at = put_what(event, at, &count);
	if (VEX_UNLIKELY((event->has & RARE) || event->duration_ns >= UINT32_MAX))
		at = put_rare(event, at, &count);
	if (VEX_UNLIKELY(event->pair_count | event->label_count))
		put_lists(event, at, &count);
	record->id = event->id;
	record->start_ns = event->start_ns;
	record->duration_ns = event->duration_ns < UINT32_MAX ? (uint32_t)event->duration_ns
							      : UINT32_MAX;
	record->result = event->result;
	record->type = event->type;
	record->boundary = event->boundary;
	record->attr_count = count;
	record->pid = event->pid;
	record->uid = event->uid;
	record->gid = event->gid;
}
