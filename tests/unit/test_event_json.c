/* SPDX-License-Identifier: BSD-3-Clause */
/* What vex_format_json() writes is read back as the event it was; all else is refused. */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "capture/samples.h"
#include "cli/event_json.h"
#include "event/format.h"
#include "support/unit.h"

static struct sample sample;
static uint64_t space[VEX_RECORD_MAX / 8];
static char text[VEX_FORMAT_MAX];

static void check_event(struct vex_event *event)
{
	struct vex_record *wanted = (struct vex_record *)space;
	struct vex_record *got;
	char why[EVENT_JSON_WHY_MAX] = "";
	json_error_t error;
	json_t *root;

	CU_ASSERT_FATAL(vex_format_json(event, text, sizeof(text)) > 0);
	root = event_json_parse(text, strlen(text), &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	got = event_from_json(root, why);
	json_decref(root);
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	event->has &= ~(uint32_t)(VEX_HAS_ROUTE | VEX_HAS_SUPPRESSED); /* the data plane's to say */
	event->gap.reason = 0;
	sample_encode(event, wanted);
	CU_ASSERT_EQUAL(got->size, wanted->size);
	CU_ASSERT(got->size == wanted->size && !memcmp(got, wanted, got->size));
	free(got);
}

static void test_round_trip(void)
{
	uint32_t type;
	unsigned shape;

	for (type = 1; type < VEX_TYPE_LIMIT; type++)
		for (shape = 0; vex_type_name(type) && shape < SAMPLE_LARGEST; shape++) {
			sample_make(&sample, type, (enum sample_shape)shape, type);
			check_event(&sample.event);
		}
}

static struct vex_record *read(const char *json, char *why)
{
	json_error_t error;
	json_t *root = event_json_parse(json, strlen(json), &error);
	struct vex_record *record = event_from_json(root, why);

	json_decref(root);
	return record;
}

static void test_refused(void)
{
	static const char *const wrong[][2] = {
		{"[]", "is an object"},
		{"{}", "\"type\" is missing"},
		{"{\"type\": \"opn\"}", "there is no type 'opn'"},
		{"{\"type\": 1}", "there is no type"},
		{"{\"type\": \"open\", \"pth\": \"/a\"}", "unknown key \"pth\""},
		{"{\"type\": \"open\", \"path\": 1}", "\"path\" must be a string"},
		{"{\"type\": \"open\", \"pid\": -1}", "\"pid\" must be a number"},
		{"{\"type\": \"open\", \"pid\": 4294967296}", "at most 32 bits"},
		{"{\"type\": \"open\", \"lane\": 65536}", "at most 16 bits"},
		{"{\"type\": \"open\", \"result\": \"x\"}", "\"result\" must be"},
		{"{\"type\": \"open\", \"result\": 4294967294}", "32 bits, with its sign"},
		{"{\"type\": \"open\", \"result\": -5000000000}", "32 bits, with its sign"},
		{"{\"type\": \"open\", \"result\": 99999999999999999999}", "32 bits, with its sign"},
		{"{\"type\": \"open\", \"ino\": 18446744073709551616}", "at most 64 bits"},
		{"{\"type\": \"open\", \"ino\": \"\"}", "at most 64 bits"},
		{"{\"type\": \"open\", \"ino\": \"-1\"}", "at most 64 bits"},
		{"{\"type\": \"open\", \"ino\": \"1x\"}", "at most 64 bits"},
		{"{\"type\": \"open\", \"pid\": \"4294967296\"}", "at most 32 bits"},
		{"{\"type\": \"open\", \"time\": \"2600-01-01T00:00:00Z\"}", "from 1970 to 2554"},
		{"{\"type\": \"open\", \"time\": \"2554-07-21T23:34:33.8Z\"}", "from 1970 to 2554"},
		{"{\"type\": \"open\", \"boundary\": \"x\"}", "there is no boundary"},
		{"{\"type\": \"open\", \"labels\": [1]}", "\"labels\" must be a string"},
		{"{\"type\": \"open\", \"attributes\": [{\"name\": \"a\"}]}", "\"value\" must be"},
		{"{\"type\": \"open\", \"graph\": 1}", "must be an object"},
		{"{\"type\": \"open\", \"graph\": {\"x\": 1}}", "unknown key \"x\" in \"graph\""},
		{"{\"type\": \"open\", \"path\": \"\", \"path_b64\": \"*\"}", "no base64"},
		{"{\"type\": \"open\", \"path\": \"\", \"path_b64\": \"AAAA\"}", "no event"},
	};
	char why[EVENT_JSON_WHY_MAX];
	struct vex_record *record;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		record = read(wrong[i][0], why);
		CU_ASSERT_PTR_NULL(record);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, wrong[i][1]));
		free(record);
	}
	record = read("{\"type\": \"open\"}", why);
	CU_ASSERT(record && record->type == VEX_OPEN && record->start_ns);
	free(record);
}

