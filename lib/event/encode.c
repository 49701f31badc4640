/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/event.h"

#define VALUE_LEN_MAX 65536u

static bool fits(const struct vex_event *event)
{
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

		if (pair->name.len > VEX_EVENT_NAME_MAX || pair->value.len > VALUE_LEN_MAX)
			return VEX_RECORD_MAX + 1;
		size += vex_attr_span((uint32_t)pair->name.len) +
				vex_attr_span((uint32_t)pair->value.len);
	}
	for (uint32_t i = 0; i < event->label_count; i++) {
		if (event->labels[i].len > VEX_EVENT_NAME_MAX)
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

VEX_STATIC_ASSERT(8 * 12 + sizeof(struct vex_attr_task) + sizeof(struct vex_attr_file) +
					sizeof(struct vex_attr_range) + sizeof(struct vex_attr_gap) +
					sizeof(struct vex_attr_graph) +
					sizeof(struct vex_attr_vector) + 3 * 8 <=
				VEX_EVENT_FIXED_MAX,
		"VEX_EVENT_FIXED_MAX holds every fixed attribute, and three strings' heads");

static inline uint64_t load_word(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, 8);
	return word;
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
 * A record under way. Words are aligned and written once: a store that crosses into a line
 * which the consumer has just read would wait for both lines, and everything behind it. The
 * word that follows the header shares its line, and is kept until that line is written at once.
 */
struct put {
	uint64_t *at;
	uint64_t first;
	uint32_t count; /* of attributes */
};

/* The payload but for its first four bytes, which stand in the head's word. */
static inline uint64_t *put_rest(uint64_t *out, const uint8_t *in, size_t len)
{
	const uint8_t *at = in + 4, *end = in + len;

	for (; end - at >= 32; at += 32, out += 4) {
		VEX_STORE_RELAXED(&out[0], load_word(at));
		VEX_STORE_RELAXED(&out[1], load_word(at + 8));
		VEX_STORE_RELAXED(&out[2], load_word(at + 16));
		VEX_STORE_RELAXED(&out[3], load_word(at + 24));
	}
	for (; end - at >= 8; at += 8)
		*out++ = load_word(at);
	if (at < end)
		*out++ = load_tail(end, (size_t)(end - at), (size_t)(at - in));
	return out;
}

static VEX_ALWAYS_INLINE struct put put(struct put to, enum vex_attr_id id, const void *data,
		size_t len)
{
	const uint8_t *in = data;
	uint32_t start = 0;
	uint64_t word;

	if (VEX_LIKELY(len >= 4))
		memcpy(&start, in, 4);
	else if (len)
		start = (uint32_t)load_tail(in + len, len, 0);
	word = vex_attr_head(id, (uint32_t)len) | (uint64_t)start << 32;
	if (to.count++)
		*to.at = word;
	else
		to.first = word;
	to.at++;
	if (len > 4)
		to.at = put_rest(to.at, in, len);
	return to;
}

static VEX_ALWAYS_INLINE struct put put_file(const struct vex_event *event, struct put to)
{
	struct vex_attr_file file = {.dev = event->dev,
			.ino = event->ino,
			.parent_ino = event->parent_ino,
			.mode = event->mode,
			.flags = event->flags};

	return put(to, VEX_ATTR_FILE, &file, sizeof(file));
}

static VEX_ALWAYS_INLINE struct put put_who(const struct vex_event *event, struct put to)
{
	struct vex_attr_task task = {.tid = event->tid, .ppid = event->ppid};

	if (event->has & VEX_HAS_TASK)
		to = put(to, VEX_ATTR_TASK, &task, sizeof(task));
	if (event->has & VEX_HAS_COMM)
		to = put(to, VEX_ATTR_COMM, event->comm.data, event->comm.len);
	if (event->has & VEX_HAS_TENANT)
		to = put(to, VEX_ATTR_TENANT, &event->tenant, sizeof(event->tenant));
	return to;
}

static VEX_ALWAYS_INLINE struct put put_what(const struct vex_event *event, struct put to)
{
	struct vex_attr_range range = {.offset = event->offset, .size = event->size};

	if (event->has & VEX_HAS_FILE)
		to = put_file(event, to);
	if (event->has & VEX_HAS_RANGE)
		to = put(to, VEX_ATTR_RANGE, &range, sizeof(range));
	if (event->has & VEX_HAS_PATH)
		to = put(to, VEX_ATTR_PATH, event->path.data, event->path.len);
	if (event->has & VEX_HAS_PATH2)
		to = put(to, VEX_ATTR_PATH2, event->path2.data, event->path2.len);
	return to;
}

static struct put put_rare(const struct vex_event *event, struct put to)
{
	if (event->duration_ns >= UINT32_MAX)
		to = put(to, VEX_ATTR_DURATION, &event->duration_ns, sizeof(event->duration_ns));
	if (event->has & VEX_HAS_PARENT2)
		to = put(to, VEX_ATTR_PARENT2, &event->parent2_ino, sizeof(event->parent2_ino));
	if (event->has & VEX_HAS_GAP)
		to = put(to, VEX_ATTR_GAP, &event->gap, sizeof(event->gap));
	if (event->has & VEX_HAS_GRAPH)
		to = put(to, VEX_ATTR_GRAPH, &event->graph, sizeof(event->graph));
	if (event->has & VEX_HAS_VECTOR)
		to = put(to, VEX_ATTR_VECTOR, &event->vector, sizeof(event->vector));
	return to;
}

static struct put put_lists(const struct vex_event *event, struct put to)
{
	for (uint32_t i = 0; i < event->pair_count; i++) {
		const struct vex_pair *pair = &event->pairs[i];

		to = put(to, VEX_ATTR_NAME, pair->name.data, pair->name.len);
		to = put(to, VEX_ATTR_VALUE, pair->value.data, pair->value.len);
	}
	for (uint32_t i = 0; i < event->label_count; i++)
		to = put(to, VEX_ATTR_LABEL, event->labels[i].data, event->labels[i].len);
	return to;
}

/* Last and at once: the header's line is the one that a consumer polls. */
static inline void put_header(const struct vex_event *event, struct vex_header header,
		struct vex_record *record, struct put done)
{
	uint64_t *word = (uint64_t *)record;
	uint32_t duration = event->duration_ns < UINT32_MAX ? (uint32_t)event->duration_ns
							    : UINT32_MAX;

	__asm__ __volatile__("" ::: "memory");
	word[1] = event->id.seq;
	word[2] = event->id.node | (uint64_t)event->id.port << 32 | (uint64_t)event->id.lane << 48;
	word[3] = header.start_ns;
	word[4] = duration | (uint64_t)(uint32_t)event->result << 32;
	word[5] = event->type | (uint64_t)header.boundary << 16 |
			(uint64_t)(uint8_t)done.count << 24 | (uint64_t)event->pid << 32;
	word[6] = event->uid | (uint64_t)event->gid << 32;
	if (done.count)
		word[7] = done.first;
}

#define RARE (VEX_HAS_PARENT2 | VEX_HAS_GAP | VEX_HAS_GRAPH | VEX_HAS_VECTOR)

uint32_t vex_event_encode_as(const struct vex_event *event, struct vex_header header,
		struct vex_record *record)
{
	struct put to = {.at = (uint64_t *)(record + 1)};

	to = put_who(event, to);
	to = put_what(event, to);
	if (VEX_UNLIKELY((event->has & RARE) || event->duration_ns >= UINT32_MAX))
		to = put_rare(event, to);
	if (VEX_UNLIKELY(event->pair_count | event->label_count))
		to = put_lists(event, to);
	put_header(event, header, record, to);
	return (uint32_t)((uint8_t *)to.at - (uint8_t *)record);
}

void vex_event_encode(const struct vex_event *event, struct vex_record *record)
{
	struct vex_header header = {.start_ns = event->start_ns, .boundary = event->boundary};

	vex_event_encode_as(event, header, record);
}
