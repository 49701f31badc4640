/* SPDX-License-Identifier: BSD-3-Clause */
/* Outputs of rules: what stands in them for an event, and what is warned of. */
#include "rule/output.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "support/rule_test.h"
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

static void test_warnings(void)
{
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

int main(void)
{
	CU_TestInfo tests[] = {
		{"values", test_values},
		{"warnings", test_warnings},
		CU_TEST_INFO_NULL,
	};

	return unit_run("rule_output", tests);
}
