/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "capture/samples.h"
#include "support/unit.h"

typedef ssize_t formatter(const struct vex_event *event, char *out, size_t cap);

static formatter *const formats[] = {vex_format_text, vex_format_json, vex_format_ocsf};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static char *room;
static struct sample sample;

static struct vex_bytes bytes(const char *text)
{
	return (struct vex_bytes){.data = text, .len = strlen(text)};
}

static struct vex_event rename_event(void)
{
	return (struct vex_event){
		.has = VEX_HAS_TASK | VEX_HAS_FILE | VEX_HAS_PATH | VEX_HAS_PATH2 | VEX_HAS_COMM,
		.type = VEX_RENAME,
		.boundary = VEX_BOUNDARY_FUSE,
		.id = {.seq = 0x1234, .node = 7, .port = 2, .lane = 1},
		.start_ns = 1700000000123456789u,
		.duration_ns = 12345,
		.pid = 4711,
		.tid = 4712,
		.ppid = 1,
		.uid = 1000,
		.gid = 100,
		.dev = 64769,
		.ino = 42,
		.parent_ino = 2,
		.mode = S_IFREG | 0644,
		.comm = bytes("mv"),
		.path = bytes("/data/a b"),
		.path2 = bytes("/data/c"),
	};
}

static void expect(formatter *format, const struct vex_event *event, const char *wanted)
{
	ssize_t len = format(event, room, VEX_FORMAT_MAX);

	CU_ASSERT_EQUAL(len, (ssize_t)strlen(wanted));
	CU_ASSERT_STRING_EQUAL(room, wanted);
	if (strcmp(room, wanted))
		printf("\n    is     %s\n    wanted %s\n", room, wanted);
}

static void test_text(void)
{
	struct vex_event event = rename_event();

	expect(vex_format_text, &event, "22:13:20.123456 fuse   rename     4711(mv)                "
			"uid=1000 OK        12.3us  /data/a b -> /data/c");
	event.type = VEX_READ;
	event.has = VEX_HAS_RANGE | VEX_HAS_PATH;
	event.path = bytes("/x\n\x1b[2J\\\xff\xc2\x9b\xc3\xa9\xe2\x80\xae");
	event.result = 512;
	event.offset = 8;
	event.size = 4096;
	event.duration_ns = 0;
	expect(vex_format_text, &event, "22:13:20.123456 fuse   read       4711                    "
			"uid=1000 OK        0ns     /x\\x0a\\x1b[2J\\x5c\\xff\\xc2\\x9b\xc3\xa9"
			"\\xe2\\x80\\xae offset=8 size=4096 result=512");
}

static void test_text_results(void)
{
	struct vex_event event = {.type = VEX_MKDIR, .result = -EACCES, .duration_ns = 1500000};

	expect(vex_format_text, &event, "00:00:00.000000 none   mkdir      0                       "
			"uid=0 EACCES    1.5ms  ");
	event.result = -9999;
	event.duration_ns = 61500000000u;
	expect(vex_format_text, &event, "00:00:00.000000 none   mkdir      0                       "
			"uid=0 9999      61.5s  ");
}

static void test_gap(void)
{
	struct vex_event event = {
		.has = VEX_HAS_GAP,
		.type = VEX_GAP,
		.boundary = VEX_BOUNDARY_APP,
		.id = {.port = 3, .lane = 2},
		.gap = {.first = 5, .last = 16, .count = 12, .reason = VEX_GAP_LANE_FULL},
	};

	expect(vex_format_text, &event, "00:00:00.000000 *** GAP *** 12 events lost: lane_full, "
			"sequence 5 to 16, port 3 lane 2");
	event.boundary = VEX_BOUNDARY_NONE;
	event.gap.count = 1;
	event.gap.last = 5;
	expect(vex_format_text, &event, "00:00:00.000000 *** GAP *** 1 event lost: lane_full, "
			"sequence 5 to 5, in this subscription");
	expect(vex_format_json, &event, "{\"id\":\"00000000000300020000000000000000\","
			"\"time\":\"1970-01-01T00:00:00.000000000Z\",\"type\":\"gap\","
			"\"category\":\"control\",\"boundary\":\"none\",\"node\":0,\"port\":3,"
			"\"lane\":2,\"seq\":0,\"start_ns\":0,\"duration_ns\":0,\"result\":0,"
			"\"pid\":0,\"uid\":0,\"gid\":0,\"gap\":{\"first\":5,\"last\":5,"
			"\"count\":1,\"reason\":\"lane_full\"}}");
}

