/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How an event becomes a record. What nearly every event has is inline, for vex_publish(): what a
 * call and each jump cost is much of it.
 */
#ifndef VEX_EVENT_ENCODE_H
#define VEX_EVENT_ENCODE_H

#include "event/event.h"

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
 * Small enough to be passed in registers.
 */
struct put {
	uint64_t first; /* the word that is kept */
	uint32_t at;	/* of the record's words: where the next attribute goes */
	uint32_t count; /* of attributes */
};

#define ENCODE_START ((struct put){.at = VEX_RECORD_MIN / 8})

/* An attribute's first word holds the first four bytes of its payload. */
static inline uint64_t first_word(enum vex_attr_id id, uint32_t len, uint32_t start)
{
	return vex_attr_head(id, len) | (uint64_t)start << 32;
}

/* So many more words are behind it. */
static VEX_ALWAYS_INLINE struct put put_first(uint64_t *words, struct put to, uint64_t word,
		uint32_t more)
{
	if (to.count)
		words[to.at] = word;
	else
		to.first = word;
	return (struct put){.first = to.first, .at = to.at + 1 + more, .count = to.count + 1};
}

static VEX_ALWAYS_INLINE void put_pairs(uint64_t *out, const uint8_t *in, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		memcpy(out + 2 * i, in + 16 * i, 16);
}

/*
 * The payload but for its first four bytes, which stand in the head's word. Pairs begin at even
 * words: in a lane none crosses a line. Few turns, since a jump costs more than what it skips.
 */
static VEX_ALWAYS_INLINE void put_rest(uint64_t *out, bool odd, const uint8_t *in, size_t len)
{
	const uint8_t *at = in + 4, *end = in + len;

	if (odd && end - at >= 8) {
		*out++ = load_word(at);
		at += 8;
	}
	for (; VEX_UNLIKELY(end - at >= 64); at += 64, out += 8)
		put_pairs(out, at, 4);
	if ((end - at) & 32) {
		put_pairs(out, at, 2);
		at += 32, out += 4;
	}
	if ((end - at) & 16) {
		put_pairs(out, at, 1);
		at += 16, out += 2;
	}
	if ((end - at) & 8) {
		*out++ = load_word(at);
		at += 8;
	}
	if (at < end)
		*out = load_tail(end, (size_t)(end - at), (size_t)(at - in));
}

static VEX_ALWAYS_INLINE struct put put(uint64_t *words, struct put to, enum vex_attr_id id,
		struct vex_bytes payload)
{
	const uint8_t *in = (const uint8_t *)payload.data;
	uint32_t len = (uint32_t)payload.len, start = 0;

	if (VEX_LIKELY(len > 4))
		put_rest(words + to.at + 1, !(to.at & 1), in, len);
	if (VEX_LIKELY(len >= 4))
		memcpy(&start, in, 4);
	else if (len)
		start = (uint32_t)load_tail(in + len, len, 0);
	return put_first(words, to, first_word(id, len, start), (len + 3) / 8);
}

#define ENCODE_FIXED                                                                               \
	(VEX_HAS_TASK | VEX_HAS_COMM | VEX_HAS_TENANT | VEX_HAS_FILE | VEX_HAS_RANGE)
#define ENCODE_RARE                                                                                \
	(VEX_HAS_PARENT2 | VEX_HAS_GAP | VEX_HAS_GRAPH | VEX_HAS_VECTOR | VEX_HAS_ROUTE |          \
			VEX_HAS_SUPPRESSED)

/** Attributes of ENCODE_FIXED. */
struct put encode_fixed(const struct vex_event *event, uint64_t *words, struct put to);
struct put encode_path2(const struct vex_event *event, uint64_t *words, struct put to);

/* Last and at once: the header's line is the one that a consumer polls. */
static VEX_ALWAYS_INLINE void put_header(const struct vex_event *event, struct vex_header header,
		uint32_t duration, uint64_t *words, struct put put)
{
	__asm__ __volatile__("" ::: "memory");
	memcpy(words + 1, &event->id, sizeof(event->id));
	words[3] = header.start_ns;
	words[4] = duration | (uint64_t)(uint32_t)event->result << 32;
	words[5] = event->type | (uint64_t)header.boundary << 16 | (uint64_t)(uint8_t)put.count << 24 |
			(uint64_t)event->pid << 32;
	words[6] = event->uid | (uint64_t)event->gid << 32;
	if (VEX_LIKELY(put.count))
		words[7] = put.first;
}

/** Whether the event can be a record, and encode() can make it one. */
static VEX_ALWAYS_INLINE bool encode_is_usual(const struct vex_event *event)
{
	uint64_t unusual = (vex_type_kinds[event->type % VEX_TYPE_LIMIT] ^ 1u) |
			(event->type / VEX_TYPE_LIMIT) | (event->has & ENCODE_RARE) |
			event->pair_count | event->label_count |
			event->comm.len / (VEX_EVENT_NAME_MAX + 1) |
			(event->path.len | event->path2.len) / VEX_EVENT_PATH_MAX;

	return !unusual && event->duration_ns < UINT32_MAX;
}

/** Never less than vex_event_size() of a usual event; quicker. At most a few hundred more. */
static VEX_ALWAYS_INLINE uint64_t encode_room(const struct vex_event *event)
{
	return VEX_RECORD_MIN + VEX_EVENT_FIXED_MAX + event->comm.len + event->path.len +
			event->path2.len;
}

/** vex_event_encode_as() of a usual event. */
static VEX_ALWAYS_INLINE uint32_t encode(const struct vex_event *event, struct vex_header header,
		struct vex_record *record)
{
	uint64_t *words = (uint64_t *)record;
	struct put to = ENCODE_START;

	if (VEX_UNLIKELY(event->has & ENCODE_FIXED))
		to = encode_fixed(event, words, to);
	if (VEX_LIKELY(event->has & VEX_HAS_PATH))
		to = put(words, to, VEX_ATTR_PATH, event->path);
	if (VEX_UNLIKELY(event->has & VEX_HAS_PATH2))
		to = encode_path2(event, words, to);
	put_header(event, header, (uint32_t)event->duration_ns, words, to);
	return to.at * 8;
}

#endif
