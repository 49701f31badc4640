/* SPDX-License-Identifier: BSD-3-Clause */
/* Outputs of rules, and why rules match: what is said of an event, and what is warned of. */
#include "rule/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "rule/compile.h"
#include "rule/disassemble.h"
#include "rule/match.h"
#include "support/rule_test.h"
#include "support/rule_value.h"
#include "support/unit.h"

static struct vex_event event;

static void is(const char *output, const char *wanted)
{
	struct vex_record *record = calloc(1, VEX_RECORD_MAX);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_FATAL(record && out);
	vex_event_encode(&event, record);
	record->size = vex_event_size(&event);
	rule_output_print(record, (struct rule_text){output, strlen(output)}, out);
	fclose(out);
	CU_ASSERT_STRING_EQUAL(text, wanted);
	if (strcmp(text, wanted))
		printf("\n    '%s', not '%s'", text, wanted);
	free(text);
	free(record);
}

static void test_values(void)
{
	static const struct vex_pair pair = {{"colour", 6}, {"red\n", 4}};
	static const struct vex_bytes labels[] = {{"a", 1}, {"b", 1}};

	event = (struct vex_event){.type = VEX_RENAME, .has = VEX_HAS_PATH | VEX_HAS_PATH2 | VEX_HAS_COMM |
			VEX_HAS_FILE, .start_ns = 1500000000, .uid = 7, .mode = S_IFREG | 0644,
			.path = bytes_of("/a/b\xff"), .path2 = bytes_of("/a/\xc3\xa9"),
			.comm = bytes_of("mv"), .pairs = &pair, .pair_count = 1, .labels = labels,
			.label_count = 2};
	is("file=%fd.name to=%fs.path2 process=%proc.name user=%user.uid.",
			"file=/a/b\\xff to=/a/\xc3\xa9 process=mv user=7.");
	is("%attr[colour] %label %fs.mode %fd.directory", "red\\x0a a,b 0100644 /a");
	is("%evt.type %evt.res %evt.time %evt.rawtime", "rename SUCCESS 1970-01-01T00:00:01.500000000Z "
			"1500000000");
	is("%evt.arg.oldpath %evt.arg.path %fs.path.target %fd.type %event.category",
			"/a/b\\xff <NA> /a/\xc3\xa9 file file");
	is("%fs.size %container.id %attr[x] %no.such", "<NA> <NA> <NA> <NA>");
	is("100% of %%, 5%of %", "100% of %%, 5%of %");
	event.result = -ENOENT;
	is("%evt.res %evt.failed %fs.path.target", "ENOENT true <NA>");
}

/* A field's name ends before a bracket that it does not take. */
static void test_brackets(void)
{
	static const struct vex_pair pairs[] = {{{"two words", 9}, {"2", 1}}, {{"a]", 2}, {"b", 1}},
			{{"x", 1}, {"", 0}}};

	event = (struct vex_event){.type = VEX_OPEN, .has = VEX_HAS_PATH | VEX_HAS_COMM | VEX_HAS_FILE,
			.pid = 7, .flags = O_WRONLY, .path = bytes_of("/a"), .comm = bytes_of("cat"),
			.pairs = pairs, .pair_count = 3};
	is("%proc.name[%proc.pid]: %fd.name w=%evt.is_open_write", "cat[7]: /a w=true");
	is("%proc.name[%attr[x]] %fd.nam[1] %user.uid[", "cat[] <NA>[1] 0[");
	is("%attr[\"two words\"] %attr['two words'] %attr[two words] %attr[\"a]\"]", "2 2 2 b");
	is("%attr[\"t\\x77o words\"] %attr[\"x\"].", "2 .");
	is("%attr[] %attr[\"\"] %attr %attr[\"x] %attr[\"\\q\"] %evt.arg[0]",
			"<NA> <NA> <NA> <NA>[\"x] <NA> <NA>");
}

static void expect(enum rule_field_id field, const struct oracle_value *value, FILE *out)
{
	struct vex_bytes bytes = value->text;

	switch (rule_fields[field].type) {
	case RULE_STRING:
	case RULE_PATH:
		fwrite(bytes.data, 1, bytes.len, out);
		break;
	case RULE_SIGNED:
		fprintf(out, "%ld", (long)value->integer);
		break;
	case RULE_FLAGS:
		fprintf(out, "%#lo", (unsigned long)value->number);
		break;
	case RULE_BOOL:
		fputs(value->number ? "true" : "false", out);
		break;
	case RULE_ENUM:
		fputs(rule_word_name(field, value->word), out);
		break;
	case RULE_STRINGS:
		fputs("a,b", out);
		break;
	case RULE_TIME:
		fputs("1970-01-01T00:00:01.500000000Z", out);
		break;
	default:
		fprintf(out, "%lu", (unsigned long)value->number);
	}
}