static void test_rules(void)
{
	struct vex_event event = {.type = VEX_MKDIR,
			.has = VEX_HAS_ROUTE | VEX_HAS_SUPPRESSED,
			.route = {.generation = 12, .rule = 3, .matched = 2, .qos = 1, .priority = 4,
					.fingerprint = 0xfeedull},
			.suppressed = {.count = 7, .first_ns = 5, .last_ns = 6}};
	const char *json = "{\"id\":\"00000000000000000000000000000000\","
			   "\"time\":\"1970-01-01T00:00:00.000000000Z\",\"type\":\"mkdir\","
			   "\"category\":\"file\",\"boundary\":\"none\",\"node\":0,\"port\":0,"
			   "\"lane\":0,\"seq\":0,\"start_ns\":0,\"duration_ns\":0,\"result\":0,"
			   "\"pid\":0,\"uid\":0,\"gid\":0,\"route\":{\"generation\":12,";
	char text[1024];

	expect(vex_format_text, &event, "00:00:00.000000 none   mkdir      0                       "
			"uid=0 OK        0ns     rule=3 priority=warning matched=2 suppressed=7");
	snprintf(text, sizeof(text), "%s\"matched\":2,\"class\":\"high\",\"rule\":3,"
			"\"fingerprint\":\"000000000000feed\",\"priority\":\"warning\"},"
			"\"suppressed\":{\"count\":7,\"first_ns\":5,\"last_ns\":6}}", json);
	expect(vex_format_json, &event, text);
	event.route.matched = 0;
	expect(vex_format_text, &event, "00:00:00.000000 none   mkdir      0                       "
			"uid=0 OK        0ns     rule=3 priority=warning summary suppressed=7");
	snprintf(text, sizeof(text), "%s\"matched\":0,\"class\":\"high\",\"rule\":3,"
			"\"fingerprint\":\"000000000000feed\",\"priority\":\"warning\"},"
			"\"suppressed\":{\"count\":7,\"first_ns\":5,\"last_ns\":6,\"summary\":true}}",
			json);
	expect(vex_format_json, &event, text);
	event.has = VEX_HAS_ROUTE;
	event.route = (struct vex_attr_route){.generation = 12, .rule = VEX_ROUTE_NO_RULE, .qos = 2,
			.priority = VEX_ROUTE_NO_PRIORITY};
	snprintf(text, sizeof(text), "%s\"matched\":0,\"class\":\"normal\"}}", json);
	expect(vex_format_json, &event, text);
	expect(vex_format_text, &event, "00:00:00.000000 none   mkdir      0                       "
			"uid=0 OK        0ns    ");
}

static void test_json(void)
{
	struct vex_event event = rename_event();

	event.path = bytes("/\xff/\"q\"");
	event.result = -ENOENT;
	expect(vex_format_json, &event, "{\"id\":\"00000007000200010000000000001234\","
			"\"time\":\"2023-11-14T22:13:20.123456789Z\",\"type\":\"rename\","
			"\"category\":\"file\",\"boundary\":\"fuse\",\"node\":7,\"port\":2,"
			"\"lane\":1,\"seq\":4660,\"start_ns\":1700000000123456789,"
			"\"duration_ns\":12345,\"result\":-2,\"error\":\"ENOENT\",\"pid\":4711,"
			"\"tid\":4712,\"ppid\":1,\"uid\":1000,\"gid\":100,\"comm\":\"mv\","
			"\"path\":\"/\xef\xbf\xbd/\\\"q\\\"\",\"path_b64\":\"L/8vInEi\","
			"\"path2\":\"/data/c\",\"dev\":64769,\"ino\":42,\"parent_ino\":2,"
			"\"mode\":33188,\"flags\":0}");
}

