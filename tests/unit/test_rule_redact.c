/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Redaction: of random events nothing of a field's value is left in the bytes, all other fields
 * stay as they were, and the record is a good one.
 *
 *   test-rule_redact [EVENTS [SEED]]    default: 300 events for each field and way, from seed 1
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule/redact.h"
#include "support/rule_drawn.h"
#include "support/rule_limits.h"
#include "support/rule_value.h"
#include "support/unit.h"

#define WINDOW DRAWN_PART

static const char *const hows[] = {"hash", "mask", "remove"};
static uint64_t events = 300;
static uint64_t state = 1;
static struct rule_secret secret, other_secret;
static uint64_t out_words[VEX_RECORD_MAX / 8];
static struct vex_record *const out = (struct vex_record *)out_words;

/* -- what must not be there -- */

static bool holds(const struct vex_record *record, const void *bytes, size_t len)
{
	return memmem(record, record->size, bytes, len) != NULL;
}

/* Any eight bytes in a row of it, but those that may stay; slashes stand in masks, too. */
static bool text_left(const struct vex_record *record, struct vex_bytes text, struct vex_bytes stays)
{
	const char *data = text.data;
	size_t i;

	for (i = 0; i + WINDOW <= text.len; i++)
		if (!memchr(data + i, '/', WINDOW) && holds(record, data + i, WINDOW) &&
				!(stays.len && memmem(stays.data, stays.len, data + i, WINDOW)))
			return true;
	return false;
}

static bool number_left(const struct vex_record *record, enum rule_field_id field, uint64_t number)
{
	size_t size = rule_places[field].size;

	return holds(record, &number, size);
}

/*
 * Every value that the field stands for. What only the second path, or the thread, is not to tell
 * may stand in the first one, or be the process, too.
 */
static bool is_left(const struct vex_record *record, enum rule_field_id field,
		const struct vex_event *event)
{
	static const struct rule_text name = {"a", 1};
	const struct vex_bytes none = {NULL, 0};
	struct vex_bytes stays = field == RULE_FIELD_FS_PATH2 ? event->path : none;
	struct oracle_value value = oracle_value(field, &name, event);
	bool left = false;
	uint32_t i;

	for (i = 0; field == RULE_FIELD_LABEL && i < event->label_count; i++)
		left = left || text_left(record, event->labels[i], none);
	for (i = 0; field == RULE_FIELD_ATTR && i < event->pair_count; i++)
		left = left || (*(const char *)event->pairs[i].name.data == 'a' &&
						text_left(record, event->pairs[i].value, none));
	if (!value.there || field == RULE_FIELD_LABEL || field == RULE_FIELD_ATTR)
		return left;
	if (field == RULE_FIELD_THREAD_TID && event->tid == event->pid)
		return false;
	if (rule_fields[field].type == RULE_STRING || rule_fields[field].type == RULE_PATH)
		return text_left(record, value.text, stays);
	if (field == RULE_FIELD_EVT_RES || field == RULE_FIELD_EVENT_RESULT)
		return number_left(record, field, (uint64_t)event->result);
	return number_left(record, field, (uint64_t)value.number);
}

/* -- what must be there -- */

static bool is_path(enum rule_field_id field)
{
	return field == RULE_FIELD_FD_NAME || field == RULE_FIELD_FD_DIRECTORY ||
			field == RULE_FIELD_FD_FILENAME || field == RULE_FIELD_FS_PATH2;
}

/* Whether a field may change where another is redacted. */
static bool goes_with(enum rule_field_id field, enum rule_field_id redacted)
{
	if (field == RULE_FIELD_FS_PATH2 || redacted == RULE_FIELD_FS_PATH2)
		return field == redacted || is_path(redacted);
	if ((field == RULE_FIELD_FD_DIRECTORY && redacted == RULE_FIELD_FD_FILENAME) ||
			(field == RULE_FIELD_FD_FILENAME && redacted == RULE_FIELD_FD_DIRECTORY))
		return false;
	return field == redacted || (is_path(field) && is_path(redacted)) ||
			(field == RULE_FIELD_THREAD_TID && redacted == RULE_FIELD_PROC_PID) ||
			(field == RULE_FIELD_EVT_RES && redacted == RULE_FIELD_EVENT_RESULT) ||
			(field == RULE_FIELD_EVENT_RESULT && redacted == RULE_FIELD_EVT_RES);
}

