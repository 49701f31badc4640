/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with a rule's text: each kind, with the place and the words. */
#include <stdio.h>
#include <stdlib.h>

#include "support/rule_test.h"

static void test_fields(void)
{
	refused_condition("fd.nam = /x", RULE_DIAG_FIELD, 1, "did you mean fd.name?");
	refused_condition("evt.type = open and tennant = 5", RULE_DIAG_FIELD, 21, "mean tenant?");
	refused_condition("nothing.like.it = 5", RULE_DIAG_FIELD, 1, "no such field 'nothing.like.it'");
	refused_condition("attr = x", RULE_DIAG_FIELD, 1, "brackets; expected attr[name]");
	refused_condition("fd.name[1] = x", RULE_DIAG_FIELD, 1, "takes nothing in brackets");
}

static void test_operators(void)
{
	refused_condition("fd.name contians x", RULE_DIAG_OPERATOR, 9, "did you mean contains?");
	refused_condition("fd.name =~ x", RULE_DIAG_OPERATOR, 9, "no such operator '=~'");
	refused_condition("proc.pid startswith 4", RULE_DIAG_OPERATOR, 10,
			"'startswith' does not take proc.pid; expected =, !=, <, <=, >, >=, in");
	refused_condition("label = x", RULE_DIAG_OPERATOR, 7, "expected in, intersects, exists");
	refused_condition("fd.name < x", RULE_DIAG_OPERATOR, 9, "'<' does not take fd.name");
	refused_condition("evt.type glob x", RULE_DIAG_OPERATOR, 10, "does not take evt.type");
}

static void test_values(void)
{
	refused_condition("proc.pid = abc", RULE_DIAG_TYPE, 12, "expected a number from 0");
	refused_condition("proc.pid = -1", RULE_DIAG_TYPE, 12, "'-1' is no value of proc.pid");
	refused_condition("fs.size = 18446744073709551616", RULE_DIAG_TYPE, 11, "no value of fs.size");
	refused_condition("fs.size = 1XB", RULE_DIAG_TYPE, 11, "no value of fs.size");
	refused_condition("event.result = x", RULE_DIAG_TYPE, 16, "a number");
	refused_condition("event.duration > 5 parsecs", RULE_DIAG_SYNTAX, 20, "a macro can't stand here");
	refused_condition("event.duration > 5pc", RULE_DIAG_TYPE, 18, "ns, us, ms, s, m, h or d");
	refused_condition("evt.time > yesterday", RULE_DIAG_TYPE, 12, "2026-01-31T23:59:59Z");
	refused_condition("evt.time > 2026-02-30", RULE_DIAG_TYPE, 12, "no value of evt.time");
	refused_condition("evt.failed = 1", RULE_DIAG_TYPE, 14, "true or false");
	refused_condition("fs.flags contains O_TRUNK", RULE_DIAG_TYPE, 19, "did you mean O_TRUNC?");
	refused_condition("fs.mode = 01234567012345", RULE_DIAG_TYPE, 11, "a number of 32 bits");
	refused_condition("fs.mode = 0999", RULE_DIAG_TYPE, 11, "0 to 7");
	refused_condition("fs.flags in (0x10, 08)", RULE_DIAG_TYPE, 20, "0 to 7");
	refused_condition("evt.type = opne", RULE_DIAG_TYPE, 12, "did you mean open?");
	refused_condition("evt.type in (open, clsoe)", RULE_DIAG_TYPE, 20, "did you mean close?");
	refused_condition("event.boundary = moon", RULE_DIAG_TYPE, 18, "kernel, fuse, app");
	refused_condition("evt.res = ENOTHING", RULE_DIAG_TYPE, 11, "no value of evt.res");
}

