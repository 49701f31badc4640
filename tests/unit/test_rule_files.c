/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a set, as they were read, make the same set without the files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rule/rule.h"
#include "support/unit.h"

static char folder[] = "/tmp/vex-rule-files-XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

#define RULE(name) "- rule: " name "\n  condition: evt.type = open and fd.name = /" name "\n"

/* Two files, of which the first includes another between its rules, twice, and a folder. */
static void write_files(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/more", folder);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/empty", folder);
	mkdir(path, 0755);
	write_file("a.yaml", RULE("a1") "- include: more\n" RULE("a2")
			"- include: [b.yaml, empty]\n- include: b.yaml\n");
	write_file("b.yaml", "\xef\xbb\xbf- macro: m\n  condition: user.uid = 0\n" RULE("b1"));
	write_file("c.yaml", "- rule: c1\n  condition: m and evt.type = close\n");
	write_file("more/1.yaml", RULE("m1") "- include: ../more2.yaml\n");
	write_file("more/2.yaml", RULE("m2"));
	write_file("more2.yaml", RULE("deep"));
}

static struct rule_set *load(struct rule_files *files)
{
	struct rule_options options = {.files = files};
	struct rule_diags diags = {0};
	struct rule_set *set = NULL;
	char a[256];
	char c[256];

	snprintf(a, sizeof(a), "%s/a.yaml", folder);
	snprintf(c, sizeof(c), "%s/c.yaml", folder);
	CU_ASSERT_EQUAL(rule_set_load((const char *[]){a, c}, 2, &options, &set, &diags), 0);
	rule_diags_clear(&diags);
	return set;
}

static int parse(const struct rule_files *files, struct rule_set **set, size_t *errors)
{
	struct rule_options options = {.complete = true};
	struct rule_diags diags = {0};
	int ret = rule_set_parse(files->items, files->count, &options, set, &diags);

	*errors = diags.errors;
	rule_diags_clear(&diags);
	return ret;
}

static void check_same(const struct rule_set *a, const struct rule_set *b)
{
	char left[512];
	char right[512];
	uint32_t i;

	CU_ASSERT_EQUAL_FATAL(a->count, b->count);
	CU_ASSERT_EQUAL_FATAL(a->file_count, b->file_count);
	for (i = 0; i < a->count; i++) {
		CU_ASSERT_STRING_EQUAL(a->rules[i].name.data, b->rules[i].name.data);
		CU_ASSERT_EQUAL(memcmp(&a->rules[i].pos, &b->rules[i].pos, 8), 0);
		rule_node_print(a->rules[i].condition, left, sizeof(left));
		rule_node_print(b->rules[i].condition, right, sizeof(right));
		CU_ASSERT_STRING_EQUAL(left, right);
	}
	for (i = 0; i < a->file_count; i++)
		CU_ASSERT_STRING_EQUAL(a->files[i].data, b->files[i].data);
}

static void test_same_set(void)
{
	static const char *const order[] = {"a1", "m1", "deep", "m2", "a2", "b1", "c1"};
	struct rule_files files = {0};
	struct rule_set *set = load(&files);
	struct rule_set *again = NULL;
	size_t errors;
	uint32_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(files.count, 7); /* b.yaml is read twice */
	for (i = 0; i < set->count; i++)
		CU_ASSERT_STRING_EQUAL(set->rules[i].name.data, order[i]);
	CU_ASSERT_EQUAL_FATAL(parse(&files, &again, &errors), 0);
	check_same(set, again);
	rule_set_free(again);
	rule_set_free(set);
	rule_files_clear(&files);
}

/* Sources may come from anyone: whatever stands where, it ends, and says what is wrong. */
static void test_wrong_places(void)
{
	struct rule_files files = {0};
	struct rule_set *set = load(&files);
	size_t errors;
	size_t i;
	size_t j;

	rule_set_free(set);
	for (i = 0; i < files.count; i++)
		for (j = 0; j < files.count; j++) {
			struct rule_source kept = files.items[i];

			files.items[i].by = (uint32_t)j;
			files.items[i].line = kept.line ? kept.line + (uint32_t)j % 2 : (uint32_t)j;
			if (!parse(&files, &set, &errors))
				rule_set_free(set);
			else
				CU_ASSERT(errors > 0);
			files.items[i] = kept;
		}
	rule_files_clear(&files);
}

static void test_errors_keep_files(void)
{
	struct rule_files files = {0};
	struct rule_options options = {.files = &files};
	struct rule_diags diags = {0};
	struct rule_set *set;
	char path[256];

	write_file("bad.yaml", "- rule: x\n  condition: nonsense\n");
	snprintf(path, sizeof(path), "%s/bad.yaml", folder);
	CU_ASSERT_EQUAL(rule_set_load((const char *[]){path}, 1, &options, &set, &diags), -EINVAL);
	CU_ASSERT_PTR_NULL(set);
	CU_ASSERT_EQUAL(files.count, 1);
	rule_diags_clear(&diags);
	rule_files_clear(&files);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the same set", test_same_set},
		{"sources in wrong places", test_wrong_places},
		{"files of a set that is wrong", test_errors_keep_files},
		CU_TEST_INFO_NULL,
	};
	char command[80];
	int ret;

	if (!mkdtemp(folder))
		return 1;
	write_files();
	ret = unit_run("rule_files", tests);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) ? 1 : ret;
}