static bool same_bytes(struct vex_bytes a, struct vex_bytes b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

static bool same_value(enum rule_field_id field, const struct rule_text *name,
		const struct vex_event *a, const struct vex_event *b)
{
	struct oracle_value x = oracle_value(field, name, a);
	struct oracle_value y = oracle_value(field, name, b);
	uint32_t i;

	if (!x.there || !y.there)
		return x.there == y.there;
	for (i = 0; field == RULE_FIELD_LABEL && i < x.count && x.count == y.count; i++)
		if (!same_bytes(x.list[i], y.list[i]))
			return false;
	return x.word == y.word && x.number == y.number &&
			x.integer == y.integer && same_bytes(x.text, y.text) && x.count == y.count;
}

/* A removed directory leaves a path without a slash, so that what is missing is a value, too. */
static bool others_stay(enum rule_field_id redacted, const struct vex_event *before,
		const struct vex_event *after)
{
	static const struct rule_text names[] = {{"a", 1}, {"b", 1}, {"c", 1}};
	unsigned field;

	for (field = 0; field < RULE_FIELD_COUNT; field++)
		for (unsigned i = 0; i < (field == RULE_FIELD_ATTR ? 3 : 1); i++) {
			if (!rule_fields[field].core || goes_with(field, redacted))
				continue;
			if (field == RULE_FIELD_ATTR && redacted == RULE_FIELD_ATTR && !i)
				continue;
			if (!same_value(field, &names[i], before, after)) {
				printf("%s changed with %s\n", rule_fields[field].name,
						rule_fields[redacted].name);
				return false;
			}
		}
	return true;
}

/* -- each field, each way -- */

static uint32_t redact(const struct compiled *rules, uint32_t rule_count,
		const struct vex_record *record, const struct rule_secret *with, uint32_t room)
{
	struct rule_redaction redaction;
	uint32_t size;

	rule_redaction_begin(&redaction, record);
	for (uint32_t i = 0; i < rule_count; i++) {
		uint32_t count;
		const struct rule_image_redact *redacts = compiled_redacts(rules, i, &count);

		rule_redaction_add(&redaction, &rules->reader, redacts, count);
	}
	memset(out_words, 0xa5, sizeof(out_words));
	size = rule_redaction_write(&redaction, with, out, room);
	CU_ASSERT_FATAL(size == out->size && size <= room);
	CU_ASSERT_EQUAL_FATAL(vex_record_check(out, size), VEX_CHECK_OK);
	return size;
}

static void name_of(enum rule_field_id field, char *text, size_t size)
{
	snprintf(text, size, field == RULE_FIELD_ATTR ? "\"attr[a]\"" : "%s",
			rule_fields[field].name);
}

static void rule_for(struct compiled *rules, enum rule_field_id field, const char *how)
{
	char text[256];
	char name[64];

	name_of(field, name, sizeof(name));
	snprintf(text, sizeof(text), "- rule: r\n  condition: evt.type = rename\n  redact: {%s: %s}\n",
			name, how);
	compiled_from(rules, text);
}

static void check_one(const struct compiled *rules, enum rule_field_id field, const char *how)
{
	struct vex_event_space space;
	struct vex_event after;
	struct drawn drawn;
	struct vex_record *record;

	drawn_event(&drawn, &state);
	record = record_of(&drawn.event);
	redact(rules, 1, record, &secret, VEX_RECORD_MAX);
	vex_event_decode(out, &after, &space);
	if (is_left(out, field, &drawn.event)) {
		printf("%s is left by %s\n", rule_fields[field].name, how);
		CU_FAIL("left");
	}
	CU_ASSERT(others_stay(field, &drawn.event, &after));
	free(record);
}

static void test_fields(void)
{
	unsigned fields = 0;

	for (unsigned field = 0; field < RULE_FIELD_COUNT; field++)
		for (unsigned how = 0; how < RULE_REDACT_COUNT; how++) {
			struct compiled rules;

			if (!rule_place_redacts(field, how))
				continue;
			fields++;
			rule_for(&rules, field, hows[how]);
			for (uint64_t i = 0; i < events; i++)
				check_one(&rules, field, hows[how]);
			compiled_free(&rules);
		}
	CU_ASSERT(fields > 90);
}

/* Each field that a key can be takes every way, or is refused with the reason. */
static void test_refused(void)
{
	for (unsigned field = 0; field < RULE_FIELD_COUNT; field++)
		for (unsigned how = 0; how < RULE_REDACT_COUNT && rule_fields[field].core; how++) {
			struct rule_source source = {.name = "test"};
			struct rule_diags diags = {0};
			struct rule_set *set = NULL;
			char text[256];
			char name[64];

			name_of(field, name, sizeof(name));
			source.text = text;
			source.len = (size_t)snprintf(text, sizeof(text),
					"- rule: r\n  condition: evt.type = open\n  redact: {%s: %s}\n",
					name, hows[how]);
			CU_ASSERT_EQUAL(rule_set_parse(&source, 1, NULL, &set, &diags) == 0,
					rule_place_redacts(field, how));
			if (!set)
				CU_ASSERT_PTR_NOT_NULL(strstr(diags.items[0].message, "can't be"));
			rule_diags_clear(&diags);
			rule_set_free(set);
		}
}

/* -- single cases -- */

/* A path as it leaves: of an open, by some rules. */
static void path_is(const char *keys, const char *path, const char *wanted)
{
	struct vex_event event = {.type = VEX_OPEN, .has = VEX_HAS_PATH, .path = {path, strlen(path)}};
	struct vex_record *record = record_of(&event);
	struct vex_event_space space;
	struct compiled rules;
	char text[512];

	snprintf(text, sizeof(text), "- rule: r\n  condition: evt.type = open\n  redact: {%s}\n", keys);
	compiled_from(&rules, text);
	redact(&rules, 1, record, &secret, VEX_RECORD_MAX);
	vex_event_decode(out, &event, &space);
	CU_ASSERT_EQUAL(event.has & VEX_HAS_PATH, wanted ? VEX_HAS_PATH : 0);
	if (wanted && (event.path.len != strlen(wanted) ||
				    memcmp(event.path.data, wanted, event.path.len))) {
		printf("{%s} of %s: %.*s, not %s\n", keys, path, (int)event.path.len,
				(const char *)event.path.data, wanted);
		CU_FAIL("path");
	}
	compiled_free(&rules);
	free(record);
}

static void test_paths(void)
{
	path_is("fd.name: mask", "/etc/ssh/key", "/***/***/***");
	path_is("fd.directory: mask", "/etc/ssh/key", "/***/***/key");
	path_is("fd.filename: mask", "/etc/ssh/key", "/etc/ssh/***");
	path_is("fd.name: remove", "/etc/ssh/key", NULL);
	path_is("fd.directory: remove", "/etc/ssh/key", "key");
	path_is("fd.filename: remove", "/etc/ssh/key", "/etc/ssh/");
	path_is("fd.filename: remove, fd.directory: remove", "/etc/ssh/key", NULL);
	path_is("fd.filename: remove, fd.directory: mask", "/etc/ssh/key", "/***/***/");
	path_is("fd.filename: mask", "/key", "/***");
	path_is("fd.directory: mask", "/key", "/key");
	path_is("fd.directory: remove", "/key", "key");
	path_is("fd.filename: mask", "/", "/");
	path_is("fd.filename: mask", "key", "***");
	path_is("fd.directory: mask", "key", "key");
	path_is("fd.filename: remove", "key", NULL);
	path_is("fd.filename: mask", "", "");
	path_is("fd.name: mask", "/a//b/", "/*//*/");
	path_is("fs.path2: remove", "/a/b", "/a/b");
	path_is("fd.name: hash, fd.filename: mask", "/a/b", "/*/*");
	path_is("fd.name: mask, fd.filename: remove", "/a/b", NULL);
}

static struct vex_bytes comm_of(const struct vex_record *record)
{
	uint32_t len = 0;
	const void *data = vex_record_attr(record, VEX_ATTR_COMM, &len);

	return (struct vex_bytes){data, len};
}

/* Equal values have equal hashes, in whatever field; another secret gives others. */
static void test_hash(void)
{
	struct vex_event event = {.type = VEX_OPEN, .uid = 7, .gid = 7,
			.has = VEX_HAS_COMM | VEX_HAS_PATH, .comm = {"same", 4}, .path = {"same", 4}};
	struct vex_record *record = record_of(&event);
	struct vex_event_space space;
	struct compiled rules;
	char first[33] = "";
	uint32_t uid;

	compiled_from(&rules, "- rule: r\n  condition: evt.type = open\n  redact:\n"
			"    {proc.name: hash, fd.name: hash, user.uid: hash, group.gid: hash}\n");
	redact(&rules, 1, record, &secret, VEX_RECORD_MAX);
	CU_ASSERT_EQUAL_FATAL(comm_of(out).len, 32);
	memcpy(first, comm_of(out).data, 32);
	uid = out->uid;
	CU_ASSERT_EQUAL(strspn(first, "0123456789abcdef"), 32);
	CU_ASSERT_NOT_EQUAL(uid, 7);
	CU_ASSERT_EQUAL(out->gid, uid);
	vex_event_decode(out, &event, &space);
	CU_ASSERT(same_bytes(event.path, event.comm));
	redact(&rules, 1, record, &other_secret, VEX_RECORD_MAX);
	CU_ASSERT(memcmp(first, comm_of(out).data, 32) != 0);
	CU_ASSERT_NOT_EQUAL(out->uid, uid);
	compiled_free(&rules);
	free(record);
}

/* Of what several rules want the strictest holds, in whatever order. */
static void test_strictest(void)
{
	struct vex_event event = {.type = VEX_OPEN, .uid = 7, .gid = 8, .has = VEX_HAS_COMM,
			.comm = {"name", 4}};
	struct vex_record *record = record_of(&event);
	struct compiled rules;

	compiled_from(&rules, "- rule: a\n  condition: evt.type = open\n"
			"  redact: {proc.name: mask, user.uid: remove, group.gid: mask}\n"
			"- rule: b\n  condition: evt.type = open\n"
			"  redact: {proc.name: hash, user.uid: hash, group.gid: remove}\n");
	redact(&rules, 2, record, &secret, VEX_RECORD_MAX);
	CU_ASSERT(same_bytes(comm_of(out), (struct vex_bytes){"****", 4}));
	CU_ASSERT_EQUAL(out->uid, UINT32_MAX);
	CU_ASSERT_EQUAL(out->gid, UINT32_MAX);
	redact(&rules, 1, record, &secret, VEX_RECORD_MAX);
	CU_ASSERT_EQUAL(out->gid, 0);
	redact(&rules, 0, record, &secret, VEX_RECORD_MAX);
	CU_ASSERT_EQUAL(out->size, record->size);
	CU_ASSERT(!memcmp(out, record, record->size));
	compiled_free(&rules);
	free(record);
}

/* Where a hash would make too much of it there is a mask. */
static void test_room(void)
{
	static char big[65536], path[4096];
	struct vex_pair pairs[VEX_EVENT_PAIRS_MAX];
	struct vex_event event = {.type = VEX_OPEN, .has = VEX_HAS_PATH, .path = {path, 4096},
			.pairs = pairs, .pair_count = VEX_EVENT_PAIRS_MAX};
	struct vex_event_space space;
	struct vex_record *record;
	struct compiled rules;
	unsigned hashed = 0, masked = 0;
	uint32_t i;

	memset(path, 'p', sizeof(path));
	memset(big, 'v', sizeof(big));
	path[4000] = '/';
	path[4094] = '/';
	for (i = 0; i < VEX_EVENT_PAIRS_MAX; i++)
		pairs[i] = (struct vex_pair){{"a", 1}, {"v", 1}};
	pairs[0].name.data = "b";
	pairs[0].value = (struct vex_bytes){big, 65536};
	pairs[1].name.data = "b";
	pairs[1].value = (struct vex_bytes){big, VEX_RECORD_MADE_MAX - 500 - vex_event_size(&event)};
	record = record_of(&event);
	compiled_from(&rules, "- rule: a\n  condition: evt.type = open\n"
			"  redact: {\"attr[a]\": hash, fd.filename: hash}\n");
	redact(&rules, 1, record, &secret, VEX_RECORD_MAX);
	vex_event_decode(out, &event, &space);
	CU_ASSERT_EQUAL(event.path.len, 4096);
	CU_ASSERT_EQUAL(((const char *)event.path.data)[4095], '*');
	for (i = 2; i < event.pair_count; i++) {
		hashed += event.pairs[i].value.len == 32;
		masked += same_bytes(event.pairs[i].value, (struct vex_bytes){"*", 1});
	}
	CU_ASSERT_EQUAL(hashed + masked, VEX_EVENT_PAIRS_MAX - 2);
	CU_ASSERT(hashed >= 10 && masked >= 10);
	redact(&rules, 1, record, &secret, record->size);
	CU_ASSERT_EQUAL(out->size, record->size);
	compiled_free(&rules);
	free(record);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"nothing of any field is left", test_fields},
		{"what can't be redacted is refused", test_refused},
		{"paths and their parts", test_paths},
		{"hashes", test_hash},
		{"the strictest holds", test_strictest},
		{"where there is no room", test_room},
		CU_TEST_INFO_NULL,
	};

	if (argc > 1)
		events = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		state = strtoull(argv[2], NULL, 0);
	for (size_t i = 0; i < sizeof(secret.bytes); i++) {
		secret.bytes[i] = (uint8_t)next_random(&state);
		other_secret.bytes[i] = (uint8_t)next_random(&state);
	}
	return unit_run("rule_redact", tests);
}
