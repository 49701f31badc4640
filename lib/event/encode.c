/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/event.h"

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
	uint64_t *head; /* where the next attribute's first word goes */
	uint64_t *rest; /* and what is behind it */
	uint32_t count; /* of attributes */
};

typedef uint64_t pair_of_words __attribute__((vector_size(16)));

/* The payload but for its first four bytes, which stand in the head's word. */
static VEX_ALWAYS_INLINE uint64_t *put_rest(uint64_t *out, const uint8_t *in, size_t len)
{
	const uint8_t *at = in + 4, *end = in + len;

	if (((uintptr_t)out & 8) && end - at >= 8) { /* pairs are aligned: none crosses a line */
		*out++ = load_word(at);
		at += 8;
	}
	for (; end - at >= 16; at += 16, out += 2) {
		pair_of_words two;

		memcpy(&two, at, 16);
		*(pair_of_words *)out = two;
	}
	if (end - at >= 8) {
		*out++ = load_word(at);
		at += 8;
	}
	if (at < end)
		*out++ = load_tail(end, (size_t)(end - at), (size_t)(at - in));
	return out;
}

static VEX_ALWAYS_INLINE struct put put(struct put to, enum vex_attr_id id, const void *data,
		size_t len)
{
	const uint8_t *in = data;
	uint32_t start = 0;

	if (VEX_LIKELY(len >= 4))
		memcpy(&start, in, 4);
	else if (len)
		start = (uint32_t)load_tail(in + len, len, 0);
	*to.head = vex_attr_head(id, (uint32_t)len) | (uint64_t)start << 32;
	to.head = len > 4 ? put_rest(to.rest, in, len) : to.rest;
	to.rest = to.head + 1;
	to.count++;
	return to;
}

/* Two halves of words that follow each other: payloads stand four bytes behind a head. */
static inline uint64_t join(uint64_t low, uint64_t high)
{
	return low >> 32 | high << 32;
}

static inline struct put put_words(struct put to, uint64_t *end)
{
	return (struct put){.head = end, .rest = end + 1, .count = to.count + 1};
}

static inline struct put put_task(const struct vex_event *event, struct put to)
{
	*to.head = vex_attr_head(VEX_ATTR_TASK, sizeof(struct vex_attr_task)) |
			(uint64_t)event->tid << 32;
	to.rest[0] = event->ppid;
	return put_words(to, to.rest + 1);
}

static inline struct put put_file(const struct vex_event *event, struct put to)
{
	*to.head = vex_attr_head(VEX_ATTR_FILE, sizeof(struct vex_attr_file)) | event->dev << 32;
	to.rest[0] = join(event->dev, event->ino);
	to.rest[1] = join(event->ino, event->parent_ino);
	to.rest[2] = join(event->parent_ino, event->mode);
	to.rest[3] = event->flags;
	return put_words(to, to.rest + 4);
}

static inline struct put put_range(const struct vex_event *event, struct put to)
{
	*to.head = vex_attr_head(VEX_ATTR_RANGE, sizeof(struct vex_attr_range)) |
			event->offset << 32;
	to.rest[0] = join(event->offset, event->size);
	to.rest[1] = event->size >> 32;
	return put_words(to, to.rest + 2);
}

static VEX_ALWAYS_INLINE struct put put_who(const struct vex_event *event, struct put to)
{
	if (event->has & VEX_HAS_TASK)
		to = put_task(event, to);
	if (event->has & VEX_HAS_COMM)
		to = put(to, VEX_ATTR_COMM, event->comm.data, event->comm.len);
	if (event->has & VEX_HAS_TENANT)
		to = put(to, VEX_ATTR_TENANT, &event->tenant, sizeof(event->tenant));
	return to;
}

static VEX_ALWAYS_INLINE struct put put_what(const struct vex_event *event, struct put to)
{
	if (event->has & VEX_HAS_FILE)
		to = put_file(event, to);
	if (event->has & VEX_HAS_RANGE)
		to = put_range(event, to);
	if (event->has & VEX_HAS_PATH)
		to = put(to, VEX_ATTR_PATH, event->path.data, event->path.len);
	if (event->has & VEX_HAS_PATH2)
		to = put(to, VEX_ATTR_PATH2, event->path2.data, event->path2.len);
	return to;
}

static __attribute__((noinline, cold)) struct put put_rare(const struct vex_event *event, struct put to)
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
	if (event->has & VEX_HAS_ROUTE)
		to = put(to, VEX_ATTR_ROUTE, &event->route, sizeof(event->route));
	if (event->has & VEX_HAS_SUPPRESSED)
		to = put(to, VEX_ATTR_SUPPRESSED, &event->suppressed, sizeof(event->suppressed));
	return to;
}

static __attribute__((noinline, cold)) struct put put_lists(const struct vex_event *event, struct put to)
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
static VEX_ALWAYS_INLINE void put_header(const struct vex_event *event, struct vex_header header,
		struct vex_record *record, uint32_t count, uint64_t first)
{
	uint64_t *word = (uint64_t *)record;
	uint32_t duration = event->duration_ns < UINT32_MAX ? (uint32_t)event->duration_ns
							    : UINT32_MAX;

	__asm__ __volatile__("" ::: "memory");
	word[1] = event->id.seq;
	word[2] = event->id.node | (uint64_t)event->id.port << 32 | (uint64_t)event->id.lane << 48;
	word[3] = header.start_ns;
	word[4] = duration | (uint64_t)(uint32_t)event->result << 32;
	word[5] = event->type | (uint64_t)header.boundary << 16 | (uint64_t)(uint8_t)count << 24 |
			(uint64_t)event->pid << 32;
	word[6] = event->uid | (uint64_t)event->gid << 32;
	if (count)
		word[7] = first;
}

#define WHO (VEX_HAS_TASK | VEX_HAS_COMM | VEX_HAS_TENANT)
#define RARE                                                                                       \
	(VEX_HAS_PARENT2 | VEX_HAS_GAP | VEX_HAS_GRAPH | VEX_HAS_VECTOR | VEX_HAS_ROUTE |          \
			VEX_HAS_SUPPRESSED)

uint32_t vex_event_encode_as(const struct vex_event *event, struct vex_header header,
		struct vex_record *record)
{
	uint64_t first = 0;
	struct put to = {.head = &first, .rest = (uint64_t *)(record + 1) + 1};

	if (event->has & WHO)
		to = put_who(event, to);
	to = put_what(event, to);
	if (VEX_UNLIKELY((event->has & RARE) || event->duration_ns >= UINT32_MAX))
		to = put_rare(event, to);
	if (VEX_UNLIKELY(event->pair_count | event->label_count))
		to = put_lists(event, to);
	put_header(event, header, record, to.count, first);
	return to.count ? (uint32_t)((uint8_t *)to.head - (uint8_t *)record) : VEX_RECORD_MIN;
}

void vex_event_encode(const struct vex_event *event, struct vex_record *record)
{
	struct vex_header header = {.start_ns = event->start_ns, .boundary = event->boundary};

	vex_event_encode_as(event, header, record);
}
