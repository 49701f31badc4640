/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/event_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base64.h"

enum kind {
	KIND_NUMBER, /* unsigned, of as many bytes as its member has */
	KIND_RESULT, /* signed, 32 bits */
	KIND_BYTES,
	KIND_TYPE,
	KIND_BOUNDARY,
	KIND_GRAPH,
	KIND_VECTOR,
	KIND_GAP,
	KIND_LABELS,
	KIND_PAIRS,
	KIND_TIME,    /* start_ns for people: where that is not there */
	KIND_IGNORED, /* said elsewhere, or the data plane's to say */
};

struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	size_t size;
	uint32_t has;
};

#define MEMBER(member) offsetof(struct vex_event, member), sizeof(((struct vex_event *)0)->member)

static const struct key keys[] = {
	{"type", KIND_TYPE, 0, 0, 0},
	{"boundary", KIND_BOUNDARY, 0, 0, 0},
	{"node", KIND_NUMBER, MEMBER(id.node), 0},
	{"port", KIND_NUMBER, MEMBER(id.port), 0},
	{"lane", KIND_NUMBER, MEMBER(id.lane), 0},
	{"seq", KIND_NUMBER, MEMBER(id.seq), 0},
	{"start_ns", KIND_NUMBER, MEMBER(start_ns), 0},
	{"duration_ns", KIND_NUMBER, MEMBER(duration_ns), 0},
	{"result", KIND_RESULT, 0, 0, 0},
	{"pid", KIND_NUMBER, MEMBER(pid), 0},
	{"tid", KIND_NUMBER, MEMBER(tid), VEX_HAS_TASK},
	{"ppid", KIND_NUMBER, MEMBER(ppid), VEX_HAS_TASK},
	{"uid", KIND_NUMBER, MEMBER(uid), 0},
	{"gid", KIND_NUMBER, MEMBER(gid), 0},
	{"comm", KIND_BYTES, MEMBER(comm), VEX_HAS_COMM},
	{"tenant", KIND_NUMBER, MEMBER(tenant), VEX_HAS_TENANT},
	{"path", KIND_BYTES, MEMBER(path), VEX_HAS_PATH},
	{"path2", KIND_BYTES, MEMBER(path2), VEX_HAS_PATH2},
	{"dev", KIND_NUMBER, MEMBER(dev), VEX_HAS_FILE},
	{"ino", KIND_NUMBER, MEMBER(ino), VEX_HAS_FILE},
	{"parent_ino", KIND_NUMBER, MEMBER(parent_ino), VEX_HAS_FILE},
	{"mode", KIND_NUMBER, MEMBER(mode), VEX_HAS_FILE},
	{"flags", KIND_NUMBER, MEMBER(flags), VEX_HAS_FILE},
	{"parent2_ino", KIND_NUMBER, MEMBER(parent2_ino), VEX_HAS_PARENT2},
	{"offset", KIND_NUMBER, MEMBER(offset), VEX_HAS_RANGE},
	{"size", KIND_NUMBER, MEMBER(size), VEX_HAS_RANGE},
	{"graph", KIND_GRAPH, 0, 0, VEX_HAS_GRAPH},
	{"vector", KIND_VECTOR, 0, 0, VEX_HAS_VECTOR},
	{"gap", KIND_GAP, 0, 0, VEX_HAS_GAP},
	{"labels", KIND_LABELS, 0, 0, 0},
	{"attributes", KIND_PAIRS, 0, 0, 0},
	{"id", KIND_IGNORED, 0, 0, 0},
	{"time", KIND_TIME, 0, 0, 0},
	{"category", KIND_IGNORED, 0, 0, 0},
	{"error", KIND_IGNORED, 0, 0, 0},
	{"route", KIND_IGNORED, 0, 0, 0},
	{"rule_name", KIND_IGNORED, 0, 0, 0},
	{"message", KIND_IGNORED, 0, 0, 0},
	{"suppressed", KIND_IGNORED, 0, 0, 0},
	{"path_b64", KIND_IGNORED, 0, 0, 0},
	{"path2_b64", KIND_IGNORED, 0, 0, 0},
	{"comm_b64", KIND_IGNORED, 0, 0, 0},
	{"labels_b64", KIND_IGNORED, 0, 0, 0},
};

#define GRAPH(member) {#member, KIND_NUMBER, offsetof(struct vex_attr_graph, member), 8, 0}
static const struct key graph_keys[] = {
	GRAPH(node), GRAPH(edge), GRAPH(from), GRAPH(to), GRAPH(count),
};

#define VECTOR(member) {#member, KIND_NUMBER, offsetof(struct vex_attr_vector, member), \
		sizeof(((struct vex_attr_vector *)0)->member), 0}
static const struct key vector_keys[] = {
	VECTOR(vector), VECTOR(collection), VECTOR(count), VECTOR(dimension), VECTOR(k),
};

