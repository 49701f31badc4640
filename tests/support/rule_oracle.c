/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_oracle.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/rule_match.h"
#include "support/rule_value.h"

/* Expressions that were compiled, by where their text lies: sets outlive what is asked of them. */
#define CACHE 4096u

struct oracle {
	oracle_program program;
	void *data;
	struct {
		char *pattern;
		pcre2_code *code;
	} cache[CACHE];
	pcre2_match_data *match;
};

struct oracle *oracle_new(oracle_program program, void *data)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));

	if (!oracle)
		abort();
	oracle->program = program;
	oracle->data = data;
	oracle->match = pcre2_match_data_create(1, NULL);
	if (!oracle->match)
		abort();
	return oracle;
}

void oracle_free(struct oracle *oracle)
{
	size_t i;

	if (!oracle)
		return;
	for (i = 0; i < CACHE; i++) {
		pcre2_code_free(oracle->cache[i].code);
		free(oracle->cache[i].pattern);
	}
	pcre2_match_data_free(oracle->match);
	free(oracle);
}

static pcre2_code *regex(struct oracle *oracle, struct rule_text pattern)
{
	uint32_t hash = 5381;
	PCRE2_SIZE offset;
	size_t i;
	int error;

	for (i = 0; i < pattern.len; i++)
		hash = hash * 33 + (uint8_t)pattern.data[i];
	hash %= CACHE;
	if (oracle->cache[hash].pattern && !strcmp(oracle->cache[hash].pattern, pattern.data))
		return oracle->cache[hash].code;
	pcre2_code_free(oracle->cache[hash].code);
	free(oracle->cache[hash].pattern);
	oracle->cache[hash].pattern = strdup(pattern.data);
	oracle->cache[hash].code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len,
			PCRE2_DOTALL | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_UTF, &error,
			&offset, NULL);
	if (!oracle->cache[hash].code) {
		fprintf(stderr, "oracle: not PCRE: %s\n", pattern.data);
		abort();
	}
	return oracle->cache[hash].code;
}

static bool match_regex(struct oracle *oracle, struct vex_bytes text, struct rule_text pattern)
{
	int got = pcre2_match(regex(oracle, pattern), text.len ? text.data : (PCRE2_SPTR) "",
			text.len, 0, 0, oracle->match, NULL);

	if (got < 0 && got != PCRE2_ERROR_NOMATCH) {
		fprintf(stderr, "oracle: PCRE gave up (%d): %s\n", got, pattern.data);
		abort();
	}
	return got >= 0;
}

static bool any_text(bool (*match)(struct vex_bytes text, struct rule_text with),
		const struct rule_node *test, struct vex_bytes text)
{
	uint32_t i;

	for (i = 0; i < test->count; i++)
		if (match(text, test->test.values[i].text))
			return true;
	return false;
}

static bool test_text(struct oracle *oracle, const struct rule_node *test, struct vex_bytes text)
{
	struct rule_text with = test->count ? test->test.values[0].text : (struct rule_text){"", 0};

	switch (test->op) {
	case RULE_OP_EQ:
		return match_equal(text, with);
	case RULE_OP_NE:
		return !match_equal(text, with);
	case RULE_OP_CONTAINS:
		return match_contains(text, with, false);
	case RULE_OP_ICONTAINS:
		return match_contains(text, with, true);
	case RULE_OP_STARTSWITH:
		return match_starts(text, with);
	case RULE_OP_ENDSWITH:
		return match_ends(text, with);
	case RULE_OP_GLOB:
		return match_glob(text, with, false);
	case RULE_OP_IGLOB:
		return match_glob(text, with, true);
	case RULE_OP_REGEX:
		return match_regex(oracle, text, with);
	case RULE_OP_PMATCH:
		return any_text(match_path, test, text);
	case RULE_OP_IN:
	case RULE_OP_INTERSECTS:
		return any_text(match_equal, test, text);
	default:
		abort();
	}
}

/* The sign of a - b. */
static int compare(const struct rule_node *test, const struct oracle_value *value,
		const union rule_value *with)
{
	if (rule_fields[test->field].type == RULE_SIGNED)
		return (value->integer > with->integer) - (value->integer < with->integer);
	return (value->number > with->number) - (value->number < with->number);
}

static bool test_number(const struct rule_node *test, const struct oracle_value *value)
{
	const union rule_value *with = test->test.values;
	uint32_t i;

	if (test->op == RULE_OP_IN || test->op == RULE_OP_INTERSECTS) {
		for (i = 0; i < test->count; i++)
			if (compare(test, value, &with[i]) == 0)
				return true;
		return false;
	}
	switch (test->op) {
	case RULE_OP_EQ:
		return compare(test, value, with) == 0;
	case RULE_OP_NE:
		return compare(test, value, with) != 0;
	case RULE_OP_LT:
		return compare(test, value, with) < 0;
	case RULE_OP_LE:
		return compare(test, value, with) <= 0;
	case RULE_OP_GT:
		return compare(test, value, with) > 0;
	case RULE_OP_GE:
		return compare(test, value, with) >= 0;
	default:
		abort();
	}
}