static void test_ocsf(void)
{
	struct vex_event event = rename_event();

	expect(vex_format_ocsf, &event, "{\"class_uid\":1001,"
			"\"class_name\":\"File System Activity\",\"category_uid\":1,"
			"\"category_name\":\"System Activity\",\"activity_id\":5,"
			"\"activity_name\":\"Rename\",\"type_uid\":100105,\"severity_id\":1,"
			"\"severity\":\"Informational\",\"time\":1700000000123,"
			"\"start_time\":1700000000123,\"end_time\":1700000000123,\"duration\":0,"
			"\"status_id\":1,\"status\":\"Success\",\"actor\":{\"process\":{"
			"\"pid\":4711,\"tid\":4712,\"name\":\"mv\",\"parent_process\":{\"pid\":1},"
			"\"user\":{\"uid\":\"1000\",\"groups\":[{\"uid\":\"100\"}]}}},"
			"\"device\":{\"type_id\":0,\"uid\":\"7\"},\"file\":{\"name\":\"a b\","
			"\"path\":\"/data/a b\",\"parent_folder\":\"/data\",\"type_id\":1,"
			"\"uid\":\"64769:42\"},\"file_result\":{\"name\":\"c\",\"path\":\"/data/c\","
			"\"parent_folder\":\"/data\",\"type_id\":1,\"uid\":\"64769:42\"},"
			"\"metadata\":{\"version\":\"1.3.0\",\"product\":{\"name\":\"vexplane\","
			"\"vendor_name\":\"vexplane\",\"version\":\"" VEX_VERSION "\"},"
			"\"uid\":\"00000007000200010000000000001234\","
			"\"original_time\":\"2023-11-14T22:13:20.123456789Z\"},\"unmapped\":{"
			"\"type\":\"rename\",\"boundary\":\"fuse\",\"duration_ns\":12345,"
			"\"result\":0,\"parent_ino\":2,\"mode\":33188,\"flags\":0}}");
}

static void test_severity(void)
{
	static const struct {
		uint8_t priority;
		const char *severity;
	} cases[] = {
		{0, "6,\"severity\":\"Fatal\""}, {1, "5,\"severity\":\"Critical\""},
		{2, "5,\"severity\":\"Critical\""}, {3, "4,\"severity\":\"High\""},
		{4, "3,\"severity\":\"Medium\""}, {5, "2,\"severity\":\"Low\""},
		{6, "1,\"severity\":\"Informational\""}, {7, "1,\"severity\":\"Informational\""},
		{VEX_ROUTE_NO_PRIORITY, "1,\"severity\":\"Informational\""},
	};
	struct vex_event event = rename_event();
	size_t i;

	event.has |= VEX_HAS_ROUTE;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		event.route.priority = cases[i].priority;
		CU_ASSERT_TRUE_FATAL(vex_format_ocsf(&event, room, VEX_FORMAT_MAX) > 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(room, cases[i].severity));
	}
	event.type = VEX_GAP;
	CU_ASSERT_TRUE_FATAL(vex_format_ocsf(&event, room, VEX_FORMAT_MAX) > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(room, "\"severity_id\":3"));
}

