/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/encode.h"

#define VALUE_LEN_MAX 65536u

static bool has_nul(struct vex_bytes name)
{
	return name.len && memchr(name.data, 0, name.len);
}

static bool type_fits(const struct vex_event *event)
{
	unsigned kind = event->type < VEX_TYPE_LIMIT ? vex_type_kinds[event->type] : 0;

	return kind == (event->has & VEX_HAS_GAP ? 2 : 1);
}

static bool fits(const struct vex_event *event)
{
	if (!type_fits(event))
		return false;
	if (event->comm.len > VEX_EVENT_NAME_MAX || event->path.len > VEX_EVENT_PATH_MAX ||
			event->path2.len > VEX_EVENT_PATH_MAX)
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

		if (pair->name.len > VEX_EVENT_NAME_MAX || pair->value.len > VALUE_LEN_MAX ||
				has_nul(pair->name))
			return VEX_RECORD_MAX + 1;
		size += vex_attr_span((uint32_t)pair->name.len) +
				vex_attr_span((uint32_t)pair->value.len);
	}
	for (uint32_t i = 0; i < event->label_count; i++) {
		if (event->labels[i].len > VEX_EVENT_NAME_MAX || has_nul(event->labels[i]))
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
	if (size > VEX_RECORD_MADE_MAX)
		return 0;
	if (VEX_UNLIKELY(has & VEX_HAS_ROUTE))
		size += vex_attr_span(sizeof(struct vex_attr_route));
	if (VEX_UNLIKELY(has & VEX_HAS_SUPPRESSED))
		size += vex_attr_span(sizeof(struct vex_attr_suppressed));
	return size;
}

VEX_STATIC_ASSERT(offsetof(struct vex_attr_task, ppid) == 4 &&
				offsetof(struct vex_attr_file, parent_ino) == 16 &&
				offsetof(struct vex_attr_file, mode) == 24 &&
				offsetof(struct vex_attr_file, flags) == 28 &&
				offsetof(struct vex_attr_range, size) == 8,
		"put_task(), put_file() and put_range() write these as words");

VEX_STATIC_ASSERT(VEX_RECORD_ADDED_MAX + 8 * 12 + sizeof(struct vex_attr_task) +
					sizeof(struct vex_attr_file) +
					sizeof(struct vex_attr_range) + sizeof(struct vex_attr_gap) +
					sizeof(struct vex_attr_graph) +
					sizeof(struct vex_attr_vector) + 3 * 8 <=
				VEX_EVENT_FIXED_MAX,
		"VEX_EVENT_FIXED_MAX holds every fixed attribute, and three strings' heads");

/* Two halves of words that follow each other: payloads stand four bytes behind a head. */
static inline uint64_t join(uint64_t low, uint64_t high)
{
	return low >> 32 | high << 32;
}

static inline struct put put_task(const struct vex_event *event, uint64_t *words, struct put to)
{
	words[to.at + 1] = event->ppid;
	return put_first(words, to, first_word(VEX_ATTR_TASK, sizeof(struct vex_attr_task),
				event->tid), 1);
}

static inline struct put put_file(const struct vex_event *event, uint64_t *words, struct put to)
{
	uint64_t *rest = words + to.at + 1;

	rest[0] = join(event->dev, event->ino);
	rest[1] = join(event->ino, event->parent_ino);
	rest[2] = join(event->parent_ino, event->mode);
	rest[3] = event->flags;
	return put_first(words, to, first_word(VEX_ATTR_FILE, sizeof(struct vex_attr_file),
				(uint32_t)event->dev), 4);
}

static inline struct put put_range(const struct vex_event *event, uint64_t *words, struct put to)
{
	uint64_t *rest = words + to.at + 1;

	rest[0] = join(event->offset, event->size);
	rest[1] = event->size >> 32;
	return put_first(words, to, first_word(VEX_ATTR_RANGE, sizeof(struct vex_attr_range),
				(uint32_t)event->offset), 2);
}