static void test_patterns(void)
{
	refused_condition("fd.name regex \"(a\"", RULE_DIAG_PATTERN, 15, "Missing close parenthesis");
	refused_condition("fd.name regex \"a)|(b\"", RULE_DIAG_PATTERN, 15, "not a regular");
	refused_condition("fd.name regex \"(?=a)b\"", RULE_DIAG_PATTERN, 15, "assertions");
	refused_condition("fd.name regex \"(a)\\\\1\"", RULE_DIAG_PATTERN, 15, "Back-references");
	refused_condition("fd.name regex \"(a{1000}){60}\"", RULE_DIAG_PATTERN, 15,
			"does not compile");
	refused_condition("fd.name glob /a[b", RULE_DIAG_PATTERN, 14, "no ] behind it");
	refused_condition("fd.name glob \"/a\\\\\"", RULE_DIAG_PATTERN, 14, "ends in a backslash");
	refused_condition("fd.name glob [z-a]", RULE_DIAG_PATTERN, 14, "ends before it begins");
	refused_condition("fd.name glob [[:foo:]]", RULE_DIAG_PATTERN, 14, "class of characters");
	refused_condition("fd.name glob \"[[=a=]]\"", RULE_DIAG_PATTERN, 14, "collating");
	refused_condition("fd.name pmatch (/a, \"\")", RULE_DIAG_PATTERN, 21, "an empty path");
	refused_condition("fd.name pmatch (/a[/]b)", RULE_DIAG_PATTERN, 17, "no ] behind it");
}

static void test_syntax(void)
{
	refused_condition("not", RULE_DIAG_SYNTAX, 4, "ends too early; expected not, a field");
	refused_condition("fd.name", RULE_DIAG_SYNTAX, 8, "ends too early");
	refused_condition("fd.name =", RULE_DIAG_SYNTAX, 10, "expected a value");
	refused_condition("(fd.name = /a", RULE_DIAG_SYNTAX, 14, "expected and, or, ')'");
	refused_condition("fd.name = /a)", RULE_DIAG_SYNTAX, 13, "')' can't stand here");
	refused_condition("fd.name = 'abc", RULE_DIAG_SYNTAX, 11, "a string that does not end");
	refused_condition("fd.name = \"a\\q\"", RULE_DIAG_SYNTAX, 11, "an escape that is none");
	refused("- list: l\n  items: ['\"abc\\\"']\n", RULE_DIAG_SYNTAX, 2, 11, "an escape that is none");
	refused_condition("fd.name = \"a\\x00\"", RULE_DIAG_SYNTAX, 11, "a NUL byte");
	refused_condition("fd.name = (a, b)", RULE_DIAG_SYNTAX, 11, "expected a value");
	refused_condition("fd.name in (a b)", RULE_DIAG_SYNTAX, 15, "expected ')', ','");
	refused_condition("fd.name in (a,)", RULE_DIAG_SYNTAX, 15, "expected a value");
	refused_condition("evt.type = open user.uid = 0", RULE_DIAG_SYNTAX, 17, "expected the end, and");
	refused_condition("evt.type = open, user.uid = 0", RULE_DIAG_SYNTAX, 16, "such a character");
	refused_condition("fd.name and evt.type = open", RULE_DIAG_SYNTAX, 9, "expected an operator");
	refused_condition("= 5", RULE_DIAG_SYNTAX, 1, "expected not, a field");
}

/* Several in one go, each where it is. */
static void test_many(void)
{
	refused_condition("fd.nam = /a and (proc.pid = x or evt.type = opne) and fd.name lik b",
			RULE_DIAG_FIELD, 1, "fd.name");
	was_said(RULE_ERROR, RULE_DIAG_TYPE, 2, 13 + 29, "proc.pid");
	was_said(RULE_ERROR, RULE_DIAG_TYPE, 2, 13 + 45, "open");
	was_said(RULE_ERROR, RULE_DIAG_OPERATOR, 2, 13 + 63, "lik");
	CU_ASSERT_EQUAL(said.errors, 4);
	refused_condition("(fd.name = ) and (user.uid) and evt.typ = open", RULE_DIAG_SYNTAX, 12,
			"expected a value");
	was_said(RULE_ERROR, RULE_DIAG_SYNTAX, 2, 13 + 27, "expected an operator");
	was_said(RULE_ERROR, RULE_DIAG_FIELD, 2, 13 + 33, "evt.type");
	refused("- rule: a\n  condition: evt.typ = open\n- rule: b\n  condition: proc.nam = a\n"
		"  priority: hihg\n- macro: c\n  condition: x\n",
			RULE_DIAG_FIELD, 2, 14, "evt.type");
	was_said(RULE_ERROR, RULE_DIAG_FIELD, 4, 14, "proc.name");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 5, 13, "expected emergency");
	was_said(RULE_ERROR, RULE_DIAG_MACRO, 7, 14, "no such macro 'x'");
}