/* The number of a descriptor that is there is not known. */
static void compare(enum rule_field_id field)
{
	static const struct rule_text name = {"k", 1};
	struct oracle_value value = oracle_value(field, &name, &event);
	bool known = value.there && (field != RULE_FIELD_FD_NUM || value.integer < 0);
	char output[64];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	if (known)
		expect(field, &value, out);
	else
		fputs("<NA>", out);
	fclose(out);
	snprintf(output, sizeof(output), "%%%s%s", rule_fields[field].name,
			field == RULE_FIELD_ATTR ? "[k]" : "");
	is(output, text);
	free(text);
}

/* Each field says what conditions take it for. */
static void test_every_field(void)
{
	static const uint32_t flags[] = {O_RDONLY, O_WRONLY | O_CREAT, O_RDWR, O_ACCMODE};
	static const uint32_t has[] = {0, VEX_HAS_GAP - 1};
	static const struct vex_bytes labels[] = {{"a", 1}, {"b", 1}};
	static const struct vex_pair pair = {{"k", 1}, {"v", 1}};
	unsigned type;
	unsigned i;
	unsigned field;

	for (type = 1; type < VEX_TYPE_LIMIT; type++) {
		for (i = 0; vex_type_name(type) && type != VEX_GAP && i < 16; i++) {
			event = (struct vex_event){.type = (uint8_t)type, .boundary = VEX_BOUNDARY_FUSE,
				.has = has[i & 1], .result = i & 2 ? -EACCES : 3, .start_ns = 1500000000,
				.flags = flags[i >> 2], .mode = S_IFDIR | 0755, .path = {"/a/b", 4},
				.path2 = {"/c", 2}, .comm = {"cat", 3}, .pid = 5, .tid = 6, .ppid = 7,
				.uid = 8, .gid = 9, .dev = 10, .ino = 11, .offset = 12, .size = 13,
				.labels = labels, .label_count = i & 1 ? 2 : 0, .pairs = &pair,
				.pair_count = i & 1, .id.seq = 14, .duration_ns = 15};
			for (field = 0; field < RULE_FIELD_COUNT; field++)
				compare((enum rule_field_id)field);
		}
	}
}

/* Both spellings of an attribute's name, wherever fields are named. */
static void test_attributes(void)
{
	static const char text[] =
			"- group: g\n  members: [m]\n  balance: hash\n  by: 'attr[\"two words\"]'\n"
			"- rule: r\n  condition: attr[\"mime\"] exists and attr['two words'] exists and fs.size > 1\n"
			"  suppress: {for: 5s, by: [\"attr[mime]\", 'attr[\"two words\"]']}\n"
			"  redact: {'attr[\"two words\"]': remove, \"attr['mime']\": mask}\n";
	static const char *const wanted[] = {"remove attr[\"two words\"]", "mask attr[mime]",
			"by attr[mime], attr[\"two words\"]", "attr[mime] exists"};
	struct rule_set *set = good_text(text);
	struct rule_compile_error error;
	struct rule_image *image;
	char *printed = NULL;
	FILE *out;
	size_t size;
	size_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL_FATAL(rule_compile(set, NULL, &image, &size, &error), 0);
	out = open_memstream(&printed, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	rule_image_print(image, out);
	fclose(out);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		CU_ASSERT_PTR_NOT_NULL(strstr(printed, wanted[i]));
		if (!strstr(printed, wanted[i]))
			printf("\n    no '%s' in\n%s", wanted[i], printed);
	}
	CU_ASSERT_EQUAL(set->groups[0].by.keys[0].argument.len, 9);
	free(printed);
	free(image);
	rule_set_free(set);
}

static void test_warnings(void)
{
	rule_set_free(good_text("- rule: r\n  condition: evt.type = open\n"
			"  output: '%attr[a] %attr[\"a b\"] %attr[\"\"]'\n"));
	was_said(RULE_WARNING, RULE_DIAG_FIELD, 3, 35, "attr[name]");
	CU_ASSERT_EQUAL(said.count, 1);

	rule_set_free(good_text("- rule: r\n  condition: evt.type = open\n"
			"  output: file=%fd.nam by %proc.name, %container.id, 5%of it\n"));
	was_said(RULE_WARNING, RULE_DIAG_FIELD, 3, 17, "'fd.nam'");
	CU_ASSERT_EQUAL(said.count, 1);
	CU_ASSERT_STRING_EQUAL(said.items[0].suggestion, "fd.name");
	rule_set_free(good_text("- rule: r\n  condition: evt.type = open\n  output: >\n    a\n"
			"    %no.such.thing\n"));
	was_said(RULE_WARNING, RULE_DIAG_FIELD, 5, 6, "'no.such.thing'");
	rule_set_free(good_text("- rule: r\n  condition: evt.type = open\n"
			"  output: '%tenat'\n"));
	CU_ASSERT_STRING_EQUAL(said.items[0].suggestion, "tenant");
}

