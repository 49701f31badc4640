/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_test.h"

#include <stdio.h>
#include <stdlib.h>

struct rule_diags said;

struct vex_bytes bytes_of(const char *text)
{
	return (struct vex_bytes){.data = text, .len = strlen(text)};
}

static void print_said(void)
{
	char text[4096];
	size_t i;

	for (i = 0; i < said.count; i++) {
		rule_diag_format(&said.items[i], text, sizeof(text));
		printf("\n    %s", text);
	}
}

struct rule_set *load_text(const char *text)
{
	struct rule_options options = {.keep_plain = true};
	struct rule_source source = {"test", text, strlen(text)};
	struct rule_set *set;
	int error;

	rule_diags_clear(&said);
	error = rule_set_parse(&source, 1, &options, &set, &said);
	CU_ASSERT_EQUAL(!error, set != NULL);
	CU_ASSERT_EQUAL(!error, said.errors == 0);
	return set;
}

static const char *with_condition(const char *condition)
{
	static char text[65536];

	snprintf(text, sizeof(text), "- rule: r\n  condition: %s\n", condition);
	return text;
}

struct rule_set *load_condition(const char *condition)
{
	return load_text(with_condition(condition));
}

struct rule_set *good_text(const char *text)
{
	struct rule_set *set = load_text(text);

	CU_ASSERT_PTR_NOT_NULL(set);
	if (!set) {
		printf("\n%s", text);
		print_said();
	}
	return set;
}

void was_said(enum rule_severity severity, enum rule_diag_code code, unsigned line, unsigned column,
		const char *words)
{
	size_t i;

	for (i = 0; i < said.count; i++) {
		const struct rule_diag *diag = &said.items[i];
		char text[4096];

		rule_diag_format(diag, text, sizeof(text));
		if (diag->severity == severity && diag->code == code && diag->line == line &&
				diag->column == column && strstr(text, words)) {
			CU_PASS("said");
			return;
		}
	}
	printf("\n    not said: %s at %u:%u, '%s'; but:", rule_diag_code_name(code), line, column,
			words);
	print_said();
	CU_FAIL("what should have been said was not");
}

void refused(const char *text, enum rule_diag_code code, unsigned line, unsigned column,
		const char *words)
{
	struct rule_set *set = load_text(text);

	CU_ASSERT_PTR_NULL(set);
	was_said(RULE_ERROR, code, line, column, words);
	rule_set_free(set);
}

void refused_condition(const char *condition, enum rule_diag_code code, unsigned column,
		const char *words)
{
	refused(with_condition(condition), code, 2, column + 13, words);
}

bool holds(const char *condition, const struct vex_event *event)
{
	struct oracle *oracle = oracle_new(NULL, NULL);
	struct rule_set *set = load_condition(condition);
	bool result = false;

	CU_ASSERT_PTR_NOT_NULL(set);
	if (!set) {
		print_said();
	} else {
		CU_ASSERT_EQUAL(set->rules[0].state, RULE_ACTIVE);
		if (set->rules[0].state != RULE_ACTIVE)
			print_said();
		else
			result = oracle_condition(oracle, set->rules[0].plain, event);
		if (set->rules[0].state == RULE_ACTIVE)
			CU_ASSERT_EQUAL(oracle_condition(oracle, set->rules[0].condition, event),
					result);
	}
	rule_set_free(set);
	oracle_free(oracle);
	return result;
}