/* What is wrong within one key, all of it. */
static void test_many_of_a_key(void)
{
	refused("- rule: r\n  condition: evt.type = open\n  route: [boundary:foo, group:none, target:x]\n",
			RULE_DIAG_VALUE, 3, 11, "kernel, fuse, app or peer");
	was_said(RULE_ERROR, RULE_DIAG_REFERENCE, 3, 10, "'none'");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 3, 37, "subscriber:NAME");
	CU_ASSERT_EQUAL(said.errors, 3);
	refused("- group: g\n  members: [a: 0, b: 5000, c, c]\n  balance: fast\n", RULE_DIAG_VALUE, 2,
			16, "1 to 1000");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 2, 22, "1 to 1000");
	was_said(RULE_ERROR, RULE_DIAG_OVERRIDE, 2, 31, "'c' stands twice");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 3, 12, "round_robin");
	CU_ASSERT_EQUAL(said.errors, 4);
	refused("- rule: r\n  condition: evt.type = open\n  exceptions:\n"
		"    - {name: a, fields: [fd.name, proc.name], values: [[/a], x, [/b, c]]}\n"
		"    - {name: b, fields: [fd.name], comps: [=, =], values: []}\n"
		"    - {name: c, field: fd.name}\n", RULE_DIAG_SHAPE, 4, 56, "one value for each field");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 4, 62, "one value for each field");
	was_said(RULE_ERROR, RULE_DIAG_SHAPE, 5, 43, "as many operators");
	was_said(RULE_ERROR, RULE_DIAG_KEY, 6, 17, "fields");
	refused("- rule: r\n  condition: evt.type = open\n  redact: {fd.nam: hash, proc.name: blur}\n"
		"  schedule: {days: [mno, fri], hours: [8-9, 25:00-26:00], offset: x}\n",
			RULE_DIAG_FIELD, 3, 12, "fd.name");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 3, 37, "hash, mask, remove");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 4, 21, "mon, tue");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 4, 40, "08:00-18:30");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 4, 45, "08:00-18:30");
	was_said(RULE_ERROR, RULE_DIAG_VALUE, 4, 67, "+02:00");
}

static void test_nearly_lists(void)
{
	static const char lists[] = "- list: editors\n  items: [vim, editr]\n- list: cats\n  items: [tom]\n";
	static const struct {
		const char *words;
		unsigned warnings;
	} cases[] = {{"editor", 1}, {"vim, editosr", 1}, {"\"editor\"", 0}, {"editr", 0}, {"cat", 0},
			{"creditors", 0}};
	char text[256];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s- rule: r\n  condition: proc.name in (%s)\n", lists,
				cases[i].words);
		rule_set_free(good_text(text));
		CU_ASSERT_EQUAL(said.warnings, cases[i].warnings);
		if (said.warnings)
			CU_ASSERT_STRING_EQUAL(said.items[0].suggestion, "editors");
	}
}

