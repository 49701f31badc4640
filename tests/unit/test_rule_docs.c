/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * docs/rules.md is right: its examples load, its conditions mean what it says, its messages are
 * those that are given, and its tables are those of the code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "rule/program.h"
#include "support/rule_test.h"

#define PAGE_MAX (1u << 17)

static char page[PAGE_MAX];
static char folder[] = "/tmp/test-rules-XXXXXX";
static char wrong[4096]; /* the text that the next ```said is about */

static void load_example(const char *text)
{
	char path[256];
	char name[64];
	FILE *file;

	if (sscanf(text, "# %63[a-z0-9./-]\n", name) != 1) {
		rule_set_free(good_text(text));
		CU_ASSERT_EQUAL(said.warnings, 0);
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void each_line(char *text, void (*run)(char *line))
{
	char *line;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		run(line);
}

/* As a block of YAML, so that the line means what it means by itself. */
static struct rule_set *load_line(const char *line)
{
	char text[2048];

	snprintf(text, sizeof(text), "- rule: r\n  condition: |\n    %s\n", line);
	return good_text(text);
}

static void run_condition(char *line)
{
	struct rule_set *set = load_line(line);

	if (set)
		CU_ASSERT_EQUAL(set->rules[0].state, RULE_ACTIVE);
	rule_set_free(set);
}

static void run_unsupported(char *line)
{
	struct rule_set *set = load_line(line);

	if (set)
		CU_ASSERT_EQUAL(set->rules[0].state, RULE_UNSUPPORTED);
	rule_set_free(set);
}

/* PATH  CONDITION  true|false */
static void run_match(char *line)
{
	char *condition = strstr(line, "  ");
	char *result = strstr(condition + 2, "  ");
	struct vex_event event = {.type = VEX_OPEN, .has = VEX_HAS_PATH};
	struct oracle *oracle = oracle_new(NULL, NULL);
	struct rule_set *set;

	*condition = '\0';
	*result = '\0';
	event.path = bytes_of(line);
	set = load_line(condition + 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(oracle_rule(oracle, &set->rules[0], &event), !strcmp(result + 2, "true"));
	if (oracle_rule(oracle, &set->rules[0], &event) != !strcmp(result + 2, "true"))
		printf("\n    %s %s", line, condition + 2);
	CU_ASSERT_EQUAL(oracle_condition(oracle, set->rules[0].condition, &event),
			!strcmp(result + 2, "true"));
	rule_set_free(set);
	oracle_free(oracle);
}

static void compare_said(const char *expected)
{
	struct rule_source source = {"rules.yaml", wrong, strlen(wrong)};
	struct rule_set *set;
	char text[8192];
	size_t n = 0;
	size_t i;

	rule_diags_clear(&said);
	CU_ASSERT_TRUE(rule_set_parse(&source, 1, NULL, &set, &said) < 0);
	for (i = 0; i < said.count; i++) {
		n += rule_diag_format(&said.items[i], text + n, sizeof(text) - n - 2);
		text[n++] = '\n';
	}
	text[n] = '\0';
	CU_ASSERT_STRING_EQUAL(text, expected);
	if (strcmp(text, expected))
		printf("\n%s", text);
}

static unsigned run_block(const char *kind, char *text)
{
	if (!strcmp(kind, "yaml"))
		load_example(text);
	else if (!strcmp(kind, "yaml wrong"))
		snprintf(wrong, sizeof(wrong), "%s", text);
	else if (!strcmp(kind, "said"))
		compare_said(text);
	else if (!strcmp(kind, "condition"))
		each_line(text, run_condition);
	else if (!strcmp(kind, "unsupported"))
		each_line(text, run_unsupported);
	else if (!strcmp(kind, "match"))
		each_line(text, run_match);
	else if (strcmp(kind, "c")) /* a program: test-program compiles one like it */
		return 0;
	return 1;
}

static unsigned count_fences(void)
{
	unsigned count = 0;
	const char *at;

	for (at = page; (at = strstr(at, "\n```")); at += 4)
		count++;
	return count;
}

static void test_examples(void)
{
	char path[256];
	const char *paths[] = {path};
	struct rule_set *set;
	unsigned blocks = 0;
	unsigned known = 0;
	char *copy = strdup(page);
	char *at = copy;

	while ((at = strstr(at, "\n```"))) {
		char *kind = at + 4;
		char *text = strchr(kind, '\n');
		char *end = strstr(text, "\n```");

		*text = '\0';
		at = end + 4;
		end[1] = '\0';
		known += run_block(kind, text + 1);
		blocks++;
	}
	CU_ASSERT_EQUAL(known, blocks);
	CU_ASSERT_EQUAL(blocks, count_fences() / 2);
	snprintf(path, sizeof(path), "%s/rules.d", folder);
	rule_diags_clear(&said);
	CU_ASSERT_EQUAL(rule_set_load(paths, 1, NULL, &set, &said), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(set->count, 2);
	rule_set_free(set);
	free(copy);
}

static void has_row(const char *row)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(page, row));
	if (!strstr(page, row))
		printf("\n    missing: %s", row);
}

/* Rows of the table that begins with this head. */
static unsigned count_rows(const char *head)
{
	const char *at = strstr(page, head);
	unsigned rows = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	for (at = strchr(at, '\n') + 1; *at == '|'; at = strchr(at, '\n') + 1)
		rows++;
	return rows - 1; /* the line below the head */
}

static void test_fields(void)
{
	char row[512];
	unsigned i;

	for (i = 0; i < RULE_FIELD_COUNT; i++) {
		const struct rule_field *field = &rule_fields[i];

		snprintf(row, sizeof(row), "| `%s` | %s | %s | %s |\n", field->name,
				rule_type_name(field->type), field->repeats ? "yes" : "", field->text);
		has_row(row);
	}
	CU_ASSERT_EQUAL(count_rows("| field | type | repeats |"), RULE_FIELD_COUNT);
}

static void test_operators(void)
{
	char row[512];
	unsigned type;
	unsigned i;

	for (i = 0; i < RULE_OP_BITS; i++) {
		int n = snprintf(row, sizeof(row), "| `%s` | ", rule_ops[i].name);
		bool first = true;

		for (type = 0; type < RULE_TYPE_COUNT; type++) {
			if (!(rule_ops[i].types & 1u << type))
				continue;
			n += snprintf(row + n, sizeof(row) - (size_t)n, "%s%s", first ? "" : ", ",
					rule_type_name(type));
			first = false;
		}
		snprintf(row + n, sizeof(row) - (size_t)n, " | %s |\n", rule_ops[i].text);
		has_row(row);
	}
	CU_ASSERT_EQUAL(count_rows("| operator | types |"), RULE_OP_BITS);
}

/* A row of the table with this head that has the name in its first column and the rest behind. */
static void has_name(const char *head, const char *name, const char *rest)
{
	char quoted[128];
	const char *at = strstr(page, head);
	const char *end;
	const char *found = NULL;

	snprintf(quoted, sizeof(quoted), "`%s`", name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	for (at = strchr(at, '\n') + 1; *at == '|' && !found; at = end + 1) {
		end = strchr(at, '\n');
		found = memmem(at, (size_t)(end - at), quoted, strlen(quoted));
		if (found && !memmem(found, (size_t)(end - found), rest, strlen(rest)))
			found = NULL;
	}
	CU_ASSERT_PTR_NOT_NULL(found);
	if (!found)
		printf("\n    missing: %s: %s", quoted, rest);
}

#define VEX_NONE VEX_TYPE_NONE
#define RULE_EVENT_ALIAS(name, A, B, C) {name, VEX_##A},
#define RULE_EVENT_FOREIGN(name, why)
static const struct {
	const char *name;
	uint32_t type;
} aliases[] = {
#include "rule/event_name.def"
};
#undef RULE_EVENT_ALIAS
#undef RULE_EVENT_FOREIGN

#define RULE_EVENT_ALIAS(name, A, B, C)
#define RULE_EVENT_FOREIGN(name, why) {name, why},
#define RULE_FOREIGN(name, why) {name, why},
static const char *const foreign_events[][2] = {
#include "rule/event_name.def"
};
static const char *const foreign_fields[][2] = {
#include "rule/foreign.def"
};

static void test_names(void)
{
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		has_name("| system call | our type |", aliases[i].name,
				vex_type_name(aliases[i].type));
	for (i = 0; i < sizeof(foreign_events) / sizeof(foreign_events[0]); i++)
		has_name("| system call | why not |", foreign_events[i][0], foreign_events[i][1]);
	for (i = 0; i < sizeof(foreign_fields) / sizeof(foreign_fields[0]); i++)
		has_name("| field | why not |", foreign_fields[i][0], foreign_fields[i][1]);
}

/* No name stands in two tables: which one counts would depend on who looks first. */
static void test_disjoint(void)
{
	size_t i;

	for (i = 0; i < sizeof(foreign_fields) / sizeof(foreign_fields[0]); i++)
		CU_ASSERT_EQUAL(rule_field_by_name(foreign_fields[i][0], strlen(foreign_fields[i][0])),
				RULE_FIELD_COUNT);
	for (i = 0; i < sizeof(foreign_events) / sizeof(foreign_events[0]); i++)
		CU_ASSERT_EQUAL(vex_type_by_name(foreign_events[i][0]), VEX_TYPE_NONE);
	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		CU_ASSERT_EQUAL(vex_type_by_name(aliases[i].name), VEX_TYPE_NONE);
}

/* Classes as they are where nothing is said. */
static void test_classes(void)
{
	struct rule_set *set = good_text("- list: none\n  items: []\n");
	char row[256];
	unsigned i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	for (i = 0; i < RULE_QOS_COUNT; i++) {
		const struct rule_class *class = &set->classes[i];
		char bound[32] = "";

		if (class->block_ns)
			snprintf(bound, sizeof(bound), " (%lu ms)",
					(unsigned long)(class->block_ns / 1000000));
		snprintf(row, sizeof(row), "| `%s` | `%s`%s | %u%% |\n",
				rule_qos_name((enum rule_qos)i), rule_overload_name(class->overload),
				bound, class->share);
		has_row(row);
	}
	CU_ASSERT_EQUAL(count_rows("| class | overload | share |"), RULE_QOS_COUNT);
	rule_set_free(set);
}

static void has_limit(const char *what, unsigned long number)
{
	char digits[32];
	char row[256];
	int n = snprintf(digits, sizeof(digits), "%lu", number);
	size_t len = (size_t)snprintf(row, sizeof(row), "%s | ", what);
	int i;

	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			row[len++] = ',';
		row[len++] = digits[i];
	}
	row[len] = '\0';
	has_row(row);
}

static void test_limits(void)
{
	has_limit("rules, macros, lists of a set", RULE_RULES_MAX);
	has_limit("files of a set; bytes of one", RULE_FILES_MAX);
	has_limit("files that include each other", RULE_INCLUDE_DEPTH_MAX);
	has_limit("parentheses, `not`, macros in macros", RULE_DEPTH_MAX);
	has_limit("tests of a rule, its macros written out", RULE_NODES_MAX);
	has_limit("values of a list, those of lists it names included", RULE_LIST_MAX);
	has_limit("bytes of a value; of a glob or regular expression", RULE_VALUE_MAX);
	has_limit("tags; targets; redactions; exceptions of a rule", RULE_TAGS_MAX);
	has_limit("windows of a schedule; fields of a key", RULE_WINDOWS_MAX);
	has_limit("groups of a set; members of one", RULE_GROUPS_MAX);
	has_limit("definitions of quotas", RULE_QUOTAS_MAX);
	has_limit("bytes of an object; instructions of a program", RULE_OBJECT_MAX);
	has_limit("programs of a set", RULE_PROGRAMS_MAX);
}

static bool read_page(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t n = file ? fread(page, 1, sizeof(page) - 1, file) : 0;

	if (file)
		fclose(file);
	return n > 0 && n < sizeof(page) - 1;
}

static bool make_folders(void)
{
	char path[256];

	if (!mkdtemp(folder))
		return false;
	snprintf(path, sizeof(path), "%s/rules.d", folder);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/more", folder);
	return mkdir(path, 0755) == 0;
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"examples", test_examples},
		{"fields", test_fields},
		{"operators", test_operators},
		{"names of Falco's", test_names},
		{"no name twice", test_disjoint},
		{"classes", test_classes},
		{"limits", test_limits},
		CU_TEST_INFO_NULL,
	};
	char command[64];
	int result;

	if (argc != 2 || !read_page(argv[1]) || !make_folders())
		return fputs("usage: test-rule_docs docs/rules.md\n", stderr), 2;
	result = unit_run("rule_docs", tests);
	rule_diags_clear(&said);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) ? 1 : result;
}
