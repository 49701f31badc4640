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

static bool text_of(const struct vex_event *event, enum rule_field_id field, struct vex_bytes *out)
{
	const char *slash;

	*out = field == RULE_FIELD_PROC_NAME ? event->comm
	       : field == RULE_FIELD_FS_PATH2 ? event->path2 : event->path;
	if (field == RULE_FIELD_PROC_NAME)
		return event->has & VEX_HAS_COMM;
	if (field == RULE_FIELD_FS_PATH2)
		return event->has & VEX_HAS_PATH2;
	if (!(event->has & VEX_HAS_PATH) || field == RULE_FIELD_FD_NAME)
		return event->has & VEX_HAS_PATH;
	slash = out->len ? memrchr(out->data, '/', out->len) : NULL;
	if (field == RULE_FIELD_FD_DIRECTORY) {
		out->len = slash ? (size_t)(slash - (const char *)out->data) : 0;
		out->len += slash == out->data;
		return slash != NULL;
	}
	if (slash) {
		out->len -= (size_t)(slash + 1 - (const char *)out->data);
		out->data = slash + 1;
	}
	return true;
}

/* Minutes since the last Monday before 1970, which began on a Thursday. */
static uint64_t minutes(const struct vex_event *event)
{
	return event->start_ns / 60000000000ull + 3 * 1440;
}

static bool store_number(const struct vex_event *event, enum rule_field_id field, uint64_t *out)
{
	switch (field) {
	case RULE_FIELD_GRAPH_NODE:
		*out = event->graph.node;
		return event->has & VEX_HAS_GRAPH;
	case RULE_FIELD_GRAPH_EDGE:
		*out = event->graph.edge;
		return event->has & VEX_HAS_GRAPH;
	case RULE_FIELD_GRAPH_FROM:
		*out = event->graph.from;
		return event->has & VEX_HAS_GRAPH;
	case RULE_FIELD_GRAPH_TO:
		*out = event->graph.to;
		return event->has & VEX_HAS_GRAPH;
	case RULE_FIELD_GRAPH_COUNT:
		*out = event->graph.count;
		return event->has & VEX_HAS_GRAPH;
	case RULE_FIELD_VECTOR_VECTOR:
		*out = event->vector.vector;
		return event->has & VEX_HAS_VECTOR;
	case RULE_FIELD_VECTOR_COLLECTION:
		*out = event->vector.collection;
		return event->has & VEX_HAS_VECTOR;
	case RULE_FIELD_VECTOR_COUNT:
		*out = event->vector.count;
		return event->has & VEX_HAS_VECTOR;
	case RULE_FIELD_VECTOR_DIMENSION:
		*out = event->vector.dimension;
		return event->has & VEX_HAS_VECTOR;
	case RULE_FIELD_VECTOR_K:
		*out = event->vector.k;
		return event->has & VEX_HAS_VECTOR;
	default:
		return false;
	}
}

static bool file_number(const struct vex_event *event, enum rule_field_id field, uint64_t *out)
{
	switch (field) {
	case RULE_FIELD_FS_DEV:
		*out = event->dev;
		return event->has & VEX_HAS_FILE;
	case RULE_FIELD_FS_INO:
		*out = event->ino;
		return event->has & VEX_HAS_FILE;
	case RULE_FIELD_FS_PARENT_INO:
		*out = event->parent_ino;
		return event->has & VEX_HAS_FILE;
	case RULE_FIELD_FS_PARENT2_INO:
		*out = event->parent2_ino;
		return event->has & VEX_HAS_PARENT2;
	case RULE_FIELD_FS_MODE:
		*out = event->mode;
		return event->has & VEX_HAS_FILE;
	case RULE_FIELD_FS_FLAGS:
		*out = event->flags;
		return event->has & VEX_HAS_FILE;
	case RULE_FIELD_FS_OFFSET:
		*out = event->offset;
		return event->has & VEX_HAS_RANGE;
	case RULE_FIELD_FS_SIZE:
		*out = event->size;
		return event->has & VEX_HAS_RANGE;
	default:
		return store_number(event, field, out);
	}
}

static bool who_number(const struct vex_event *event, enum rule_field_id field, uint64_t *out)
{
	switch (field) {
	case RULE_FIELD_PROC_PID:
		*out = event->pid;
		return true;
	case RULE_FIELD_PROC_PPID:
		*out = event->ppid;
		return event->has & VEX_HAS_TASK;
	case RULE_FIELD_THREAD_TID:
		*out = event->tid;
		return event->has & VEX_HAS_TASK;
	case RULE_FIELD_USER_UID:
		*out = event->uid;
		return true;
	case RULE_FIELD_GROUP_GID:
		*out = event->gid;
		return true;
	case RULE_FIELD_TENANT:
		*out = event->tenant;
		return event->has & VEX_HAS_TENANT;
	default:
		return file_number(event, field, out);
	}
}

static bool number_of(const struct vex_event *event, enum rule_field_id field, uint64_t *out)
{
	switch (field) {
	case RULE_FIELD_EVT_TYPE:
		*out = event->type;
		return true;
	case RULE_FIELD_EVT_TIME:
		*out = event->start_ns;
		return true;
	case RULE_FIELD_EVT_RES:
		*out = rule_res_value(event->result);
		return true;
	case RULE_FIELD_EVENT_BOUNDARY:
		*out = event->boundary;
		return true;
	case RULE_FIELD_EVENT_RESULT:
		*out = (uint64_t)(int64_t)event->result ^ 1ull << 63;
		return true;
	case RULE_FIELD_EVENT_DURATION:
		*out = event->duration_ns;
		return true;
	case RULE_FIELD_EVENT_NODE:
		*out = event->id.node;
		return true;
	case RULE_FIELD_EVENT_PORT:
		*out = event->id.port;
		return true;
	case RULE_FIELD_EVENT_LANE:
		*out = event->id.lane;
		return true;
	case RULE_FIELD_EVENT_SEQ:
		*out = event->id.seq;
		return true;
	case RULE_FIELD_TIME_HOUR:
		*out = minutes(event) / 60 % 24;
		return true;
	case RULE_FIELD_TIME_MINUTE:
		*out = minutes(event) % 60;
		return true;
	case RULE_FIELD_TIME_WEEKDAY:
		*out = minutes(event) / 1440 % 7 + 1;
		return true;
	default:
		return who_number(event, field, out);
	}
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
		const struct vex_event *event = match_event(worker, i);
		bool has;

		if (type == RULE_STRINGS)
			has = event->label_count > 0;
		else if (type == RULE_STRING || type == RULE_PATH)
			has = text_of(event, id, &column->texts[i]);
		else
			has = number_of(event, id, &column->numbers[i]);
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