/* The place is that of the word in the file, however YAML wraps it. */
static void test_places(void)
{
	refused("- rule: r\n  condition: >\n    evt.type = open\n      and  fd.nam = x\n",
			RULE_DIAG_FIELD, 4, 12, "fd.nam");
	refused("- rule: r\n  condition: |\n    evt.type = open\n\n    and fd.nam = x\n",
			RULE_DIAG_FIELD, 5, 9, "fd.nam");
	refused("- rule: r\n  condition: evt.type = open\n    and fd.nam = x\n", RULE_DIAG_FIELD, 3, 9,
			"fd.nam");
	refused("- rule: r\n  condition: 'proc.name = ''it''''s'' and fd.nam = x'\n",
			RULE_DIAG_SYNTAX, 2, 33, "a value can't stand here");
	refused("- rule: r\n  condition: \"proc.name = \\\"a\\tb\\\" \\\n     and fd.nam = x\"\n",
			RULE_DIAG_FIELD, 3, 10, "fd.nam");
	refused("- rule: r\n  condition: \"proc.name = \\u00e9 and fd.nam = x\"\n", RULE_DIAG_FIELD, 2,
			38, "fd.nam");
	refused("- rule: \xc3\xa9\xc3\xa9\n  condition: proc.name = \xc3\xa9 and fd.nam = x\n",
			RULE_DIAG_FIELD, 2, 33, "fd.nam");
	refused("- {rule: \xc3\xa9, condition: fd.nam = x}\n", RULE_DIAG_FIELD, 1, 25, "fd.nam");
	refused("- rule: r\r\n  condition: fd.nam = x\r\n", RULE_DIAG_FIELD, 2, 14, "fd.nam");
	refused("- rule: r\n  condition: evt.type = open\n- rule: r\n  append: true\n"
		"  condition: and fd.nam = x\n",
			RULE_DIAG_FIELD, 5, 18, "fd.nam");
}

static void test_references(void)
{
	refused_condition("opne_write", RULE_DIAG_MACRO, 1, "no such macro 'opne_write'");
	refused("- macro: open_write\n  condition: evt.type = open\n- rule: r\n"
		"  condition: opne_write\n",
			RULE_DIAG_MACRO, 4, 14, "did you mean open_write?");
	refused("- list: shells\n  items: [bash]\n- rule: r\n  condition: proc.name in shels\n",
			RULE_DIAG_LIST, 4, 27, "did you mean shells?");
	refused_condition("proc.name in bash", RULE_DIAG_LIST, 14, "values in parentheses");
	refused_condition("program[x]", RULE_DIAG_REFERENCE, 1, "no such program 'x'");
	refused("- rule: r\n  condition: evt.type = open\n  route: [group:worker]\n"
		"- group: workers\n  members: [a]\n",
			RULE_DIAG_REFERENCE, 3, 10, "did you mean workers?");
}

static void test_cycles(void)
{
	refused("- macro: a\n  condition: b\n- macro: b\n  condition: evt.type = open or a\n",
			RULE_DIAG_CYCLE, 4, 33, "macro 'a' needs itself");
	refused("- macro: a\n  condition: a\n", RULE_DIAG_CYCLE, 2, 14, "needs itself");
	refused("- list: a\n  items: [x, b]\n- list: b\n  items: [a]\n", RULE_DIAG_CYCLE, 1, 9,
			"list 'a' needs itself");
}

static void test_yaml(void)
{
	refused("- rule: [\n", RULE_DIAG_YAML, 2, 1, "");
	refused("- rule: \"\n", RULE_DIAG_YAML, 2, 1, "unexpected end");
	refused("- rule: r\n  condition: \"a\xff\"\n", RULE_DIAG_YAML, 2, 16, "UTF-8");
	refused("- rule: r\n- *a\n", RULE_DIAG_YAML, 2, 3, "aliases are not taken");
	refused("- rule: r\n  condition: &a evt.type = open\n", RULE_DIAG_YAML, 2, 14,
			"anchors are not taken");
	refused("- &a {rule: r}\n", RULE_DIAG_YAML, 1, 3, "anchors are not taken");
	refused("&a [{rule: r}]\n", RULE_DIAG_YAML, 1, 1, "anchors are not taken");
	refused("rule: r\n", RULE_DIAG_SHAPE, 1, 1, "a file of rules is a list");
	refused("- 5\n", RULE_DIAG_VALUE, 1, 3, "a mapping with rule");
	refused("- [a]\n", RULE_DIAG_SHAPE, 1, 3, "unexpected list");
	refused("- rule: r\n  condition: [a]\n", RULE_DIAG_SHAPE, 2, 14, "expected a text");
	refused("- rule: r\n  condition: \"a\\0b\"\n", RULE_DIAG_VALUE, 2, 14, "without NUL");
	refused("- rule: r\n  condition:\n", RULE_DIAG_VALUE, 2, 13, "expected a text");
}