#define GAP(member) {#member, KIND_NUMBER, offsetof(struct vex_attr_gap, member), 8, 0}
static const struct key gap_keys[] = {
	GAP(first), GAP(last), GAP(count), {"reason", KIND_IGNORED, 0, 0, 0},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Bytes that were decoded, until the record is made. */
#define DECODED_MAX (3u + VEX_EVENT_LABELS_MAX + 2u * VEX_EVENT_PAIRS_MAX)

struct reader {
	struct vex_event event;
	struct vex_event_space space;
	void *decoded[DECODED_MAX];
	unsigned decoded_count;
	char *why;
};

__attribute__((format(printf, 2, 3)))
static bool fail(struct reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->why, EVENT_JSON_WHY_MAX, format, args);
	va_end(args);
	return false;
}

/* Of a number, or of a string of digits: what is beyond 63 bits jansson has no number for. */
static bool take_number(const json_t *value, uint64_t *number)
{
	const char *digits = json_string_value(value);

	*number = (uint64_t)json_integer_value(value);
	if (!digits)
		return json_is_integer(value) && json_integer_value(value) >= 0;
	if (!*digits || strspn(digits, "0123456789") != json_string_length(value))
		return false;
	errno = 0;
	*number = strtoull(digits, NULL, 10);
	return !errno;
}

static bool read_number(struct reader *reader, const struct key *key, const json_t *value, void *to)
{
	uint64_t number;

	if (!take_number(value, &number) || (key->size < 8 && number >> (8 * key->size)))
		return fail(reader, "\"%s\" must be a number of at most %zu bits", key->name,
				8 * key->size);
	memcpy(to, &number, key->size); /* little endian */
	return true;
}

/* The exact bytes stand beside a string that could not hold them. */
static bool read_bytes(struct reader *reader, const char *name, const json_t *value,
		const json_t *exact, struct vex_bytes *bytes)
{
	if (json_is_string(exact) && reader->decoded_count < DECODED_MAX) {
		bytes->data = base64_decode(json_string_value(exact), json_string_length(exact),
				&bytes->len);
		reader->decoded[reader->decoded_count++] = (void *)bytes->data;
		return bytes->data || fail(reader, "\"%s_b64\" is no base64", name);
	}
	if (!json_is_string(value))
		return fail(reader, "\"%s\" must be a string", name);
	bytes->data = json_string_value(value);
	bytes->len = json_string_length(value);
	return true;
}

static const json_t *exact_of(const json_t *object, const char *name)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_b64", name);
	return json_object_get(object, key);
}

static bool read_type(struct reader *reader, const json_t *value)
{
	const char *name = json_string_value(value);

	if (name)
		reader->event.type = (uint16_t)vex_type_by_name(name);
	if (!reader->event.type)
		return fail(reader, "there is no type '%.60s'; 'vexctl show types' lists them",
				name ? name : "(not a string)");
	return true;
}

static bool read_boundary(struct reader *reader, const json_t *value)
{
	const char *name = json_string_value(value);
	uint8_t i;

	for (i = 0; name && i < VEX_BOUNDARY_COUNT; i++)
		if (!strcmp(vex_boundary_name(i), name)) {
			reader->event.boundary = i;
			return true;
		}
	return fail(reader, "there is no boundary '%.60s'", name ? name : "(not a string)");
}

static bool read_group(struct reader *reader, const struct key *group, size_t count,
		const char *name, const json_t *object, void *to)
{
	const char *member;
	json_t *value;
	size_t i;

	if (!json_is_object(object))
		return fail(reader, "\"%s\" must be an object", name);
	json_object_foreach((json_t *)object, member, value) {
		for (i = 0; i < count && strcmp(group[i].name, member); i++)
			;
		if (i == count)
			return fail(reader, "unknown key \"%.60s\" in \"%s\"", member, name);
		if (group[i].kind == KIND_NUMBER &&
				!read_number(reader, &group[i], value, (char *)to + group[i].offset))
			return false;
	}
	return true;
}

static bool read_labels(struct reader *reader, const json_t *list, const json_t *exact)
{
	struct vex_event *event = &reader->event;
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > VEX_EVENT_LABELS_MAX)
		return fail(reader, "\"labels\" must be a list of at most %u strings",
				VEX_EVENT_LABELS_MAX);
	json_array_foreach(list, i, item)
		if (!read_bytes(reader, "labels", item, json_array_get(exact, i),
				&reader->space.labels[i]))
			return false;
	event->labels = reader->space.labels;
	event->label_count = (uint32_t)json_array_size(list);
	return true;
}

