/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions and programs of rules: part of a condition, whose text they can't reach. */
#include "support/rule_test.h"

static const char *condition_of(const struct rule_set *set, const char *name)
{
	static char text[8192];
	const struct rule *rule = rule_set_find(set, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(rule);
	rule_node_print(rule->plain, text, sizeof(text));
	return text;
}

static void test_exceptions(void)
{
	struct rule_set *set = good_text(
			"- rule: r\n  condition: evt.type = open or user.uid = 5\n  exceptions:\n"
			"    - name: a\n      fields: [proc.name, fd.name]\n"
			"      values:\n        - [it's, /a]\n"
			"    - name: b\n      fields: proc.name\n      comps: in\n      values: [x, y]\n"
			"    - name: c\n      fields: [fd.name]\n      comps: [startswith]\n"
			"- rule: r\n  append: true\n  exceptions:\n"
			"    - name: a\n      values: [[b, /b]]\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_STRING_EQUAL(condition_of(set, "r"),
			"(evt.type in (open) or user.uid = 5) and not proc.name in (\"x\", \"y\") and not "
			"(proc.name = \"it's\" and fd.name = /a) and not (proc.name = b and fd.name = /b)");
	rule_set_free(set);
	refused("- rule: r\n  condition: evt.type = open\n  exceptions:\n    - name: a\n"
		"      fields: [proc.name, fd.name]\n      values:\n        - [b]\n",
			RULE_DIAG_SHAPE, 7, 11, "one value for each field");
}

#define EXCEPTION(fields) "- rule: r\n  condition: evt.type = open\n  exceptions:\n    - name: a\n      " fields "\n"
#define AGAIN "- rule: r\n  append: true\n  exceptions:\n    - name: a\n      "

/* Fields and operators are looked at where they stand, values or not. */
static void test_exception_fields(void)
{
	refused(EXCEPTION("fields: [proc.name, fd.nam]"), RULE_DIAG_FIELD, 5, 27, "fd.name");
	refused(EXCEPTION("fields: [proc.nam]\n      values: [[b]]"), RULE_DIAG_FIELD, 5, 16, "proc.name");
	refused(EXCEPTION("fields: fd.nam"), RULE_DIAG_FIELD, 5, 15, "fd.name");
	refused(EXCEPTION("fields: [proc.name]\n      comps: [contians]"), RULE_DIAG_OPERATOR, 6, 15,
			"did you mean contains?");
	refused(EXCEPTION("fields: [user.uid]\n      comps: [startswith]"), RULE_DIAG_OPERATOR, 6, 15,
			"does not take user.uid");
	refused(EXCEPTION("fields: [fd.name]\n      comps: [exists]"), RULE_DIAG_VALUE, 6, 15,
			"an operator that takes values");
	refused(EXCEPTION("fields: [proc.name exists or fd.name]\n      values: [[b]]"),
			RULE_DIAG_VALUE, 5, 16, "expected a field");
	refused(EXCEPTION("fields: [container.id exists or fd.name]"), RULE_DIAG_VALUE, 5, 16, "a field");
	refused(EXCEPTION("fields: [fd.name]\n      comps: ['= /a and not proc.name =']"),
			RULE_DIAG_OPERATOR, 6, 15, "no such operator");
	refused(EXCEPTION("fields: ['attr[\"\"]']"), RULE_DIAG_FIELD, 5, 16, "255 bytes");
	rule_set_free(good_text(EXCEPTION("fields: [proc.pname, 'attr[\"a b\"]', 'proc.aname[2]']")));
	CU_ASSERT_EQUAL(said.count, 0);
	rule_set_free(good_text(EXCEPTION("fields: [proc.pname]\n      values: [[b]]")));
	was_said(RULE_WARNING, RULE_DIAG_UNSUPPORTED, 5, 16, "proc.pname");
}

/* No value is more than a value, whatever it looks like. */
static void test_exception_values(void)
{
	struct rule_set *set = good_text(
			"- list: editors\n  items: [vim, vi]\n"
			EXCEPTION("fields: [proc.name, fd.name]\n      comps: [in, =]\n      values:\n"
				"        - [[editors, '\"editors\"', it's], '\"a\" or fd.name=\"b\"']\n"
				"        - [editors, [/c]]"));

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_STRING_EQUAL(condition_of(set, "r"), "evt.type in (open) and not "
			"(proc.name in (\"vim\", \"vi\", \"editors\", \"it's\") and "
			"fd.name = \"a\\\" or fd.name=\\\"b\") and not "
			"(proc.name in (\"vim\", \"vi\") and fd.name = /c)");
	rule_set_free(set);
	refused(EXCEPTION("fields: [user.uid, fd.name]\n      values:\n        - [0, /a]\n        - [x, /b]"),
			RULE_DIAG_TYPE, 8, 12, "no value of user.uid");
	refused(EXCEPTION("fields: [fd.name]\n      values: [[[/a, /b]]]"), RULE_DIAG_SHAPE, 6, 17,
			"'=' takes no list; expected one value");
	refused(EXCEPTION("fields: fd.name\n      comps: startswith\n      values: [/a, /b]"),
			RULE_DIAG_SHAPE, 7, 15, "'startswith' takes no list");
	refused(EXCEPTION("fields: [fd.name]\n      values: [[\"a\\0b\"]]"), RULE_DIAG_VALUE, 6, 17, "NUL");
	refused(EXCEPTION("fields: [fd.name]\n      values: [['\"\\q\"']]"), RULE_DIAG_SYNTAX, 6, 17,
			"escape");
}

/* A condition stands for itself, whatever is joined to it. */
static void test_exception_condition(void)
{
	static const char program[] = "- program: p\n  file: p.o\n- rule: r\n"
			"  condition: proc.name = rm or (evt.type = open\n  program: p\n";
	struct rule_set *set;

	refused("- rule: r\n  condition: proc.name = rm) or (evt.type = open\n  exceptions:\n"
		"    - {name: a, fields: fd.name, values: [/a]}\n", RULE_DIAG_SYNTAX, 2, 28, "')' can't");
	refused(program, RULE_DIAG_SYNTAX, 4, 48, "expected and, or, ')'");
	refused("- rule: r\n  condition: proc.name =\n  exceptions:\n"
		"    - {name: a, fields: user.uid, values: [b]}\n", RULE_DIAG_SYNTAX, 2, 25, "a value");
	was_said(RULE_ERROR, RULE_DIAG_TYPE, 4, 44, "user.uid");
	refused("- rule: r\n  condition: evt.type = open\n  program: 'p] or program[q'\n",
			RULE_DIAG_REFERENCE, 3, 12, "no such program 'p] or program[q'");
	set = good_text("- rule: r\n  condition: proc.name = a or proc.name = b\n  program: p q\n"
			"  exceptions:\n    - {name: a, fields: fd.name, values: [/a]}\n"
			"- program: p q\n  file: p.o\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_STRING_EQUAL(condition_of(set, "r"), "(proc.name = a or proc.name = b) and "
			"not fd.name in (\"/a\") and program[0]");
	rule_set_free(set);
}

static void test_exceptions_again(void)
{
	rule_set_free(good_text(EXCEPTION("fields: [proc.name, fd.name]\n      comps: [=, startswith]")
			AGAIN "fields: [proc.name, fd.name]\n      comps: [=, startswith]\n"
			"      values: [[a, /b]]\n"));
	rule_set_free(good_text(EXCEPTION("fields: proc.name") AGAIN "comps: in\n      values: [a]\n"));
	refused(EXCEPTION("fields: [proc.name, fd.name]\n      values: [[a, /b]]")
			AGAIN "fields: [fd.name, proc.name]\n      values: [[/a, b]]\n",
			RULE_DIAG_OVERRIDE, 11, 15, "'a' is there with other fields or operators");
	refused(EXCEPTION("fields: [fd.name]") AGAIN "fields: fd.name\n", RULE_DIAG_OVERRIDE, 10, 15,
			"other fields");
	refused(EXCEPTION("fields: [fd.name]") AGAIN "comps: [startswith]\n", RULE_DIAG_OVERRIDE, 10, 14,
			"operators");
	refused("- rule: r\n  condition: evt.type = open\n  exceptions:\n"
		"    - {name: a, fields: fd.name, values: [/a]}\n"
		"    - {name: a, fields: fd.name, values: [/b]}\n", RULE_DIAG_OVERRIDE, 5, 14,
			"'a' stands twice");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"exceptions", test_exceptions},
		{"fields", test_exception_fields},
		{"values", test_exception_values},
		{"conditions", test_exception_condition},
		{"what is there", test_exceptions_again},
		CU_TEST_INFO_NULL,
	};

	return unit_run("rule_exception", tests);
}
