/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields of the events of a burst, side by side, and numbers compared all at once. */
#include "rule/match_work.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

const struct vex_event *match_event(struct rule_worker *worker, unsigned event)
{
	if (!(worker->decoded >> event & 1)) {
		vex_event_decode(worker->records[event], &worker->events[event],
				&worker->spaces[event]);
		worker->decoded |= 1ull << event;
	}
	return &worker->events[event];
}

bool match_attr(struct rule_worker *worker, unsigned event, const char *name, size_t len,
		struct vex_bytes *value)
{
	const struct vex_event *from = match_event(worker, event);
	uint32_t i;

	for (i = 0; i < from->pair_count; i++) {
		*value = from->pairs[i].value;
		if (from->pairs[i].name.len == len &&
				(!len || !memcmp(from->pairs[i].name.data, name, len)))
			return true;
	}
	return false;
}

/* Where in its record each of an event's attributes has its payload; 0: it has none. */
static const uint32_t *places_of(struct rule_worker *worker, unsigned event)
{
	const uint8_t *record = (const uint8_t *)worker->records[event];
	uint32_t *places = worker->places[event];
	uint32_t at = sizeof(struct vex_record);
	uint32_t head;

	if (worker->placed >> event & 1)
		return places;
	worker->placed |= 1ull << event;
	memset(places, 0, sizeof(worker->places[0]));
	while (at < worker->records[event]->size) {
		memcpy(&head, record + at, sizeof(head));
		places[vex_attr_head_id(head)] = at + VEX_ATTR_HEAD;
		at += vex_attr_span(vex_attr_head_len(head));
	}
	return places;
}

static void cut_name(enum rule_field_id field, struct vex_bytes *path, bool *has)
{
	const char *slash = path->len ? memrchr(path->data, '/', path->len) : NULL;

	if (field == RULE_FIELD_FD_DIRECTORY) {
		path->len = slash ? (size_t)(slash - (const char *)path->data) : 0;
		path->len += slash == path->data;
		*has = slash != NULL;
	} else if (slash) {
		path->len -= (size_t)(slash + 1 - (const char *)path->data);
		path->data = slash + 1;
	}
}

static bool text_of(struct rule_worker *worker, unsigned event, enum rule_field_id field,
		struct vex_bytes *out)
{
	const uint8_t *record = (const uint8_t *)worker->records[event];
	unsigned attr = field == RULE_FIELD_PROC_NAME ? VEX_ATTR_COMM
			: field == RULE_FIELD_FS_PATH2 ? VEX_ATTR_PATH2 : VEX_ATTR_PATH;
	uint32_t at = places_of(worker, event)[attr];
	uint32_t head;
	bool has = at != 0;

	*out = (struct vex_bytes){0};
	if (!has)
		return false;
	memcpy(&head, record + at - VEX_ATTR_HEAD, sizeof(head));
	*out = (struct vex_bytes){.data = record + at, .len = vex_attr_head_len(head)};
	if (field == RULE_FIELD_FD_DIRECTORY || field == RULE_FIELD_FD_FILENAME)
		cut_name(field, out, &has);
	return has;
}

/* Where a number is: in the header where attr is 0. */
struct source {
	uint8_t attr;
	uint8_t offset;
	uint8_t size;
};

#define HEADER(FIELD, name)                                                                        \
	[RULE_FIELD_##FIELD] = {0, offsetof(struct vex_record, name),                              \
			sizeof(((struct vex_record *)0)->name)}
