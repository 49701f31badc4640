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

static inline uint64_t load_tail(const uint8_t *end, size_t count, size_t before)
{
	uint64_t word = 0;

	if (VEX_LIKELY(count + before >= 8)) {
		memcpy(&word, end - 8, 8);
		return word >> (64 - 8 * count);
	}
	for (size_t i = 0; i < count; i++)
		word |= (uint64_t)end[(ptrdiff_t)i - (ptrdiff_t)count] << 8 * i;
	return word;
}

/*
 * In aligned words, each written once: a store that crosses into a line which the consumer
 * has just read would wait for both lines, and everything behind it.
 */
static inline uint8_t *put(uint8_t *at, enum vex_attr_id id, const void *data, size_t len)
{
	uint64_t *out = (uint64_t *)at;
	const uint8_t *in = data;
	const uint8_t *end;
	uint32_t start = 0;

	if (VEX_LIKELY(len >= 4))
		memcpy(&start, in, 4);
	else if (len)
		start = (uint32_t)load_tail(in + len, len, 0);
	*out++ = vex_attr_head(id, (uint32_t)len) | (uint64_t)start << 32;
	if (len <= 4)
		return (uint8_t *)out;
	end = in + len;
	for (in += 4; end - in >= 8; in += 8)
		memcpy(out++, in, 8);
	if (in < end)
		*out++ = load_tail(end, (size_t)(end - in), (size_t)(in - (const uint8_t *)data));
	return (uint8_t *)out;
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

/*
 * In words, and last: the header's line is the one that a consumer polls, and whoever copies
 * the record reads it in wide pieces, which narrow stores would hold up.
 */
static inline void put_header(const struct vex_event *event, const struct vex_header *header,
		struct vex_record *record, uint8_t count)
{
	uint64_t *word = (uint64_t *)record;
	uint32_t duration = event->duration_ns < UINT32_MAX ? (uint32_t)event->duration_ns
							    : UINT32_MAX;

	word[1] = event->id.seq;
	word[2] = event->id.node | (uint64_t)event->id.port << 32 | (uint64_t)event->id.lane << 48;
	word[3] = header->start_ns;
	word[4] = duration | (uint64_t)(uint32_t)event->result << 32;
	word[5] = event->type | (uint64_t)header->boundary << 16 | (uint64_t)count << 24 |
			(uint64_t)event->pid << 32;
	word[6] = event->uid | (uint64_t)event->gid << 32;
}

#define RARE (VEX_HAS_PARENT2 | VEX_HAS_GAP | VEX_HAS_GRAPH | VEX_HAS_VECTOR)

void vex_event_encode_as(const struct vex_event *event, const struct vex_header *header,
		struct vex_record *record)
{
	uint8_t *at = (uint8_t *)(record + 1);
	uint8_t count = 0;

	at = put_who(event, at, &count);
	at = put_what(event, at, &count);
	if (VEX_UNLIKELY((event->has & RARE) || event->duration_ns >= UINT32_MAX))
		at = put_rare(event, at, &count);
	if (VEX_UNLIKELY(event->pair_count | event->label_count))
		put_lists(event, at, &count);
	put_header(event, header, record, count);
}

void vex_event_encode(const struct vex_event *event, struct vex_record *record)
{
	struct vex_header header = {.start_ns = event->start_ns, .boundary = event->boundary};

	vex_event_encode_as(event, &header, record);
}
