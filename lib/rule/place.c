/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/place.h"

#include <string.h>

#define MINUTE_NS 60000000000ull

/* What each kind of redaction would do to a field that does not take it stands in docs/rules.md. */
#define HASH (1u << RULE_REDACT_HASH)
#define BLANK (1u << RULE_REDACT_MASK | 1u << RULE_REDACT_REMOVE)
#define ALL (HASH | BLANK)

#define HEADER(member, redact)                                                                     \
	{RULE_PLACE_NUMBER, 0, offsetof(struct vex_record, member),                                \
			sizeof(((struct vex_record *)0)->member), redact}
#define INSIDE(ATTR, type, member, redact)                                                         \
	{RULE_PLACE_NUMBER, VEX_ATTR_##ATTR, offsetof(struct type, member),                        \
			sizeof(((struct type *)0)->member), redact}
#define WHOLE(ATTR, size) {RULE_PLACE_NUMBER, VEX_ATTR_##ATTR, 0, size, ALL}
#define TEXT(KIND, ATTR) {RULE_PLACE_##KIND, VEX_ATTR_##ATTR, 0, 0, ALL}

const struct rule_place rule_places[RULE_FIELD_COUNT] = {
	[RULE_FIELD_EVT_TYPE] = HEADER(type, 0),
	[RULE_FIELD_EVT_TIME] = HEADER(start_ns, 0),
	[RULE_FIELD_EVT_RES] = {RULE_PLACE_RESULT, 0, offsetof(struct vex_record, result), 4, BLANK},
	[RULE_FIELD_EVENT_BOUNDARY] = HEADER(boundary, 0),
	[RULE_FIELD_EVENT_RESULT] = HEADER(result, BLANK),
	[RULE_FIELD_EVENT_DURATION] = {RULE_PLACE_DURATION, 0, 0, 0, 0},
	[RULE_FIELD_EVENT_NODE] = HEADER(id.node, 0),
	[RULE_FIELD_EVENT_PORT] = HEADER(id.port, 0),
	[RULE_FIELD_EVENT_LANE] = HEADER(id.lane, 0),
	[RULE_FIELD_EVENT_SEQ] = HEADER(id.seq, 0),
	[RULE_FIELD_TIME_HOUR] = {RULE_PLACE_CLOCK, 0, 0, 0, 0},
	[RULE_FIELD_TIME_MINUTE] = {RULE_PLACE_CLOCK, 0, 0, 0, 0},
	[RULE_FIELD_TIME_WEEKDAY] = {RULE_PLACE_CLOCK, 0, 0, 0, 0},
	[RULE_FIELD_PROC_NAME] = TEXT(TEXT, COMM),
	[RULE_FIELD_PROC_PID] = HEADER(pid, ALL),
	[RULE_FIELD_PROC_PPID] = INSIDE(TASK, vex_attr_task, ppid, ALL),
	[RULE_FIELD_THREAD_TID] = INSIDE(TASK, vex_attr_task, tid, ALL),
	[RULE_FIELD_USER_UID] = HEADER(uid, ALL),
	[RULE_FIELD_GROUP_GID] = HEADER(gid, ALL),
	[RULE_FIELD_TENANT] = WHOLE(TENANT, 4),
	[RULE_FIELD_FD_NAME] = TEXT(TEXT, PATH),
	[RULE_FIELD_FD_DIRECTORY] = TEXT(DIRECTORY, PATH),
	[RULE_FIELD_FD_FILENAME] = TEXT(FILENAME, PATH),
	[RULE_FIELD_FS_PATH2] = TEXT(TEXT, PATH2),
	[RULE_FIELD_FS_DEV] = INSIDE(FILE, vex_attr_file, dev, ALL),
	[RULE_FIELD_FS_INO] = INSIDE(FILE, vex_attr_file, ino, ALL),
	[RULE_FIELD_FS_PARENT_INO] = INSIDE(FILE, vex_attr_file, parent_ino, ALL),
	[RULE_FIELD_FS_PARENT2_INO] = WHOLE(PARENT2, 8),
	[RULE_FIELD_FS_MODE] = INSIDE(FILE, vex_attr_file, mode, BLANK),
	[RULE_FIELD_FS_FLAGS] = INSIDE(FILE, vex_attr_file, flags, BLANK),
	[RULE_FIELD_FS_OFFSET] = INSIDE(RANGE, vex_attr_range, offset, ALL),
	[RULE_FIELD_FS_SIZE] = INSIDE(RANGE, vex_attr_range, size, ALL),
	[RULE_FIELD_GRAPH_NODE] = INSIDE(GRAPH, vex_attr_graph, node, ALL),
	[RULE_FIELD_GRAPH_EDGE] = INSIDE(GRAPH, vex_attr_graph, edge, ALL),
	[RULE_FIELD_GRAPH_FROM] = INSIDE(GRAPH, vex_attr_graph, from, ALL),
	[RULE_FIELD_GRAPH_TO] = INSIDE(GRAPH, vex_attr_graph, to, ALL),
	[RULE_FIELD_GRAPH_COUNT] = INSIDE(GRAPH, vex_attr_graph, count, ALL),
	[RULE_FIELD_VECTOR_VECTOR] = INSIDE(VECTOR, vex_attr_vector, vector, ALL),
	[RULE_FIELD_VECTOR_COLLECTION] = INSIDE(VECTOR, vex_attr_vector, collection, ALL),
	[RULE_FIELD_VECTOR_COUNT] = INSIDE(VECTOR, vex_attr_vector, count, ALL),
	[RULE_FIELD_VECTOR_DIMENSION] = INSIDE(VECTOR, vex_attr_vector, dimension, ALL),
	[RULE_FIELD_VECTOR_K] = INSIDE(VECTOR, vex_attr_vector, k, ALL),
	[RULE_FIELD_LABEL] = TEXT(LABELS, LABEL),
	[RULE_FIELD_ATTR] = TEXT(PAIR, VALUE),
};