static void test_keys(void)
{
	refused("- rule: r\n  condition: evt.type = open\n  outptu: x\n", RULE_DIAG_KEY, 3, 3,
			"did you mean output?");
	refused("- rule: r\n  condition: evt.type = open\n  condition: evt.type = close\n",
			RULE_DIAG_KEY, 3, 3, "stands twice");
	refused("- rul: r\n", RULE_DIAG_KEY, 1, 3, "did you mean rule?");
	refused("- macro: r\n  conditon: x\n", RULE_DIAG_KEY, 2, 3, "did you mean condition?");
	refused("- rule: r\n  desc: x\n", RULE_DIAG_MISSING, 1, 3, "rule 'r' has no condition");
	refused("- macro: m\n", RULE_DIAG_MISSING, 1, 3, "macro 'm' has no condition");
	refused("- list: l\n", RULE_DIAG_MISSING, 1, 3, "list 'l' has no items");
	refused("- group: g\n", RULE_DIAG_MISSING, 1, 10, "has no members");
	refused("- program: p\n", RULE_DIAG_MISSING, 1, 12, "has no file");
}

#define RULE "- rule: r\n  condition: evt.type = open\n  "

static void test_key_values(void)
{
	refused(RULE "priority: urgent\n", RULE_DIAG_VALUE, 3, 13, "expected emergency, alert");
	refused(RULE "enabled: maybe\n", RULE_DIAG_VALUE, 3, 12, "true");
	refused(RULE "enabled: \"true\"\n", RULE_DIAG_VALUE, 3, 12, "true or false");
	refused(RULE "output: [x]\n", RULE_DIAG_SHAPE, 3, 11, "a text");
	refused(RULE "tags: x\n", RULE_DIAG_VALUE, 3, 9, "a list of tags");
	refused(RULE "qos: hihg\n", RULE_DIAG_VALUE, 3, 8, "did you mean high?");
	refused(RULE "match: last\n", RULE_DIAG_VALUE, 3, 10, "all, first");
	refused(RULE "route: nobody\n", RULE_DIAG_VALUE, 3, 10, "subscriber:NAME");
	refused(RULE "route: [drop:x]\n", RULE_DIAG_VALUE, 3, 11, "or drop");
	refused(RULE "route: boundary:moon\n", RULE_DIAG_VALUE, 3, 10, "kernel, fuse, app or peer");
	refused(RULE "sample: 2/1\n", RULE_DIAG_VALUE, 3, 11, "1/100 or 5%");
	refused(RULE "rate: 100\n", RULE_DIAG_VALUE, 3, 9, "100/s or 5/10m");
	refused(RULE "rate: {limit: 1/s, burst: 0}\n", RULE_DIAG_VALUE, 3, 29, "a number from 1");
	refused(RULE "rate: {burst: 5}\n", RULE_DIAG_MISSING, 3, 9, "'limit' is missing");
	refused(RULE "suppress: never\n", RULE_DIAG_VALUE, 3, 13, "a duration such as 30s");
	refused(RULE "suppress: {for: 5s, by: proc.nam}\n", RULE_DIAG_FIELD, 3, 27, "proc.name");
	refused(RULE "suppress: {for: 5s, by: label}\n", RULE_DIAG_VALUE, 3, 27, "value of its own");
	refused(RULE "schedule: always\n", RULE_DIAG_VALUE, 3, 13, "days, hours, offset");
	refused(RULE "schedule: {days: [moonday]}\n", RULE_DIAG_VALUE, 3, 21, "mon-fri");
	refused(RULE "schedule: {days: []}\n", RULE_DIAG_SHAPE, 3, 20, "at least one day");
	refused(RULE "schedule: {days: [sun], hours: []}\n", RULE_DIAG_SHAPE, 3, 34,
			"at least one window");
	refused(RULE "schedule: {hours: 8-18}\n", RULE_DIAG_VALUE, 3, 21, "08:00-18:30");
	refused(RULE "schedule: {hours: 08:00-24:01}\n", RULE_DIAG_VALUE, 3, 21, "08:00-18:30");
	refused(RULE "schedule: {offset: 2}\n", RULE_DIAG_VALUE, 3, 22, "+02:00");
	refused(RULE "redact: {fd.name: blur}\n", RULE_DIAG_VALUE, 3, 21, "hash, mask, remove");
	refused(RULE "redact: {'attr[\"\"]': hash}\n", RULE_DIAG_VALUE, 3, 12, "up to 255 bytes");
	refused(RULE "redact: {'attr[]': hash}\n", RULE_DIAG_VALUE, 3, 12, "up to 255 bytes");
	refused(RULE "redact: {'attr[\"a]': hash}\n", RULE_DIAG_VALUE, 3, 12, "attr[name]");
	refused(RULE "redact: {'attr[a]b': hash}\n", RULE_DIAG_VALUE, 3, 12, "attr[name]");
	refused(RULE "redact: {'attr[\"\\q\"]': hash}\n", RULE_DIAG_SYNTAX, 3, 12, "escape");
	refused(RULE "redact: {'attr': hash}\n", RULE_DIAG_VALUE, 3, 12, "attr[name]");
	refused(RULE "redact: {user.name: hash}\n", RULE_DIAG_FIELD, 3, 12, "user.uid is");
	refused(RULE "redact: {evt.type: mask}\n", RULE_DIAG_FIELD, 3, 12, "can't be redacted");
	refused(RULE "redact: {fd.name: hash, fs.mode: hash}\n", RULE_DIAG_FIELD, 3, 27,
			"can't be hashed; it can be masked or removed");
	refused("- group: g\n  members: []\n", RULE_DIAG_SHAPE, 2, 12, "a list of subscribers");
	refused("- group: g\n  members: [a: 0]\n", RULE_DIAG_VALUE, 2, 16, "from 1 to 1000");
	refused("- group: g\n  members: [a]\n  balance: hash\n", RULE_DIAG_MISSING, 1, 3, "by goes");
	refused("- group: g\n  members: [a]\n- group: g\n  members: [b]\n", RULE_DIAG_OVERRIDE, 3, 10,
			"defined twice");
}

