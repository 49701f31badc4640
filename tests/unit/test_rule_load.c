/* SPDX-License-Identifier: BSD-3-Clause */
/* Files, folders, includes; what overrides what; our own keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/rule_test.h"

static const char *data; /* tests/data/rules */
static char folder[] = "/tmp/test-rules-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[2][512];
	static unsigned turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static struct rule_set *load_paths(const char *const *paths, size_t count)
{
	struct rule_options options = {.keep_plain = true};
	struct rule_set *set;

	rule_diags_clear(&said);
	rule_set_load(paths, count, &options, &set, &said);
	return set;
}

static struct rule_set *load_path(const char *path)
{
	return load_paths(&path, 1);
}

static const char *condition_of(const struct rule_set *set, const char *name)
{
	static char text[8192];
	const struct rule *rule = rule_set_find(set, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(rule);
	rule_node_print(rule->plain, text, sizeof(text));
	return text;
}

static void test_override(void)
{
	struct rule_set *set = good_text(
			"- list: l\n  items: [a, b]\n"
			"- macro: m\n  condition: evt.type = open\n"
			"- rule: one\n  desc: d\n  condition: m and proc.name in (l)\n  output: o\n"
			"  tags: [x]\n  priority: ERROR\n"
			"- rule: two\n  condition: user.uid = 1\n"
			"- list: l\n  append: true\n  items: [c]\n"
			"- macro: m\n  append: true\n  condition: or evt.type = creat\n"
			"- rule: one\n  append: true\n  condition: and user.uid = 0\n"
			"- rule: one\n  output: more\n  tags: [x, y]\n  desc: e\n  priority: debug\n"
			"  override: {output: append, tags: append, desc: replace, priority: replace}\n"
			"- rule: two\n  enabled: false\n"
			"- rule: two\n  condition: user.uid = 2\n  qos: low\n");
	const struct rule *one;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(set->count, 2);
	one = rule_set_find(set, "one");
	CU_ASSERT_PTR_EQUAL(one, &set->rules[0]);
	CU_ASSERT_STRING_EQUAL(condition_of(set, "one"),
			"(evt.type in (open) or evt.type in (create)) and proc.name in (\"a\", \"b\", "
			"\"c\") and user.uid = 0");
	CU_ASSERT_STRING_EQUAL(one->output.data, "o more");
	CU_ASSERT_STRING_EQUAL(one->desc.data, "e");
	CU_ASSERT_EQUAL(one->priority, RULE_DEBUG);
	CU_ASSERT_EQUAL(one->tag_count, 2);
	CU_ASSERT_STRING_EQUAL(one->tags[1].data, "y");
	CU_ASSERT_EQUAL(one->pos.line, 5);
	/* Defined anew, a rule stands where it stood and is enabled again. */
	CU_ASSERT_STRING_EQUAL(condition_of(set, "two"), "user.uid = 2");
	CU_ASSERT_EQUAL(set->rules[1].state, RULE_ACTIVE);
	CU_ASSERT_EQUAL(set->rules[1].qos, RULE_QOS_LOW);
	rule_set_free(set);
}

static void test_replace(void)
{
	struct rule_set *set = good_text(
			"- list: l\n  items: [a, b]\n"
			"- macro: m\n  condition: evt.type = open\n"
			"- rule: r\n  condition: m and proc.name in (l)\n  enabled: false\n"
			"- list: l\n  items: [z]\n  override: {items: replace}\n"
			"- macro: m\n  condition: evt.type = close\n"
			"- rule: r\n  enabled: true\n  override: {enabled: replace}\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_STRING_EQUAL(condition_of(set, "r"), "evt.type in (close) and proc.name in (\"z\")");
	CU_ASSERT_TRUE(set->rules[0].enabled);
	CU_ASSERT_EQUAL(set->rules[0].state, RULE_ACTIVE);
	rule_set_free(set);
}

#define BASE "- rule: r\n  condition: evt.type = open\n"

static void test_bad_override(void)
{
	refused("- rule: q\n  append: true\n  condition: and evt.type = open\n", RULE_DIAG_OVERRIDE, 1,
			9, "there is no rule 'q' yet");
	refused(BASE "- rule: q\n  enabled: false\n", RULE_DIAG_OVERRIDE, 3, 9, "no rule 'q'");
	refused("- list: q\n  append: true\n  items: [a]\n", RULE_DIAG_OVERRIDE, 1, 9, "no list 'q'");
	refused("- macro: open_file\n  condition: evt.type = open\n- macro: open_fiel\n"
		"  condition: x\n  override: {condition: replace}\n",
			RULE_DIAG_OVERRIDE, 3, 10, "did you mean open_file?");
	refused(BASE "- rule: r\n  append: true\n  priority: debug\n", RULE_DIAG_OVERRIDE, 5, 3,
			"nothing can be appended to 'priority'");
	refused(BASE "- rule: r\n  qos: low\n  override: {qos: append}\n", RULE_DIAG_OVERRIDE, 5, 19,
			"nothing can be appended to 'qos'; expected replace");
	refused(BASE "- rule: r\n  desc: a\n  override: {output: append}\n", RULE_DIAG_OVERRIDE, 4, 3,
			"override does not say what becomes of 'desc'");
	was_said(RULE_ERROR, RULE_DIAG_OVERRIDE, 5, 14, "a key that is not there");
	refused(BASE "- rule: r\n  desc: a\n  override: {desc: prepend}\n", RULE_DIAG_VALUE, 5, 20,
			"expected replace, append");
	refused(BASE "- rule: r\n  append: true\n  desc: a\n  override: {desc: append}\n",
			RULE_DIAG_OVERRIDE, 4, 11, "exclude each other");
}

static void check_datasets(const struct rule *rule)
{
	CU_ASSERT_EQUAL(rule->target_count, 2);
	CU_ASSERT_EQUAL(rule->targets[0].kind, RULE_TARGET_GROUP);
	CU_ASSERT_EQUAL(rule->targets[0].index, 0);
	CU_ASSERT_EQUAL(rule->targets[1].kind, RULE_TARGET_SUBSCRIBER);
	CU_ASSERT_STRING_EQUAL(rule->targets[1].name.data, "audit");
	CU_ASSERT_EQUAL(rule->qos, RULE_QOS_HIGH);
	CU_ASSERT_TRUE(rule->first);
	CU_ASSERT_EQUAL(rule->rate.events, 100);
	CU_ASSERT_EQUAL(rule->rate.per_ns, 1000000000);
	CU_ASSERT_EQUAL(rule->rate.burst, 200);
	CU_ASSERT_EQUAL(rule->rate.by.count, 2);
	CU_ASSERT_EQUAL(rule->rate.by.keys[1].field, RULE_FIELD_FD_DIRECTORY);
	CU_ASSERT_EQUAL(rule->suppress.for_ns, 60000000000);
	CU_ASSERT_EQUAL(rule->sample.num, 1);
	CU_ASSERT_EQUAL(rule->sample.den, 10);
	CU_ASSERT_EQUAL(rule->schedule.offset_minutes, 120);
	CU_ASSERT_EQUAL(rule->schedule.count, 1);
	CU_ASSERT_EQUAL(rule->schedule.windows[0].days, 0x1f);
	CU_ASSERT_EQUAL(rule->schedule.windows[0].from, 480);
	CU_ASSERT_EQUAL(rule->schedule.windows[0].to, 1080);
	CU_ASSERT_EQUAL(rule->redact_count, 2);
	CU_ASSERT_EQUAL(rule->redacts[1].how, RULE_REDACT_REMOVE);
	CU_ASSERT_STRING_EQUAL(rule->redacts[1].key.argument.data, "secret");
}

/* Rules in Falco's style, out of a folder, some of them changed by a later file. */
static void test_data(void)
{
	struct rule_set *set = load_path(data);
	const struct rule *rule;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(set->count, 9);
	CU_ASSERT_EQUAL(set->file_count, 3);
	CU_ASSERT_EQUAL(set->group_count, 1);
	CU_ASSERT_EQUAL(set->groups[0].members[1].weight, 2);
	CU_ASSERT_EQUAL(set->groups[0].probe_ns, 200000000);
	rule = rule_set_find(set, "Configuration written");
	CU_ASSERT_EQUAL(rule->priority, RULE_CRITICAL);
	CU_ASSERT_EQUAL(rule->tag_count, 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(condition_of(set, "Configuration written"),
			"\"my editor\", \"micro\", \"dpkg\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(condition_of(set, "Configuration written"), "puppet"));
	CU_ASSERT_EQUAL(rule_set_find(set, "Secrets read")->state, RULE_DISABLED);
	CU_ASSERT_STRING_EQUAL(condition_of(set, "From a folder"),
			"evt.type in (mkdir) and fd.name startswith /etc/ and not user.uid in (0, 1000) and "
			"not (proc.name in (\"vi\", \"vim\", \"nano\", \"emacs\", \"my editor\", \"micro\", "
			"\"apt\") and fd.name startswith /etc/apt) and not (proc.name in (\"puppet\") and "
			"fd.name startswith /etc/puppet)");
	check_datasets(rule_set_find(set, "Datasets complete"));
	rule_set_free(set);
}

static void test_unsupported(void)
{
	struct rule_set *set = load_path(data);
	const struct rule *rule;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	rule = rule_set_find(set, "Talks to a peer");
	CU_ASSERT_EQUAL(rule->state, RULE_UNSUPPORTED);
	CU_ASSERT_EQUAL(rule->unsupported_count, 3);
	CU_ASSERT_STRING_EQUAL(rule->unsupported[0].name.data, "connect");
	CU_ASSERT_STRING_EQUAL(rule->unsupported[1].name.data, "fd.sip");
	CU_ASSERT_STRING_EQUAL(rule->unsupported[1].why, "network peers are not seen");
	was_said(RULE_WARNING, RULE_DIAG_UNSUPPORTED, 67, 23,
			"rule 'Talks to a peer' is unsupported: connect (network operations are not seen)");
	rule = rule_set_find(set, "In a container");
	CU_ASSERT_EQUAL(rule->state, RULE_UNSUPPORTED);
	CU_ASSERT_EQUAL(rule->unsupported_count, 2);
	CU_ASSERT_STRING_EQUAL(rule->unsupported[1].name.data, "tolower()");
	CU_ASSERT_EQUAL(rule_set_find(set, "Only a part of it is unknown")->state, RULE_ACTIVE);
	CU_ASSERT_EQUAL(rule_set_find(set, "Set user id bit")->state, RULE_ACTIVE);
	CU_ASSERT_EQUAL(rule_set_find(set, "Symbolic link to secrets")->state, RULE_ACTIVE);
	rule_set_free(set);
}

/* Each thing that Falco has and we can't is named, and the rule set aside. */
static void test_foreign(void)
{
	static const char *const conditions[] = {"container.id = x", "k8s.ns.name = x",
			"fd.sip = \"1.2.3.4\"", "proc.cmdline contains x", "proc.aname[2] = x",
			"user.name = root", "evt.type = execve", "evt.type in (open, connect)",
			"evt.arg.uid = 0", "evt.arg[0] = x", "fd.typechar = 4", "fd.type in (ipv4, file)",
			"fd.num > 2", "fd.num in (0, 1)", "evt.arg.flags contains CLONE_NEWUSER",
			"evt.buffer bcontains cafe", "proc.name = val(proc.pname)",
			"basename(tolower(fd.name)) = x", "fd.name in val(proc.env)",
			"not container.id = x", "fd.name = /x and not (evt.num = 5 or ka.verb = x)"};
	size_t i;

	for (i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		struct rule_set *set = load_condition(conditions[i]);

		CU_ASSERT_PTR_NOT_NULL_FATAL(set);
		CU_ASSERT_EQUAL(set->rules[0].state, RULE_UNSUPPORTED);
		CU_ASSERT_TRUE(set->rules[0].unsupported_count > 0);
		CU_ASSERT_EQUAL(said.warnings, 1);
		CU_ASSERT_EQUAL(said.items[0].code, RULE_DIAG_UNSUPPORTED);
		if (set->rules[0].state != RULE_UNSUPPORTED)
			printf("\n    %s", conditions[i]);
		rule_set_free(set);
	}
}

static void test_warnings(void)
{
	rule_set_free(good_text("- rule: r\n  condition: evt.num = 0\n"));
	was_said(RULE_WARNING, RULE_DIAG_CONSTANT, 1, 9, "never matches");
	rule_set_free(good_text("- list: my_list\n  items: [a]\n- rule: r\n"
				"  condition: proc.name in (my_lst)\n"));
	was_said(RULE_WARNING, RULE_DIAG_LIST, 4, 28, "did you mean my_list?");
	rule_set_free(good_text("- rule: r\n  condition: evt.type startswith zz\n"));
	was_said(RULE_WARNING, RULE_DIAG_CONSTANT, 2, 34, "no value of evt.type startswith 'zz'");
	rule_set_free(good_text("- rule: r\n  condition: evt.type = open\n  source: k8s_audit\n"));
	was_said(RULE_WARNING, RULE_DIAG_UNSUPPORTED, 3, 11, "k8s_audit (events of this source");
}

static void test_includes(void)
{
	struct rule_set *set;

	mkdir(in_folder("sub"), 0755);
	write_file("main.yaml", "- include: sub\n- include: [other.txt]\n" BASE);
	write_file("sub/b.yaml", "- rule: b\n  condition: from_a\n");
	write_file("sub/a.yml", "- macro: from_a\n  condition: evt.type = open\n- rule: a\n  condition: from_a\n");
	write_file("sub/.hidden.yaml", "not even yaml: [");
	write_file("sub/readme.txt", "not even yaml: [");
	write_file("other.txt", "- rule: other\n  condition: user.uid = 1\n");
	set = load_path(in_folder("main.yaml"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(set->count, 4);
	CU_ASSERT_STRING_EQUAL(set->rules[0].name.data, "a");
	CU_ASSERT_STRING_EQUAL(set->rules[1].name.data, "b");
	CU_ASSERT_STRING_EQUAL(set->rules[2].name.data, "other");
	CU_ASSERT_STRING_EQUAL(set->rules[3].name.data, "r");
	CU_ASSERT_PTR_NOT_NULL(strstr(set->files[set->rules[1].pos.file].data, "sub/b.yaml"));
	rule_set_free(set);
}

static void test_bad_includes(void)
{
	char chain[64];
	char name[32];
	int i;

	write_file("one.yaml", "- include: two.yaml\n");
	write_file("two.yaml", BASE "- include: ./one.yaml\n");
	CU_ASSERT_PTR_NULL(load_path(in_folder("one.yaml")));
	was_said(RULE_ERROR, RULE_DIAG_INCLUDE, 3, 12, "one.yaml includes itself");
	write_file("lost.yaml", "- include: nowhere.yaml\n- include: [" "lost2.yaml]\n");
	CU_ASSERT_PTR_NULL(load_path(in_folder("lost.yaml")));
	was_said(RULE_ERROR, RULE_DIAG_IO, 1, 12, "nowhere.yaml: No such file or directory");
	was_said(RULE_ERROR, RULE_DIAG_IO, 2, 13, "lost2.yaml: No such file");
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "deep%d.yaml", i);
		snprintf(chain, sizeof(chain), "- include: deep%d.yaml\n", i + 1);
		write_file(name, chain);
	}
	CU_ASSERT_PTR_NULL(load_path(in_folder("deep0.yaml")));
	was_said(RULE_ERROR, RULE_DIAG_INCLUDE, 1, 12, "deeper than 16");
	refused("- include: x.yaml\n", RULE_DIAG_INCLUDE, 1, 12, "can't include files");
	CU_ASSERT_PTR_NULL(load_path(in_folder("gone")));
	was_said(RULE_ERROR, RULE_DIAG_IO, 0, 0, "gone: No such file or directory");
	CU_ASSERT_PTR_NULL(load_path("/dev/null"));
	was_said(RULE_ERROR, RULE_DIAG_IO, 0, 0, "/dev/null: not a file");
}

/* A later file overrides; a file twice in a row changes nothing. */
static void test_several(void)
{
	char first[512];
	char second[512];
	const char *paths[3] = {first, second, first};
	struct rule_set *set;

	write_file("first.yaml", "- macro: m\n  condition: evt.type = open\n" BASE);
	write_file("second.yaml", "- rule: r\n  condition: m and user.uid = 0\n");
	strcpy(first, in_folder("first.yaml"));
	strcpy(second, in_folder("second.yaml"));
	set = load_paths(paths, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_STRING_EQUAL(condition_of(set, "r"), "evt.type in (open) and user.uid = 0");
	rule_set_free(set);
	set = load_paths(paths, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_STRING_EQUAL(condition_of(set, "r"), "evt.type in (open)");
	rule_set_free(set);
	set = load_paths(paths, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(set->count, 0);
	rule_set_free(set);
}

static void test_programs(void)
{
	static const char text[] = "- program: large\n  file: large.o\n  section: x\n"
				   "- program: other\n  file: /lib/other.o\n"
				   "- rule: r\n  condition: evt.type = open or user.uid = 0\n"
				   "  program: large\n"
				   "- rule: s\n  condition: not program[other] and program['large']\n";
	struct rule_source source = {.name = in_folder("p.yaml"), .text = text,
			.len = sizeof(text) - 1};
	struct rule_options options = {.complete = true, .keep_plain = true};
	struct rule_set *set;

	rule_diags_clear(&said);
	CU_ASSERT_EQUAL(rule_set_parse(&source, 1, &options, &set, &said), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(set->program_count, 2);
	CU_ASSERT_STRING_EQUAL(set->programs[0].file.data, in_folder("large.o"));
	CU_ASSERT_STRING_EQUAL(set->programs[1].file.data, "/lib/other.o");
	CU_ASSERT_STRING_EQUAL(set->programs[1].section.data, "filter");
	CU_ASSERT_STRING_EQUAL(condition_of(set, "r"),
			"(evt.type in (open) or user.uid = 0) and program[0]");
	CU_ASSERT_STRING_EQUAL(condition_of(set, "s"), "not program[1] and program[0]");
	CU_ASSERT_FALSE(set->rules[0].condition->repeats);
	rule_set_free(set);
	refused("- rule: r\n  condition: evt.type = open\n  program: none\n", RULE_DIAG_REFERENCE, 3,
			12, "no such program 'none'");
}

static bool at(const struct rule_schedule *schedule, unsigned day, unsigned hour, unsigned minute)
{
	/* 2026-09-21 is a Monday. */
	return oracle_schedule(schedule, 1789948800000000000u +
			((day * 24 + hour) * 60 + minute) * 60000000000ull);
}

static void test_schedule(void)
{
	struct rule_set *set = good_text(BASE "  schedule: {days: [mon-wed, sun], hours: "
					      "[22:00-06:00, 12:00-13:00]}\n");
	const struct rule_schedule *schedule;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	schedule = &set->rules[0].schedule;
	CU_ASSERT_TRUE(at(schedule, 0, 22, 0) && at(schedule, 1, 5, 59) && at(schedule, 3, 5, 59));
	CU_ASSERT_FALSE(at(schedule, 0, 21, 59) || at(schedule, 1, 6, 0) || at(schedule, 3, 22, 0));
	CU_ASSERT_TRUE(at(schedule, 0, 5, 0)); /* Sunday's */
	CU_ASSERT_TRUE(at(schedule, 0, 12, 30));
	CU_ASSERT_FALSE(at(schedule, 0, 13, 0));
	rule_set_free(set);
	set = good_text(BASE "  schedule: {hours: 08:00-18:00, offset: \"+02:00\"}\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	schedule = &set->rules[0].schedule;
	CU_ASSERT_TRUE(at(schedule, 4, 6, 0) && at(schedule, 6, 15, 59));
	CU_ASSERT_FALSE(at(schedule, 4, 5, 59) || at(schedule, 4, 16, 0));
	rule_set_free(set);
}

static void test_first(void)
{
	struct vex_event event = {.type = VEX_OPEN, .uid = 5};
	struct oracle *oracle = oracle_new(NULL, NULL);
	struct rule_set *set = good_text("- rule: a\n  condition: evt.type = open\n"
					 "- rule: b\n  condition: user.uid = 5\n  match: first\n"
					 "- rule: c\n  condition: evt.type = open\n");
	uint32_t matched[3];

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL(oracle_match(oracle, set, &event, matched), 2);
	CU_ASSERT_EQUAL(matched[1], 1);
	event.uid = 6;
	CU_ASSERT_EQUAL(oracle_match(oracle, set, &event, matched), 2);
	CU_ASSERT_EQUAL(matched[1], 2);
	rule_set_free(set);
	oracle_free(oracle);
}

/* Lists of nothing, and what every file may begin with; of several files some may be empty. */
static void test_empty(void)
{
	static const char *const texts[] = {"[]\n", "# nothing\n[]\n", "---\n...\n---\n[]\n",
			"\xef\xbb\xbf" BASE, "---\n" BASE "---\n- rule: q\n  condition: evt.type = open\n"};
	static const char *const nothing[] = {"", "\n", "---\n", "# nothing\n", "---\n...\n"};
	const char *paths[2];
	struct rule_set *set;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		rule_set_free(good_text(texts[i]));
	for (i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		refused(nothing[i], RULE_DIAG_SHAPE, 1, 1, "no rules in it; write [] if that is meant");
	write_file("empty.yaml", "");
	write_file("list.yaml", "[]\n");
	paths[0] = in_folder("empty.yaml");
	paths[1] = in_folder("list.yaml");
	set = load_paths(paths, 1);
	CU_ASSERT_PTR_NULL(set);
	set = load_paths(paths, 2);
	CU_ASSERT_PTR_NOT_NULL(set);
	rule_set_free(set);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"append and override", test_override},
		{"replace", test_replace},
		{"what can't be changed", test_bad_override},
		{"a folder of rules in Falco's style", test_data},
		{"rules that are unsupported", test_unsupported},
		{"what Falco has and we can't", test_foreign},
		{"warnings", test_warnings},
		{"includes", test_includes},
		{"includes that go wrong", test_bad_includes},
		{"several files", test_several},
		{"programs", test_programs},
		{"schedules", test_schedule},
		{"match: first", test_first},
		{"nothing at all", test_empty},
		CU_TEST_INFO_NULL,
	};
	char command[64];
	int result;

	if (argc != 2 || !mkdtemp(folder))
		return fputs("usage: test-rule_load FOLDER\n", stderr), 2;
	data = argv[1];
	result = unit_run("rule_load", tests);
	rule_diags_clear(&said);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) ? 1 : result;
}
