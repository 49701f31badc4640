/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/event.h"

static void decode_task(struct vex_event *event, const uint8_t *payload)
{
	struct vex_attr_task task;

	memcpy(&task, payload, sizeof(task));
	event->tid = task.tid;
	event->ppid = task.ppid;
	event->has |= VEX_HAS_TASK;
}

static void decode_file(struct vex_event *event, const uint8_t *payload)
{
	struct vex_attr_file file;

	memcpy(&file, payload, sizeof(file));
	event->dev = file.dev;
	event->ino = file.ino;
	event->parent_ino = file.parent_ino;
	event->mode = file.mode;
	event->flags = file.flags;
	event->has |= VEX_HAS_FILE;
}

static void decode_range(struct vex_event *event, const uint8_t *payload)
{
	struct vex_attr_range range;

	memcpy(&range, payload, sizeof(range));
	event->offset = range.offset;
	event->size = range.size;
	event->has |= VEX_HAS_RANGE;
}

static void decode_text(struct vex_event *event, uint32_t has, struct vex_bytes *field,
		const uint8_t *payload, uint32_t len)
{
	*field = (struct vex_bytes){.data = payload, .len = len};
	event->has |= has;
}

/* A checked record has no more pairs and labels than there is space for. */
static void decode_list(struct vex_event *event, struct vex_event_space *space, uint32_t id,
		const uint8_t *payload, uint32_t len)
{
	struct vex_bytes bytes = {.data = payload, .len = len};

	if (id == VEX_ATTR_NAME)
		space->pairs[event->pair_count++] = (struct vex_pair){.name = bytes};
	else if (id == VEX_ATTR_VALUE)
		space->pairs[event->pair_count - 1].value = bytes;
	else
		space->labels[event->label_count++] = bytes;
}

static void decode_attr(struct vex_event *event, struct vex_event_space *space, uint32_t id,
		const uint8_t *payload, uint32_t len)
{
	switch (id) {
	case VEX_ATTR_TASK:
		decode_task(event, payload);
		break;
	case VEX_ATTR_COMM:
		decode_text(event, VEX_HAS_COMM, &event->comm, payload, len);
		break;
	case VEX_ATTR_TENANT:
		memcpy(&event->tenant, payload, sizeof(event->tenant));
		event->has |= VEX_HAS_TENANT;
		break;
	case VEX_ATTR_FILE:
		decode_file(event, payload);
		break;
	case VEX_ATTR_RANGE:
		decode_range(event, payload);
		break;
	case VEX_ATTR_PATH:
		decode_text(event, VEX_HAS_PATH, &event->path, payload, len);
		break;
	case VEX_ATTR_PATH2:
		decode_text(event, VEX_HAS_PATH2, &event->path2, payload, len);
		break;
	case VEX_ATTR_DURATION:
		memcpy(&event->duration_ns, payload, sizeof(event->duration_ns));
		break;
	case VEX_ATTR_PARENT2:
		memcpy(&event->parent2_ino, payload, sizeof(event->parent2_ino));
		event->has |= VEX_HAS_PARENT2;
		break;
	case VEX_ATTR_GAP:
		memcpy(&event->gap, payload, sizeof(event->gap));
		event->has |= VEX_HAS_GAP;
		break;
	case VEX_ATTR_GRAPH:
		memcpy(&event->graph, payload, sizeof(event->graph));
		event->has |= VEX_HAS_GRAPH;
		break;
	case VEX_ATTR_VECTOR:
		memcpy(&event->vector, payload, sizeof(event->vector));
		event->has |= VEX_HAS_VECTOR;
		break;
	case VEX_ATTR_ROUTE:
		memcpy(&event->route, payload, sizeof(event->route));
		event->has |= VEX_HAS_ROUTE;
		break;
	case VEX_ATTR_SUPPRESSED:
		memcpy(&event->suppressed, payload, sizeof(event->suppressed));
		event->has |= VEX_HAS_SUPPRESSED;
		break;
	default:
		decode_list(event, space, id, payload, len);
	}
}

static void decode_header(const struct vex_record *record, struct vex_event *event)
{
	memset(event, 0, sizeof(*event));
	event->type = record->type;
	event->boundary = record->boundary;
	event->id = record->id;
	event->start_ns = record->start_ns;
	event->duration_ns = record->duration_ns;
	event->result = record->result;
	event->pid = record->pid;
	event->tid = record->pid;
	event->uid = record->uid;
	event->gid = record->gid;
}

/* Steps through the attributes of a checked record; *at starts at the first. */
static bool next_attr(const uint8_t **at, const uint8_t *end, uint32_t *id, uint32_t *len,
		const uint8_t **payload)
{
	uint32_t head;

	if (*at >= end)
		return false;
	memcpy(&head, *at, sizeof(head));
	*id = vex_attr_head_id(head);
	*len = vex_attr_head_len(head);
	*payload = *at + VEX_ATTR_HEAD;
	*at += vex_attr_span(*len);
	return true;
}

void vex_event_decode(const struct vex_record *record, struct vex_event *event,
		struct vex_event_space *space)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;
	const uint8_t *payload;
	uint32_t id, len;

	decode_header(record, event);
	while (next_attr(&at, end, &id, &len, &payload))
		decode_attr(event, space, id, payload, len);
	event->pairs = space->pairs;
	event->labels = space->labels;
}

const void *vex_record_attr(const struct vex_record *record, enum vex_attr_id wanted,
		uint32_t *len)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;
	const uint8_t *payload;
	uint32_t id, found;

	while (next_attr(&at, end, &id, &found, &payload)) {
		if (id != (uint32_t)wanted)
			continue;
		if (len)
			*len = found;
		return payload;
	}
	return NULL;
}