static char *repeat(const char *before, const char *part, size_t times, const char *behind)
{
	char *text = malloc(strlen(before) + strlen(part) * times + strlen(behind) + 1);
	char *at = stpcpy(text, before);

	while (times--)
		at = stpcpy(at, part);
	strcpy(at, behind);
	return text;
}

static void refused_long(char *text, enum rule_diag_code code, unsigned line, const char *words)
{
	struct rule_set *set = load_text(text);
	size_t i;

	CU_ASSERT_PTR_NULL(set);
	for (i = 0; i < said.count; i++)
		if (said.items[i].code == code && said.items[i].line == line &&
				strstr(said.items[i].message, words))
			break;
	CU_ASSERT_TRUE(i < said.count);
	if (i == said.count)
		printf("\n    not said: '%s' but '%s' at %u", words,
				said.count ? said.items[0].message : "", said.count ? said.items[0].line : 0);
	rule_set_free(set);
	free(text);
}

#define CONDITION "- rule: r\n  condition: "

static void test_limits(void)
{
	char *text;
	size_t i;

	refused_long(repeat(CONDITION, "(", 70, "evt.type=open"), RULE_DIAG_SYNTAX, 2, "too early");
	text = repeat(CONDITION "evt.type=open", ")", 70, "\n");
	refused_long(text, RULE_DIAG_SYNTAX, 2, "')' can't stand here");
	refused_long(repeat(CONDITION, "not ", 70, "fd.name = a\n"), RULE_DIAG_LIMIT, 2, "deeper than 64");
	refused_long(repeat(CONDITION, "not ", 100000, "fd.name = a\n"), RULE_DIAG_LIMIT, 2, "too deep");
	refused_long(repeat(CONDITION, "(", 100000, "fd.name = a\n"), RULE_DIAG_LIMIT, 2, "too deep");
	refused_long(repeat(CONDITION "fd.name = ", "a", 4097, "\n"), RULE_DIAG_LIMIT, 2, "4096 bytes");
	refused_long(repeat(CONDITION "fd.name glob ", "a", 1025, "\n"), RULE_DIAG_LIMIT, 2, "1024 bytes");
	refused_long(repeat(CONDITION "fd.name in (a", ",a", 65536, ")\n"), RULE_DIAG_LIMIT, 2, "65536");
	refused_long(repeat(CONDITION "evt.type=open", " and fd.name=a", 80000, "\n"), RULE_DIAG_LIMIT,
			2, "1048576 bytes");
	refused_long(repeat(CONDITION "fs.ino=1", " or fs.ino=1", 70000, "\n"), RULE_DIAG_LIMIT, 2,
			"more than 65536 tests");
	refused_long(repeat("- rule: ", "r", 256, "\n  condition: a\n"), RULE_DIAG_LIMIT, 1, "255 bytes");
	refused_long(repeat("- rule: r\n  x: ", "[", 20, ""), RULE_DIAG_LIMIT, 2, "deeper than 16");
	refused_long(repeat("- rule: r\n  condition: a\n  tags: [a", ",b", 1, "]\n"), RULE_DIAG_MACRO, 2,
			"no such macro");
	/* Macros that double: 2 to the power of 20 tests. */
	text = calloc(1, 8192);
	i = (size_t)sprintf(text, "- macro: m0\n  condition: fs.ino = 1\n");
	for (int level = 1; level <= 20; level++)
		i += (size_t)sprintf(text + i, "- macro: m%d\n  condition: not m%d and m%d\n", level,
				level - 1, level - 1);
	refused_long(text, RULE_DIAG_LIMIT, 32, "more than 65536 tests");
	/* A chain of macros. */
	text = calloc(1, 65536);
	i = (size_t)sprintf(text, "- macro: m0\n  condition: fs.ino = 1\n");
	for (int level = 1; level <= 70; level++)
		i += (size_t)sprintf(text + i, "- macro: m%d\n  condition: not (m%d)\n", level, level - 1);
	refused_long(text, RULE_DIAG_LIMIT, 130, "nested deeper than 64");
}