static const char explained[] = "- rule: other\n  condition: fd.name = /b and fs.size > 5\n"
		"- rule: size\n  condition: fd.name = /a and fs.size > 5\n"
		"- rule: named\n  condition: fd.name pmatch (/a) and not proc.name = vi\n"
		"- rule: mixed\n  condition: fs.size > 7 or fd.name = /c\n"
		"- rule: nodes\n  condition: graph.count > 3\n"
		"- rule: mode\n  condition: fs.mode = 0644\n"
		"- rule: flags\n  condition: fs.flags contains O_CREAT|O_TRUNC\n"
		"- rule: others\n  condition: fs.mode contains S_IWOTH and fs.size > 0\n"
		"- rule: round\n  condition: fs.size >= 1MiB\n"
		"- rule: least\n  condition: fs.size <= 2KiB and fs.size >= 2000\n"
		"- rule: between\n  condition: fs.size < 3 and fs.size > 1\n"
		"- rule: signed\n  condition: event.result < 0\n"
		"- rule: never\n  condition: user.uid = 5000000000\n"
		"- rule: night\n  condition: evt.type = read\n  schedule: {days: [mon-wed, fri], "
		"hours: [22:00-06:00, 12:00-13:00], offset: \"-02:30\"}\n"
		"- rule: off\n  condition: fd.name = /a\n  enabled: false\n"
		"- rule: first\n  condition: fd.name startswith /\n  match: first\n"
		"- rule: last\n  condition: fd.name = /a\n";

static void test_explain(void)
{
	struct rule_set *set = good_text(explained);
	struct rule_matcher *matcher;
	struct rule_worker *worker;
	uint64_t room[64] = {0};
	struct vex_record *record = (struct vex_record *)room;
	struct rule_compile_error error;
	struct rule_image *image;
	const char *why;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	event = (struct vex_event){.type = VEX_READ, .has = VEX_HAS_PATH | VEX_HAS_RANGE | VEX_HAS_COMM,
		.size = 3, .path = {"/a", 2}, .comm = {"vi", 2}};
	vex_event_encode(&event, record);
	record->size = vex_event_size(&event);
	CU_ASSERT_EQUAL_FATAL(rule_compile(set, NULL, &image, &size, &error), 0);
	CU_ASSERT_EQUAL_FATAL(rule_matcher_new(image, size, &matcher, &why), 0);
	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, NULL, &worker), 0);
	rule_explain(worker, record, out);
	fflush(out);
	CU_ASSERT_STRING_EQUAL(text,
			"other: fd.name = \"/b\" is false (the event has /a)\n"
			"size: fs.size > 5 is false (the event has 3)\n"
			"named: proc.name = \"vi\" is true (the event has vi)\n"
			"mixed: fs.size > 7 is false (the event has 3)\n"
			"nodes: graph.count > 3 is false (the event has none)\n"
			"mode: fs.mode = 0644 is false (the event has none)\n"
			"flags: fs.flags contains O_CREAT|O_TRUNC is false (the event has none)\n"
			"others: fs.mode contains S_IWOTH is false (the event has none)\n"
			"round: fs.size >= 1048576 is false (the event has 3)\n"
			"least: fs.size >= 2000 is false (the event has 3)\n"
			"between: fs.size < 3 is false (the event has 3)\n"
			"signed: event.result < 0 is false (the event has 0)\n"
			"never: its condition never holds\n"
			"night: schedule (mon-wed,fri 22:00-06:00 or mon-wed,fri 12:00-13:00, UTC-02:30) is false "
			"(the event has 1970-01-01T00:00:00.000000000Z)\n"
			"off: disabled\n"
			"first: matches\n"
			"last: an earlier rule has match: first\n");
	rule_image_print(image, out);
	fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "rule 16 \"last\" active, normal, "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n  cacheable: fd.name = \"/a\"\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "residual: fs.size > 5\n"));
	rule_worker_free(worker);
	rule_matcher_free(matcher);
	rule_set_free(set);
	free(image);
	free(text);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"values", test_values},
		{"brackets", test_brackets},
		{"every field", test_every_field},
		{"attributes", test_attributes},
		{"warnings", test_warnings},
		{"explained", test_explain},
		CU_TEST_INFO_NULL,
	};

	return unit_run("rule_output", tests);
}
