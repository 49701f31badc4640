/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields of the events of a burst, side by side. */
#include "rule/match_work.h"

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

/* Where in a record an attribute has its payload; 0: it has none. */
static uint32_t find_attr(const struct vex_record *record, unsigned attr)
{
	uint32_t at = sizeof(*record);
	uint32_t head;

	while (at < record->size) {
		memcpy(&head, (const uint8_t *)record + at, sizeof(head));
		if (vex_attr_head_id(head) == attr)
			return at + VEX_ATTR_HEAD;
		at += vex_attr_span(vex_attr_head_len(head));
	}
	return 0;
}

const struct match_place *match_place(struct rule_worker *worker, unsigned attr, uint64_t events)
{
	struct match_place *place = &worker->places[attr];
	uint64_t need = events & ~place->known;
	unsigned i;

	worker->placed |= 1u << attr;
	place->known |= need;
	EACH_EVENT(i, need) {
		place->at[i] = find_attr(worker->records[i], attr);
		place->has |= (uint64_t)(place->at[i] != 0) << i;
	}
	return place;
}

struct vex_bytes match_payload(const struct vex_record *record, uint32_t at)
{
	const uint8_t *data = (const uint8_t *)record + at;
	uint32_t head;

	memcpy(&head, data - VEX_ATTR_HEAD, sizeof(head));
	return (struct vex_bytes){.data = data, .len = vex_attr_head_len(head)};
}

/* Whether it has one. */
static bool cut_name(enum rule_field_id field, struct vex_bytes *path)
{
	const char *slash = path->len ? memrchr(path->data, '/', path->len) : NULL;

	if (field == RULE_FIELD_FD_DIRECTORY) {
		path->len = slash ? (size_t)(slash - (const char *)path->data) : 0;
		path->len += slash == path->data;
		return slash != NULL;
	}
	if (slash) {
		path->len -= (size_t)(slash + 1 - (const char *)path->data);
		path->data = slash + 1;
	}
	return true;
}

static void load_texts(struct rule_worker *worker, struct match_column *column,
		enum rule_field_id field, uint64_t events)
{
	unsigned attr = field == RULE_FIELD_PROC_NAME ? VEX_ATTR_COMM
			: field == RULE_FIELD_FS_PATH2 ? VEX_ATTR_PATH2 : VEX_ATTR_PATH;
	bool part = field == RULE_FIELD_FD_DIRECTORY || field == RULE_FIELD_FD_FILENAME;
	const struct match_place *place = match_place(worker, attr, events);
	unsigned i;

	EACH_EVENT(i, events & place->has) {
		column->texts[i] = match_payload(worker->records[i], place->at[i]);
		if (!part || cut_name(field, &column->texts[i]))
			column->has |= 1ull << i;
	}
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

/* What tests compare where that is not the number that stands in the record. */
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
		at = find_attr(worker->records[event], VEX_ATTR_DURATION);
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

/* meant: they stand in the record as they are compared, in so many bytes. */
VEX_ALWAYS_INLINE static void read_all(struct rule_worker *worker, struct match_column *column,
		enum rule_field_id field, const uint32_t *at, uint64_t events, unsigned size, bool meant)
{
	unsigned offset = sources[field].offset;
	uint64_t any = column->any;
	unsigned i;

	EACH_EVENT(i, events) {
		const uint8_t *from = (const uint8_t *)worker->records[i] + at[i] + offset;
		uint64_t number = read_number(from, size);

		if (!meant)
			number = meaning(worker, i, field, number);
		column->numbers[i] = number;
		column->low[i] = (uint32_t)number;
		any |= number;
	}
	column->any = any;
}

static bool is_meant(enum rule_field_id field)
{
	return field != RULE_FIELD_EVT_RES && field != RULE_FIELD_EVENT_RESULT &&
			field != RULE_FIELD_EVENT_DURATION && field != RULE_FIELD_TIME_HOUR &&
			field != RULE_FIELD_TIME_MINUTE && field != RULE_FIELD_TIME_WEEKDAY;
}

static void load_numbers(struct rule_worker *worker, struct match_column *column,
		enum rule_field_id field, uint64_t events)
{
	static const uint32_t header[RULE_BURST_MAX];
	unsigned attr = sources[field].attr;
	unsigned size = sources[field].size;
	const uint32_t *at = header;

	if (attr) {
		const struct match_place *place = match_place(worker, attr, events);

		at = place->at;
		events &= place->has;
	}
	column->has |= events;
	if (is_meant(field) && size == 8)
		read_all(worker, column, field, at, events, 8, true);
	else if (is_meant(field) && size == 4)
		read_all(worker, column, field, at, events, 4, true);
	else
		read_all(worker, column, field, at, events, size, is_meant(field));
}

static void load_lists(struct rule_worker *worker, struct match_column *column, uint64_t events)
{
	unsigned i;

	EACH_EVENT(i, events)
		column->has |= (uint64_t)(match_event(worker, i)->label_count > 0) << i;
}

const struct match_column *match_load(struct rule_worker *worker, unsigned field, uint64_t events)
{
	struct match_column *column = &worker->columns[field];
	enum rule_field_id id = (enum rule_field_id)worker->matcher->ids[field];
	enum rule_type type = rule_fields[id].type;
	uint64_t need = events & ~column->loaded;

	worker->loaded |= 1ull << field;
	column->loaded |= need;
	if (type == RULE_STRINGS)
		load_lists(worker, column, need);
	else if (type == RULE_STRING || type == RULE_PATH)
		load_texts(worker, column, id, need);
	else
		load_numbers(worker, column, id, need);
	return column;
}