static void test_format(void)
{
	char text[1024];

	refused_condition("evt.type = open and fd.nam = \t/x", RULE_DIAG_FIELD, 21, "fd.nam");
	CU_ASSERT_EQUAL(rule_diag_format(&said.items[0], text, sizeof(text)), strlen(text));
	CU_ASSERT_STRING_EQUAL(text,
			"test:2:34: error: no such field 'fd.nam'; did you mean fd.name?\n"
			"    condition: evt.type = open and fd.nam = \t/x\n"
			"                                   ^");
	CU_ASSERT_EQUAL(rule_diag_format(&said.items[0], text, 10), strlen(
			"test:2:34: error: no such field 'fd.nam'; did you mean fd.name?\n"
			"    condition: evt.type = open and fd.nam = \t/x\n"
			"                                   ^"));
	CU_ASSERT_STRING_EQUAL(text, "test:2:34");
	/* Nothing in a name may move the cursor. */
	refused("- rule: r\n  condition: \"fd.name = '\\e[2J\\u202e' and x\"\n", RULE_DIAG_MACRO, 2, 43,
			"no such macro");
	rule_diag_format(&said.items[0], text, sizeof(text));
	CU_ASSERT_PTR_NULL(strchr(text, 27));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"fields", test_fields},
		{"operators", test_operators},
		{"values", test_values},
		{"patterns", test_patterns},
		{"syntax", test_syntax},
		{"several in one go", test_many},
		{"several of one key", test_many_of_a_key},
		{"nearly lists", test_nearly_lists},
		{"places, however YAML wraps them", test_places},
		{"macros, lists, groups that are not there", test_references},
		{"cycles", test_cycles},
		{"what is not YAML, or not our shape of it", test_yaml},
		{"keys", test_keys},
		{"values of keys", test_key_values},
		{"limits", test_limits},
		{"how it is shown", test_format},
		CU_TEST_INFO_NULL,
	};
	int result = unit_run("rule_error", tests);

	rule_diags_clear(&said);
	return result;
}