static void test_ocsf_of_a_file_not_found(void)
{
	struct vex_event event = {.type = VEX_LOOKUP, .has = VEX_HAS_FILE | VEX_HAS_PATH,
			.dev = 65024, .parent_ino = 2, .result = -ENOENT, .path = bytes("/data/x")};
	ssize_t len = vex_format_ocsf(&event, room, VEX_FORMAT_MAX);

	CU_ASSERT_TRUE_FATAL(len > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(room, "\"parent_folder\":\"/data\",\"type_id\":0},"));
	CU_ASSERT_PTR_NOT_NULL(strstr(room, "\"parent_ino\":2,\"flags\":0}"));
	CU_ASSERT_PTR_NULL(strstr(room, "65024"));
}

/* One byte less than a line takes is never written beyond, and is told. */
static void test_small_buffers(void)
{
	struct vex_event event = rename_event();
	size_t cap;
	ssize_t len;
	size_t f;

	for (f = 0; f < FORMATS; f++) {
		len = formats[f](&event, room, VEX_FORMAT_MAX);
		CU_ASSERT_TRUE_FATAL(len > 0);
		for (cap = 0; cap <= (size_t)len; cap++) {
			room[cap] = '~';
			CU_ASSERT_EQUAL(formats[f](&event, room, cap), -ENOSPC);
			CU_ASSERT_EQUAL(room[cap], '~');
		}
		CU_ASSERT_EQUAL(formats[f](&event, room, (size_t)len + 1), len);
	}
}

/* Every byte of the largest record as the costliest of all, in every type. */
static void test_largest(void)
{
	uint32_t type;
	size_t f;

	for (type = 1; type < VEX_TYPE_LIMIT; type++) {
		if (!vex_type_name(type))
			continue;
		sample_make(&sample, type, SAMPLE_LARGEST, 1);
		memset(sample.text, 1, sizeof(sample.text));
		((uint8_t *)sample.text)[255] = 0xff;
		((uint8_t *)sample.text)[255 + 4096] = 0xff;
		memset(sample.text + 255 + 8192 + 255, 0xff, 1);
		for (f = 0; f < FORMATS; f++)
			CU_ASSERT_TRUE(formats[f](&sample.event, room, VEX_FORMAT_MAX) > 0);
	}
}

static void test_bytes(void)
{
	CU_ASSERT_EQUAL(vex_format_bytes(bytes("a\n\xc3\xa9"), room, VEX_FORMAT_MAX), 7);
	CU_ASSERT_STRING_EQUAL(room, "a\\x0a\xc3\xa9");
	CU_ASSERT_EQUAL(vex_format_bytes(bytes("abc"), room, 3), -ENOSPC);
	CU_ASSERT_EQUAL(vex_format_bytes((struct vex_bytes){0}, room, 1), 0);
}

/* Callers may format what they did not check: numbers without a name have no line to break. */
static void test_unknown_numbers(void)
{
	struct vex_event event = {
		.has = VEX_HAS_GAP,
		.type = 255,
		.boundary = 255,
		.start_ns = UINT64_MAX,
		.duration_ns = UINT64_MAX,
		.result = INT32_MIN,
		.gap = {.reason = 77},
	};
	size_t f;

	for (f = 0; f < FORMATS; f++) {
		CU_ASSERT_TRUE(formats[f](&event, room, VEX_FORMAT_MAX) > 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(room, "unknown"));
		CU_ASSERT_PTR_NOT_NULL(strstr(room, "2147483648"));
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"text", test_text},
		{"results in text", test_text_results},
		{"gap", test_gap},
		{"rules", test_rules},
		{"json", test_json},
		{"ocsf", test_ocsf},
		{"severity of ocsf", test_severity},
		{"OCSF of a file that was not found", test_ocsf_of_a_file_not_found},
		{"small buffers", test_small_buffers},
		{"the largest records", test_largest},
		{"bytes", test_bytes},
		{"unknown numbers", test_unknown_numbers},
		CU_TEST_INFO_NULL,
	};
	int rc;

	setenv("TZ", "UTC", 1);
	tzset();
	room = malloc(VEX_FORMAT_MAX);
	if (!room)
		return 1;
	rc = unit_run("format", tests);
	free(room);
	return rc;
}