static bool read_pairs(struct reader *reader, const json_t *list)
{
	struct vex_event *event = &reader->event;
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > VEX_EVENT_PAIRS_MAX)
		return fail(reader, "\"attributes\" must be a list of at most %u objects",
				VEX_EVENT_PAIRS_MAX);
	json_array_foreach(list, i, item)
		if (!read_bytes(reader, "name", json_object_get(item, "name"),
				exact_of(item, "name"), &reader->space.pairs[i].name) ||
				!read_bytes(reader, "value", json_object_get(item, "value"),
				exact_of(item, "value"), &reader->space.pairs[i].value))
			return false;
	event->pairs = reader->space.pairs;
	event->pair_count = (uint32_t)json_array_size(list);
	return true;
}

/* Digits behind a full stop, as nanoseconds. */
static uint64_t read_fraction(const char **at)
{
	uint64_t unit = 100000000;
	uint64_t ns = 0;

	if (**at != '.')
		return 0;
	for (++*at; **at >= '0' && **at <= '9'; ++*at, unit /= 10)
		ns += (uint64_t)(**at - '0') * unit;
	return ns;
}

/* ISO 8601 in UTC, as events are printed. */
static bool read_time(struct reader *reader, const json_t *root, const json_t *value)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";
	struct tm tm = {0};
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t ns = at ? read_fraction(&at) : 0;
	time_t seconds = timegm(&tm);
	uint64_t start_ns;

	if (!at || strcmp(at, "Z") || seconds < 0 ||
			__builtin_mul_overflow((uint64_t)seconds, 1000000000u, &start_ns) ||
			__builtin_add_overflow(start_ns, ns, &start_ns))
		return fail(reader, "\"time\" must be such as \"2026-01-31T23:59:59.5Z\", from 1970 "
				"to 2554");
	if (!json_object_get(root, "start_ns"))
		reader->event.start_ns = start_ns;
	return true;
}

static bool read_result(struct reader *reader, const json_t *value)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < INT32_MIN || number > INT32_MAX)
		return fail(reader, "\"result\" must be a number of 32 bits, with its sign");
	reader->event.result = (int32_t)number;
	return true;
}

static bool read_key(struct reader *reader, const struct key *key, const json_t *root,
		const json_t *value)
{
	struct vex_event *event = &reader->event;
	void *member = (char *)event + key->offset;

	event->has |= key->has;
	switch (key->kind) {
	case KIND_NUMBER:
		return read_number(reader, key, value, member);
	case KIND_RESULT:
		return read_result(reader, value);
	case KIND_BYTES:
		return read_bytes(reader, key->name, value, exact_of(root, key->name), member);
	case KIND_TYPE:
		return read_type(reader, value);
	case KIND_BOUNDARY:
		return read_boundary(reader, value);
	case KIND_GRAPH:
		return read_group(reader, graph_keys, COUNT(graph_keys), "graph", value,
				&event->graph);
	case KIND_VECTOR:
		return read_group(reader, vector_keys, COUNT(vector_keys), "vector", value,
				&event->vector);
	case KIND_GAP:
		return read_group(reader, gap_keys, COUNT(gap_keys), "gap", value, &event->gap);
	case KIND_LABELS:
		return read_labels(reader, value, json_object_get(root, "labels_b64"));
	case KIND_PAIRS:
		return read_pairs(reader, value);
	case KIND_TIME:
		return read_time(reader, root, value);
	case KIND_IGNORED:
		break;
	}
	return true;
}

static bool read_event(struct reader *reader, const json_t *root)
{
	const char *name;
	json_t *value;
	size_t i;

	if (!json_is_object(root))
		return fail(reader, "an event is an object, {\"type\": \"open\", ...}");
	json_object_foreach((json_t *)root, name, value) {
		for (i = 0; i < COUNT(keys) && strcmp(keys[i].name, name); i++)
			;
		if (i == COUNT(keys))
			return fail(reader, "unknown key \"%.60s\"", name);
		if (!read_key(reader, &keys[i], root, value))
			return false;
	}
	return reader->event.type || fail(reader, "\"type\" is missing");
}

static struct vex_record *encode(struct reader *reader)
{
	uint32_t size = vex_event_size(&reader->event);
	struct vex_record *record = size ? calloc(1, size) : NULL;
	enum vex_check check;

	if (!record) {
		fail(reader, size ? "out of memory" : "a string of the event is too long, or a name has a NUL");
		return NULL;
	}
	vex_event_encode(&reader->event, record);
	record->size = size;
	check = vex_record_check(record, size);
	if (check == VEX_CHECK_OK)
		return record;
	fail(reader, "no event can be so: %s", vex_check_text(check));
	free(record);
	return NULL;
}

struct vex_record *event_from_json(const json_t *root, char why[EVENT_JSON_WHY_MAX])
{
	struct reader reader = {.why = why};
	struct vex_record *record = NULL;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	reader.event.start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (read_event(&reader, root))
		record = encode(&reader);
	while (reader.decoded_count)
		free(reader.decoded[--reader.decoded_count]);
	return record;
}
