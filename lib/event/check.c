/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/event.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* One load tells all of an attribute's rule. */
struct attr_rule {
	uint32_t max;
	uint16_t min;
	uint8_t known;
	uint8_t care; /* REPEATS, NO_NUL */
};

enum {
	REPEATS = 1,
	NO_NUL = 2,
};

/* Text that ends up in paths and names must not hold a NUL; values may hold anything. */
#define CARE(id, repeat)                                                                           \
	(((repeat) ? REPEATS : 0) |                                                                \
			((id) == VEX_ATTR_COMM || (id) == VEX_ATTR_PATH ||                         \
								(id) == VEX_ATTR_PATH2 ||          \
								(id) == VEX_ATTR_NAME ||           \
								(id) == VEX_ATTR_LABEL             \
							? NO_NUL                                   \
							: 0))

#define VEX_ATTR(id, NAME, text, min, max, repeat, desc) [id] = {max, min, 1, CARE(id, repeat)},
static const struct attr_rule attr_rules[VEX_ATTR_LIMIT] = {
#include "abi/attr.def"
};
#undef VEX_ATTR

#define VEX_EVENT(id, NAME, text, cat, ocsf, desc) [id] = (id) == VEX_GAP ? 2 : 1,
const uint8_t vex_type_kinds[VEX_TYPE_LIMIT] = {
#include "abi/event.def"
};
#undef VEX_EVENT

/* Attributes that may stand there several times, counted. */
struct lists {
	uint32_t pairs;
	uint32_t labels;
};

VEX_STATIC_ASSERT(VEX_ATTR_LIMIT <= 32, "a bit for each attribute says what was seen");

/* Paths are short: what a call to memchr() costs would be most of it. */
static inline bool has_nul(const uint8_t *text, uint32_t len)
{
#ifdef __SSE2__
	const __m128i zero = _mm_setzero_si128();
	int found = 0;
	uint32_t at;

	if (len < 16)
		return memchr(text, 0, len) != NULL;
	for (at = 0; at + 16 <= len; at += 16)
		found |= _mm_movemask_epi8(_mm_cmpeq_epi8(
				_mm_loadu_si128((const __m128i *)(text + at)), zero));
	found |= _mm_movemask_epi8(_mm_cmpeq_epi8(
			_mm_loadu_si128((const __m128i *)(text + len - 16)), zero));
	return found != 0;
#else
	return memchr(text, 0, len) != NULL;
#endif
}

static enum vex_check check_repeats(struct lists *lists, uint32_t id, uint32_t previous)
{
	if (id == VEX_ATTR_VALUE && previous != VEX_ATTR_NAME)
		return VEX_CHECK_STRING;
	lists->pairs += id == VEX_ATTR_NAME;
	lists->labels += id == VEX_ATTR_LABEL;
	if (lists->pairs > VEX_EVENT_PAIRS_MAX || lists->labels > VEX_EVENT_LABELS_MAX)
		return VEX_CHECK_ATTRIBUTE;
	return VEX_CHECK_OK;
}

/* An attribute by itself: all but whether it may stand there once more. */
static inline enum vex_check check_attr(const struct attr_rule *rule, uint32_t len,
		const uint8_t *payload)
{
	if (VEX_UNLIKELY(!rule->known || len < rule->min || len > rule->max))
		return VEX_CHECK_ATTRIBUTE;
	if ((rule->care & NO_NUL) && VEX_UNLIKELY(has_nul(payload, len)))
		return VEX_CHECK_STRING;
	return VEX_CHECK_OK;
}