static struct rule_datum read_number(const struct vex_record *record, const struct rule_place *place)
{
	const uint8_t *from = place->attr ? vex_record_attr(record, place->attr, NULL)
					  : (const uint8_t *)record;
	struct rule_datum value = {.has = from != NULL};

	if (from)
		memcpy(&value.number, from + place->offset, place->size);
	return value;
}

static struct rule_datum read_duration(const struct vex_record *record)
{
	const void *whole = vex_record_attr(record, VEX_ATTR_DURATION, NULL);
	struct rule_datum value = {.has = true, .number = record->duration_ns};

	if (whole)
		memcpy(&value.number, whole, sizeof(value.number));
	return value;
}

/* 1970 began on a Thursday. */
static uint64_t clock_part(uint64_t start_ns, enum rule_field_id field)
{
	uint64_t minutes = start_ns / MINUTE_NS + 3 * 1440;

	if (field == RULE_FIELD_TIME_MINUTE)
		return minutes % 60;
	return field == RULE_FIELD_TIME_HOUR ? minutes / 60 % 24 : minutes / 1440 % 7 + 1;
}

static struct rule_datum read_text(const struct vex_record *record, const struct rule_place *place)
{
	uint32_t len = 0;
	const char *data = vex_record_attr(record, place->attr, &len);
	struct rule_datum value = {.has = data != NULL, .is_text = true, .text = {data, len}};
	const char *slash = len ? memrchr(data, '/', len) : NULL;

	if (!data || place->kind == RULE_PLACE_TEXT)
		return value;
	if (place->kind == RULE_PLACE_DIRECTORY) {
		value.has = slash != NULL;
		value.text.len = slash ? (size_t)(slash - data) + (slash == data) : 0;
	} else if (slash) {
		value.text = (struct vex_bytes){slash + 1, len - (size_t)(slash + 1 - data)};
	}
	return value;
}

/* The value of the first pair of that name; a NAME alone has an empty one. */
static struct rule_datum read_pair(const struct vex_record *record, struct vex_bytes name)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;
	struct rule_datum value = {.is_text = true};
	uint32_t head;

	for (; at < end; at += vex_attr_span(vex_attr_head_len(head))) {
		memcpy(&head, at, sizeof(head));
		if (value.has) {
			if (vex_attr_head_id(head) == VEX_ATTR_VALUE)
				value.text = (struct vex_bytes){at + VEX_ATTR_HEAD,
						vex_attr_head_len(head)};
			break;
		}
		value.has = head == vex_attr_head(VEX_ATTR_NAME, (uint32_t)name.len) &&
				(!name.len || !memcmp(at + VEX_ATTR_HEAD, name.data, name.len));
	}
	return value;
}

struct rule_datum rule_datum_read(const struct vex_record *record, enum rule_field_id field,
		struct vex_bytes name)
{
	const struct rule_place *place = &rule_places[field];
	struct rule_datum value;

	switch (place->kind) {
	case RULE_PLACE_NUMBER:
		value = read_number(record, place);
		if (field == RULE_FIELD_EVENT_RESULT)
			value.number = (uint64_t)(int64_t)record->result;
		return value;
	case RULE_PLACE_RESULT:
		return (struct rule_datum){.has = true, .number = rule_res_value(record->result)};
	case RULE_PLACE_DURATION:
		return read_duration(record);
	case RULE_PLACE_CLOCK:
		return (struct rule_datum){.has = true,
				.number = clock_part(record->start_ns, field)};
	case RULE_PLACE_TEXT:
	case RULE_PLACE_DIRECTORY:
	case RULE_PLACE_FILENAME:
		return read_text(record, place);
	case RULE_PLACE_PAIR:
		return read_pair(record, name);
	default:
		return (struct rule_datum){.has = false};
	}
}

void rule_reader_init(struct rule_reader *reader, const struct rule_image *image)
{
	const struct rule_image_field *fields = rule_image_part(image, RULE_PART_FIELDS);
	uint64_t i;

	*reader = (struct rule_reader){.image = image,
			.keys = rule_image_part(image, RULE_PART_KEYS),
			.text = rule_image_part(image, RULE_PART_TEXT)};
	for (i = 0; i < image->parts[RULE_PART_FIELDS].count; i++)
		reader->field[i] = (uint8_t)rule_field_by_name(
				reader->text + fields[i].name.offset, fields[i].name.len);
}