#define WITHIN(FIELD, ATTR, type, name)                                                            \
	[RULE_FIELD_##FIELD] = {VEX_ATTR_##ATTR, offsetof(struct vex_attr_##type, name),           \
			sizeof(((struct vex_attr_##type *)0)->name)}
static const struct source sources[RULE_FIELD_COUNT] = {
	HEADER(EVT_TYPE, type),
	HEADER(EVT_TIME, start_ns),
	HEADER(EVT_RES, result),
	HEADER(EVENT_BOUNDARY, boundary),
	HEADER(EVENT_RESULT, result),
	HEADER(EVENT_DURATION, duration_ns),
	HEADER(EVENT_NODE, id.node),
	HEADER(EVENT_PORT, id.port),
	HEADER(EVENT_LANE, id.lane),
	HEADER(EVENT_SEQ, id.seq),
	HEADER(TIME_HOUR, start_ns),
	HEADER(TIME_MINUTE, start_ns),
	HEADER(TIME_WEEKDAY, start_ns),
	HEADER(PROC_PID, pid),
	HEADER(USER_UID, uid),
	HEADER(GROUP_GID, gid),
	WITHIN(PROC_PPID, TASK, task, ppid),
	WITHIN(THREAD_TID, TASK, task, tid),
	[RULE_FIELD_TENANT] = {VEX_ATTR_TENANT, 0, 4},
	WITHIN(FS_DEV, FILE, file, dev),
	WITHIN(FS_INO, FILE, file, ino),
	WITHIN(FS_PARENT_INO, FILE, file, parent_ino),
	[RULE_FIELD_FS_PARENT2_INO] = {VEX_ATTR_PARENT2, 0, 8},
	WITHIN(FS_MODE, FILE, file, mode),
	WITHIN(FS_FLAGS, FILE, file, flags),
	WITHIN(FS_OFFSET, RANGE, range, offset),
	WITHIN(FS_SIZE, RANGE, range, size),
	WITHIN(GRAPH_NODE, GRAPH, graph, node),
	WITHIN(GRAPH_EDGE, GRAPH, graph, edge),
	WITHIN(GRAPH_FROM, GRAPH, graph, from),
	WITHIN(GRAPH_TO, GRAPH, graph, to),
	WITHIN(GRAPH_COUNT, GRAPH, graph, count),
	WITHIN(VECTOR_VECTOR, VECTOR, vector, vector),
	WITHIN(VECTOR_COLLECTION, VECTOR, vector, collection),
	WITHIN(VECTOR_COUNT, VECTOR, vector, count),
	WITHIN(VECTOR_DIMENSION, VECTOR, vector, dimension),
	WITHIN(VECTOR_K, VECTOR, vector, k),
};

static uint64_t read_number(const uint8_t *from, unsigned size)
{
	uint64_t eight;
	uint32_t four;
	uint16_t two;

	switch (size) {
	case 1:
		return *from;
	case 2:
		memcpy(&two, from, sizeof(two));
		return two;
	case 4:
		memcpy(&four, from, sizeof(four));
		return four;
	default:
		memcpy(&eight, from, sizeof(eight));
		return eight;
	}
}

/* What tests compare of a number as it stands in the record. */
static uint64_t meaning(struct rule_worker *worker, unsigned event, enum rule_field_id field,
		uint64_t number)
{
	/* Minutes since the last Monday before 1970, which began on a Thursday. */
	uint64_t minutes = number / 60000000000ull + 3 * 1440;
	uint32_t at;

	switch (field) {
	case RULE_FIELD_EVT_RES:
		return rule_res_value((int32_t)number);
	case RULE_FIELD_EVENT_RESULT:
		return (uint64_t)(int64_t)(int32_t)number ^ 1ull << 63;
	case RULE_FIELD_EVENT_DURATION:
		at = places_of(worker, event)[VEX_ATTR_DURATION];
		return at ? read_number((const uint8_t *)worker->records[event] + at, 8) : number;
	case RULE_FIELD_TIME_HOUR:
		return minutes / 60 % 24;
	case RULE_FIELD_TIME_MINUTE:
		return minutes % 60;
	case RULE_FIELD_TIME_WEEKDAY:
		return minutes / 1440 % 7 + 1;
	default:
		return number;
	}
}

static bool number_of(struct rule_worker *worker, unsigned event, enum rule_field_id field,
		uint64_t *out)
{
	const uint8_t *from = (const uint8_t *)worker->records[event];
	const struct source *source = &sources[field];
	uint32_t at = source->attr ? places_of(worker, event)[source->attr] : 0;

	if (source->attr && !at)
		return false;
	*out = meaning(worker, event, field, read_number(from + at + source->offset, source->size));
	return true;
}

struct match_column *match_column(struct rule_worker *worker, unsigned field, uint64_t events)
{
	struct match_column *column = &worker->columns[field];
	enum rule_field_id id = (enum rule_field_id)worker->matcher->ids[field];
	enum rule_type type = rule_fields[id].type;
	uint64_t need = events & ~column->loaded;
	unsigned i;

	column->loaded |= need;
	EACH_EVENT(i, need) {
		bool has;

		if (type == RULE_STRINGS)
			has = match_event(worker, i)->label_count > 0;
		else if (type == RULE_STRING || type == RULE_PATH)
			has = text_of(worker, i, id, &column->texts[i]);
		else
			has = number_of(worker, i, id, &column->numbers[i]);
		column->has |= (uint64_t)has << i;
	}
	return column;
}

#ifdef __x86_64__
__attribute__((target("avx512f"))) static uint64_t range_wide(const uint64_t *numbers,
		uint64_t low, uint64_t high)
{
	const __m512i from = _mm512_set1_epi64((long long)low);
	const __m512i span = _mm512_set1_epi64((long long)(high - low));
	uint64_t result = 0;
	unsigned i;

	for (i = 0; i < 8; i++) {
		__m512i eight = _mm512_sub_epi64(_mm512_loadu_si512(numbers + 8 * i), from);

		result |= (uint64_t)_mm512_cmple_epu64_mask(eight, span) << 8 * i;
	}
	return result;
}

__attribute__((target("avx512f"))) static uint64_t bits_wide(const uint64_t *numbers,
		uint64_t mask, uint64_t want)
{
	const __m512i all = _mm512_set1_epi64((long long)mask);
	const __m512i some = _mm512_set1_epi64((long long)want);
	uint64_t result = 0;
	unsigned i;

	for (i = 0; i < 8; i++) {
		__m512i eight = _mm512_and_si512(_mm512_loadu_si512(numbers + 8 * i), all);

		result |= (uint64_t)_mm512_cmpeq_epi64_mask(eight, some) << 8 * i;
	}
	return result;
}

__attribute__((target("avx512f"))) static uint64_t same_wide(const uint32_t *numbers, uint32_t want)
{
	const __m512i all = _mm512_set1_epi32((int)want);
	uint64_t result = 0;
	unsigned i;

	for (i = 0; i < 4; i++)
		result |= (uint64_t)_mm512_cmpeq_epi32_mask(_mm512_loadu_si512(numbers + 16 * i),
				all) << 16 * i;
	return result;
}
#endif

uint64_t match_range(const uint64_t *numbers, uint64_t low, uint64_t high)
{
	uint64_t result = 0;
	unsigned i;

#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		return range_wide(numbers, low, high);
#endif
	for (i = 0; i < RULE_BURST_MAX; i++)
		result |= (uint64_t)(numbers[i] - low <= high - low) << i;
	return result;
}

uint64_t match_bits(const uint64_t *numbers, uint64_t mask, uint64_t want)
{
	uint64_t result = 0;
	unsigned i;

#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		return bits_wide(numbers, mask, want);
#endif
	for (i = 0; i < RULE_BURST_MAX; i++)
		result |= (uint64_t)((numbers[i] & mask) == want) << i;
	return result;
}

uint64_t match_same(const uint32_t *numbers, uint32_t want)
{
	uint64_t result = 0;
	unsigned i;

#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		return same_wide(numbers, want);
#endif
	for (i = 0; i < RULE_BURST_MAX; i++)
		result |= (uint64_t)(numbers[i] == want) << i;
	return result;
}