/* All attributes; those seen, a bit each, in *all. */
static inline enum vex_check check_attrs(const struct vex_record *record, uint32_t *all)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;
	uint32_t seen = 0, count = 0, previous = VEX_ATTR_NONE;
	struct lists lists = {0};

	for (; at < end; count++) {
		enum vex_check check;
		uint32_t head, len, id;

		memcpy(&head, at, sizeof(head)); /* eight bytes are there: sizes are multiples */
		len = vex_attr_head_len(head);
		id = vex_attr_head_id(head);
		if (VEX_UNLIKELY(vex_attr_span(len) > (size_t)(end - at) || id >= VEX_ATTR_LIMIT))
			return VEX_CHECK_ATTRIBUTE;
		check = check_attr(&attr_rules[id], len, at + VEX_ATTR_HEAD);
		if (VEX_UNLIKELY(check != VEX_CHECK_OK))
			return check;
		if (VEX_UNLIKELY(attr_rules[id].care & REPEATS))
			check = check_repeats(&lists, id, previous);
		else if (VEX_UNLIKELY(seen & 1u << id))
			check = VEX_CHECK_ATTRIBUTE;
		if (VEX_UNLIKELY(check != VEX_CHECK_OK))
			return check;
		seen |= 1u << id;
		previous = id;
		at += vex_attr_span(len);
	}
	*all = seen;
	return count == record->attr_count ? VEX_CHECK_OK : VEX_CHECK_COUNT;
}

/* A record of the largest size is one that the data plane added something to. */
static bool made_too_large(uint32_t size, uint32_t seen)
{
	uint32_t added = (seen >> VEX_ATTR_ROUTE & 1) + (seen >> VEX_ATTR_SUPPRESSED & 1);

	return size - added * (VEX_RECORD_ADDED_MAX / 2) > VEX_RECORD_MADE_MAX;
}

enum vex_check vex_record_check_seen(const struct vex_record *record, size_t available,
		uint32_t *out)
{
	enum vex_check check;
	uint32_t seen;

	if (available < VEX_RECORD_MIN || record->size < VEX_RECORD_MIN ||
			record->size > VEX_RECORD_MAX || record->size > available ||
			record->size % 8)
		return VEX_CHECK_SIZE;
	if (record->type >= VEX_TYPE_LIMIT || !vex_type_kinds[record->type])
		return VEX_CHECK_TYPE;
	if (record->boundary >= VEX_BOUNDARY_COUNT)
		return VEX_CHECK_BOUNDARY;
	check = check_attrs(record, &seen);
	if (check != VEX_CHECK_OK)
		return check;
	if (!!(seen & 1u << VEX_ATTR_GAP) != (record->type == VEX_GAP))
		return VEX_CHECK_ATTRIBUTE;
	if (VEX_UNLIKELY(record->size > VEX_RECORD_MADE_MAX && made_too_large(record->size, seen)))
		return VEX_CHECK_SIZE;
	*out = seen;
	return VEX_CHECK_OK;
}

enum vex_check vex_record_check(const struct vex_record *record, size_t available)
{
	uint32_t seen;

	return vex_record_check_seen(record, available, &seen);
}

void vex_record_remove(struct vex_record *record, uint32_t attributes)
{
	uint8_t *at = (uint8_t *)(record + 1), *to = at;
	const uint8_t *end = (const uint8_t *)record + record->size;

	while (at < end) {
		uint32_t head, span;

		memcpy(&head, at, sizeof(head));
		span = vex_attr_span(vex_attr_head_len(head));
		if (attributes >> vex_attr_head_id(head) & 1) {
			record->attr_count--;
		} else {
			memmove(to, at, span);
			to += span;
		}
		at += span;
	}
	record->size = (uint32_t)(to - (uint8_t *)record);
}

const char *vex_check_text(enum vex_check check)
{
	switch (check) {
	case VEX_CHECK_OK:
		return "a good record";
	case VEX_CHECK_SIZE:
		return "its size is out of bounds";
	case VEX_CHECK_TYPE:
		return "its type is not listed";
	case VEX_CHECK_BOUNDARY:
		return "its boundary does not exist";
	case VEX_CHECK_ATTRIBUTE:
		return "an attribute is unknown, of a wrong length, missing, or once too often";
	case VEX_CHECK_COUNT:
		return "its attributes are not as many as its header says";
	case VEX_CHECK_STRING:
		return "a name holds a NUL byte, or a value has no name";
	}
	return "unknown";
}