static bool test_flags(const struct rule_node *test, const struct oracle_value *value)
{
	uint64_t bits = (uint64_t)value->number;
	uint32_t i;

	switch (test->op) {
	case RULE_OP_CONTAINS:
		return (bits & test->test.values->number) == test->test.values->number;
	case RULE_OP_BITS:
		return (bits & test->test.values->bits.mask) == test->test.values->bits.want;
	case RULE_OP_INTERSECTS:
		for (i = 0; i < test->count; i++)
			if (bits & test->test.values[i].number)
				return true;
		return false;
	default:
		return test_number(test, value);
	}
}

static bool test_list(const struct rule_node *test, const struct oracle_value *value)
{
	uint32_t in = 0;
	uint32_t i;

	for (i = 0; i < value->count; i++)
		in += any_text(match_equal, test, value->list[i]);
	return test->op == RULE_OP_IN ? in == value->count : in > 0;
}

static bool test_holds(struct oracle *oracle, const struct rule_node *test,
		const struct vex_event *event)
{
	struct oracle_value value = oracle_value(test->field, &test->test.argument, event);

	if (!value.there || test->op == RULE_OP_EXISTS)
		return value.there;
	switch (rule_fields[test->field].type) {
	case RULE_STRING:
	case RULE_PATH:
		return test_text(oracle, test, value.text);
	case RULE_STRINGS:
		return test_list(test, &value);
	case RULE_ENUM:
		return rule_words_has(test->test.words, value.word);
	case RULE_FLAGS:
		return test_flags(test, &value);
	default:
		return test_number(test, &value);
	}
}

/* Unknown counts only where it decides: false and unknown is false, true or unknown is true. */
enum truth { NO, YES, UNKNOWN };

static enum truth truth(struct oracle *oracle, const struct rule_node *node,
		const struct vex_event *event);

static enum truth group(struct oracle *oracle, const struct rule_node *node,
		const struct vex_event *event)
{
	enum truth decides = node->kind == RULE_NODE_AND ? NO : YES;
	enum truth result = decides == NO ? YES : NO;
	uint32_t i;

	for (i = 0; i < node->count; i++) {
		enum truth child = truth(oracle, node->children[i], event);

		if (child == decides)
			return decides;
		if (child == UNKNOWN)
			result = UNKNOWN;
	}
	return result;
}

static enum truth truth(struct oracle *oracle, const struct rule_node *node,
		const struct vex_event *event)
{
	enum truth child;

	switch (node->kind) {
	case RULE_NODE_FALSE:
	case RULE_NODE_TRUE:
		return node->kind == RULE_NODE_TRUE ? YES : NO;
	case RULE_NODE_AND:
	case RULE_NODE_OR:
		return group(oracle, node, event);
	case RULE_NODE_NOT:
		child = truth(oracle, node->children[0], event);
		return child == UNKNOWN ? UNKNOWN : child == YES ? NO : YES;
	case RULE_NODE_TEST:
		return test_holds(oracle, node, event) ? YES : NO;
	case RULE_NODE_PROGRAM:
		return oracle->program && oracle->program(node->program, event, oracle->data) ? YES : NO;
	default:
		return UNKNOWN;
	}
}

bool oracle_condition(struct oracle *oracle, const struct rule_node *node,
		const struct vex_event *event)
{
	enum truth result = truth(oracle, node, event);

	if (result == UNKNOWN) {
		fprintf(stderr, "oracle: asked what can't be known\n");
		abort();
	}
	return result == YES;
}

/* Minutes since Monday, 1970-01-05 00:00 of the schedule's clock, which may lie before it. */
bool oracle_schedule(const struct rule_schedule *schedule, uint64_t ns)
{
	int64_t minutes = (int64_t)(ns / 60000000000u) + schedule->offset_minutes + 3 * 1440;
	int64_t week = ((minutes % 10080) + 10080) % 10080;
	int64_t day;
	uint32_t i;

	for (i = 0; i < schedule->count; i++) {
		const struct rule_window *window = &schedule->windows[i];
		int64_t len = window->to > window->from ? window->to - window->from
							: window->to + 1440 - window->from;

		for (day = 0; day < 7; day++)
			if ((window->days >> day & 1) &&
					(week - (day * 1440 + window->from) + 10080) % 10080 < len)
				return true;
	}
	return schedule->count == 0;
}

bool oracle_rule(struct oracle *oracle, const struct rule *rule, const struct vex_event *event)
{
	return rule->state == RULE_ACTIVE && oracle_schedule(&rule->schedule, event->start_ns) &&
			oracle_condition(oracle, rule->plain ? rule->plain : rule->condition, event);
}

uint32_t oracle_match(struct oracle *oracle, const struct rule_set *set,
		const struct vex_event *event, uint32_t *matched)
{
	uint32_t count = 0;
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		if (!oracle_rule(oracle, &set->rules[i], event))
			continue;
		matched[count++] = i;
		if (set->rules[i].first)
			break;
	}
	return count;
}
