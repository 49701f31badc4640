/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records of any bytes: what vex_record_check() accepts can be decoded, encoded again and
 * shown in every format, and comes back the same where it is in the encoder's own form.
 */
#include "fuzz.h"

#include <jansson.h>

#include "event/event.h"
#include "event/format.h"

static struct vex_event_space space, space_again;
static char text[VEX_FORMAT_MAX];

/* The order in which the encoder writes attributes; NAME and VALUE take turns. */
static const uint8_t ranks[VEX_ATTR_LIMIT] = {
	[VEX_ATTR_TASK] = 1,
	[VEX_ATTR_COMM] = 2,
	[VEX_ATTR_TENANT] = 3,
	[VEX_ATTR_FILE] = 4,
	[VEX_ATTR_RANGE] = 5,
	[VEX_ATTR_PATH] = 6,
	[VEX_ATTR_PATH2] = 7,
	[VEX_ATTR_DURATION] = 8,
	[VEX_ATTR_PARENT2] = 9,
	[VEX_ATTR_GAP] = 10,
	[VEX_ATTR_GRAPH] = 11,
	[VEX_ATTR_VECTOR] = 12,
	[VEX_ATTR_ROUTE] = 13,
	[VEX_ATTR_SUPPRESSED] = 14,
	[VEX_ATTR_NAME] = 15,
	[VEX_ATTR_VALUE] = 15,
	[VEX_ATTR_LABEL] = 16,
};

static bool padding_is_zero(const uint8_t *attr, uint32_t len)
{
	for (uint32_t i = VEX_ATTR_HEAD + len; i < vex_attr_span(len); i++)
		if (attr[i])
			return false;
	return true;
}

static bool follows(uint32_t previous, uint32_t id)
{
	if (previous == VEX_ATTR_NAME || id == VEX_ATTR_VALUE)
		return previous == VEX_ATTR_NAME && id == VEX_ATTR_VALUE;
	return ranks[previous] <= ranks[id];
}

static bool duration_is_canonical(const struct vex_record *record)
{
	const void *attr = vex_record_attr(record, VEX_ATTR_DURATION, NULL);
	uint64_t duration;

	if (!attr)
		return record->duration_ns != UINT32_MAX;
	memcpy(&duration, attr, sizeof(duration));
	return record->duration_ns == UINT32_MAX && duration >= UINT32_MAX;
}

/* Whether the encoder would have written these bytes for the event that they hold. */
static bool is_canonical(const struct vex_record *record)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;
	uint32_t previous = VEX_ATTR_NONE;

	while (at < end) {
		uint32_t head;

		memcpy(&head, at, sizeof(head));
		if (!follows(previous, vex_attr_head_id(head)) ||
				!padding_is_zero(at, vex_attr_head_len(head)))
			return false;
		previous = vex_attr_head_id(head);
		at += vex_attr_span(vex_attr_head_len(head));
	}
	return previous != VEX_ATTR_NAME && !record->lane_seq && duration_is_canonical(record);
}

/* Encodes into a block of exactly the size needed, so that a byte too many is found. */
static struct vex_record *encode(const struct vex_event *event)
{
	uint32_t size = vex_event_size(event);
	struct vex_record *record;

	if (!size)
		return NULL;
	record = malloc(size);
	MUST(record);
	memset(record, 0xa5, size);
	vex_event_encode(event, record);
	record->size = size;
	record->lane_seq = 0;
	MUST(vex_record_check(record, size) == VEX_CHECK_OK);
	return record;
}

static void check_round_trip(const struct vex_record *record, const struct vex_event *event)
{
	bool canonical = is_canonical(record);
	struct vex_record *again = encode(event), *third;
	struct vex_event event_again;

	MUST(again || !canonical);
	if (!again) /* names without values take more room once they have empty ones */
		return;
	if (canonical)
		MUST(again->size == record->size && again->lane_seq == record->lane_seq &&
				memcmp(again, record, record->size) == 0);
	vex_event_decode(again, &event_again, &space_again);
	third = encode(&event_again);
	MUST(third && third->size == again->size && memcmp(third, again, third->size) == 0);
	free(third);
	free(again);
}

static void check_line(ssize_t len, size_t cap)
{
	MUST(len > 0 && (size_t)len < cap);
	MUST(strlen(text) == (size_t)len);
	MUST(!memchr(text, '\n', (size_t)len));
}

/* Numbers of 64 bits without a sign are good JSON, but no integers of jansson's. */
static void check_json(ssize_t len)
{
	json_error_t error;
	json_t *json = json_loadb(text, (size_t)len,
			JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);

	if (!json)
		fprintf(stderr, "%s at %d: %s\n", error.text, error.position, text);
	MUST(json);
	json_decref(json);
}

/* A buffer that is too small by any number of bytes is never overrun. */
static void check_small_buffer(const struct vex_event *event, size_t len, uint8_t where)
{
	size_t cap = len * where / 256;
	char *small = malloc(cap ? cap : 1);

	MUST(small);
	MUST(vex_format_text(event, small, cap) < 0 || len < cap);
	vex_format_json(event, small, cap);
	vex_format_ocsf(event, small, cap);
	free(small);
}

static void check_formats(const struct vex_event *event, uint8_t where)
{
	ssize_t len = vex_format_json(event, text, sizeof(text));

	check_line(len, sizeof(text));
	check_json(len);
	len = vex_format_ocsf(event, text, sizeof(text));
	check_line(len, sizeof(text));
	check_json(len);
	len = vex_format_text(event, text, sizeof(text));
	check_line(len, sizeof(text));
	check_small_buffer(event, (size_t)len, where);
}

static void check_record(const struct vex_record *record, size_t available)
{
	struct vex_event event;
	enum vex_check check = vex_record_check(record, available);

	MUST(*vex_check_text(check));
	if (check != VEX_CHECK_OK)
		return;
	vex_event_decode(record, &event, &space);
	check_round_trip(record, &event);
	check_formats(&event, (uint8_t)record->pid);
}

/* Sizes and counts are hard to guess, so each input is also tried with good ones. */
static void mend(struct vex_record *record, size_t available)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end;

	record->size = (uint32_t)(available & ~(size_t)7);
	record->attr_count = 0;
	end = (const uint8_t *)record + record->size;
	while (at < end) {
		uint32_t head;

		memcpy(&head, at, sizeof(head));
		record->attr_count++;
		if (vex_attr_span(vex_attr_head_len(head)) > (size_t)(end - at))
			return;
		at += vex_attr_span(vex_attr_head_len(head));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vex_record *record;

	if (size > VEX_RECORD_MAX + 64)
		return 0;
	record = malloc(size ? size : 1);
	MUST(record);
	if (size)
		memcpy(record, data, size);
	check_record(record, size);
	if (size >= VEX_RECORD_MIN) {
		mend(record, size);
		record->lane_seq = 0;
		check_record(record, size);
	}
	free(record);
	return 0;
}