static struct put put_raw(uint64_t *words, struct put to, enum vex_attr_id id, const void *data,
		size_t len)
{
	return put(words, to, id, (struct vex_bytes){data, len});
}

struct put encode_fixed(const struct vex_event *event, uint64_t *words, struct put to)
{
	if (event->has & VEX_HAS_TASK)
		to = put_task(event, words, to);
	if (event->has & VEX_HAS_COMM)
		to = put(words, to, VEX_ATTR_COMM, event->comm);
	if (event->has & VEX_HAS_TENANT)
		to = put_first(words, to, first_word(VEX_ATTR_TENANT, sizeof(event->tenant),
				event->tenant), 0);
	if (event->has & VEX_HAS_FILE)
		to = put_file(event, words, to);
	if (event->has & VEX_HAS_RANGE)
		to = put_range(event, words, to);
	return to;
}

struct put encode_path2(const struct vex_event *event, uint64_t *words, struct put to)
{
	return put(words, to, VEX_ATTR_PATH2, event->path2);
}

static struct put put_rare(const struct vex_event *event, uint64_t *words, struct put to)
{
	if (event->duration_ns >= UINT32_MAX)
		to = put_raw(words, to, VEX_ATTR_DURATION, &event->duration_ns,
				sizeof(event->duration_ns));
	if (event->has & VEX_HAS_PARENT2)
		to = put_raw(words, to, VEX_ATTR_PARENT2, &event->parent2_ino,
				sizeof(event->parent2_ino));
	if (event->has & VEX_HAS_GAP)
		to = put_raw(words, to, VEX_ATTR_GAP, &event->gap, sizeof(event->gap));
	if (event->has & VEX_HAS_GRAPH)
		to = put_raw(words, to, VEX_ATTR_GRAPH, &event->graph, sizeof(event->graph));
	if (event->has & VEX_HAS_VECTOR)
		to = put_raw(words, to, VEX_ATTR_VECTOR, &event->vector, sizeof(event->vector));
	if (event->has & VEX_HAS_ROUTE)
		to = put_raw(words, to, VEX_ATTR_ROUTE, &event->route, sizeof(event->route));
	if (event->has & VEX_HAS_SUPPRESSED)
		to = put_raw(words, to, VEX_ATTR_SUPPRESSED, &event->suppressed,
				sizeof(event->suppressed));
	return to;
}

static struct put put_lists(const struct vex_event *event, uint64_t *words, struct put to)
{
	for (uint32_t i = 0; i < event->pair_count; i++) {
		to = put(words, to, VEX_ATTR_NAME, event->pairs[i].name);
		to = put(words, to, VEX_ATTR_VALUE, event->pairs[i].value);
	}
	for (uint32_t i = 0; i < event->label_count; i++)
		to = put(words, to, VEX_ATTR_LABEL, event->labels[i]);
	return to;
}

static uint32_t duration_of(const struct vex_event *event)
{
	return event->duration_ns < UINT32_MAX ? (uint32_t)event->duration_ns : UINT32_MAX;
}

uint32_t vex_event_encode_as(const struct vex_event *event, struct vex_header header,
		struct vex_record *record)
{
	uint64_t *words = (uint64_t *)record;
	struct put to = ENCODE_START;

	to = encode_fixed(event, words, to);
	if (event->has & VEX_HAS_PATH)
		to = put(words, to, VEX_ATTR_PATH, event->path);
	if (event->has & VEX_HAS_PATH2)
		to = put(words, to, VEX_ATTR_PATH2, event->path2);
	to = put_rare(event, words, to);
	to = put_lists(event, words, to);
	put_header(event, header, duration_of(event), words, to);
	return to.at * 8;
}

void vex_event_encode(const struct vex_event *event, struct vex_record *record)
{
	struct vex_header header = {.start_ns = event->start_ns, .boundary = event->boundary};

	vex_event_encode_as(event, header, record);
}