static void test_large_numbers(void)
{
	static const char *const wrong[] = {"{\"ino\":-18446744073709551615}", "{\"a\":1} {\"b\":2}",
			"{\"a\":1}x", "{\"a\":\"", "{\"a\":\"\\", "12345678901234567890", "",
			"{\"a\":012345678901234567890}"};
	char why[EVENT_JSON_WHY_MAX] = "";
	struct vex_record *record = read("{\"type\":\"open\",\"path\":\"/12345678901234567890\\\\\","
			"\"ino\":18446744073709551615,\"dev\":\"9223372036854775808\","
			"\"offset\":9223372036854775807 ,\"size\":7}", why);
	struct vex_event_space parts;
	struct vex_event event;
	json_error_t error;
	size_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(record);
	vex_event_decode(record, &event, &parts);
	CU_ASSERT_EQUAL(event.ino, UINT64_MAX);
	CU_ASSERT_EQUAL(event.dev, 1ull << 63);
	CU_ASSERT_EQUAL(event.offset, INT64_MAX);
	CU_ASSERT_EQUAL(event.size, 7);
	CU_ASSERT(event.path.len == 22 && !memcmp(event.path.data, "/12345678901234567890\\", 22));
	free(record);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_PTR_NULL(event_json_parse(wrong[i], strlen(wrong[i]), &error));
}

static void test_time(void)
{
	char why[EVENT_JSON_WHY_MAX] = "";
	struct vex_record *record = read("{\"type\": \"open\", \"time\": "
			"\"2023-11-14T22:13:20.123456789Z\", \"rule_name\": \"r\", \"message\": \"m\"}", why);

	CU_ASSERT_PTR_NOT_NULL_FATAL(record);
	CU_ASSERT_EQUAL(record->start_ns, 1700000000123456789u);
	free(record);
	record = read("{\"type\": \"open\", \"time\": \"2023-11-14T22:13:20Z\", \"start_ns\": 5}", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(record);
	CU_ASSERT_EQUAL(record->start_ns, 5);
	free(record);
	CU_ASSERT_PTR_NULL(read("{\"type\": \"open\", \"time\": \"noon\"}", why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "\"time\" must be such as"));
}

static void test_base64(void)
{
	uint8_t bytes[64];
	size_t size;
	size_t len;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	for (len = 0; len <= sizeof(bytes); len++) {
		char *encoded = base64_encode(bytes, len);
		void *decoded = base64_decode(encoded, strlen(encoded), &size);

		CU_ASSERT_EQUAL(strlen(encoded), (len + 2) / 3 * 4);
		CU_ASSERT(decoded && size == len && !memcmp(decoded, bytes, len));
		free(encoded);
		free(decoded);
	}
	CU_ASSERT_PTR_NULL(base64_decode("a", 1, &size));
	CU_ASSERT_PTR_NULL(base64_decode("aaa*", 4, &size));
	CU_ASSERT_PTR_NULL(base64_decode("=aaa", 4, &size));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"round trip", test_round_trip},
		{"refused", test_refused},
		{"large numbers", test_large_numbers},
		{"time", test_time},
		{"base64", test_base64},
		CU_TEST_INFO_NULL,
	};

	return unit_run("event_json", tests);
}
