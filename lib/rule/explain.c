/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a rule does not match. */
#include "rule/disassemble.h"

#include "rule/disassemble_work.h"
#include "rule/match_work.h"
#include "rule/output.h"

/* What the event says of what a test asks for. */
static void tell_value(const struct rule_worker *worker, uint32_t index, FILE *out)
{
	const struct rule_image *image = worker->matcher->image;
	const struct rule_image_test *test =
			(const struct rule_image_test *)rule_image_part(image, RULE_PART_TESTS) + index;
	const char *text = rule_image_part(image, RULE_PART_TEXT);
	enum rule_field_id field = RULE_FIELD_EVT_TIME;
	struct rule_text argument = {NULL, 0};
	if (test->kind == RULE_TEST_PROGRAM)
		return;
	if (test->kind != RULE_TEST_SCHEDULE) {
		field = disassemble_field(image, test->field);
		argument = (struct rule_text){text + test->arg, test->arg_len};
	}
	fputs(" (the event has ", out);
	if (!rule_value_print(*worker->records, field, argument, out))
		fputs("none", out);
	fputs(")", out);
}

/* The first test that makes a node what it is. A group of several is told by the first of them. */
static void blame(struct rule_worker *worker, uint32_t node, FILE *out)
{
	const struct rule_matcher *matcher = worker->matcher;
	const uint32_t *words = matcher->nodes + (node & ~RULE_NODE_GROUP);
	uint64_t is = match_eval(worker, node, 1);
	uint32_t i;

	if (!(node & RULE_NODE_GROUP)) {
		rule_image_print_node(matcher->image, node, out);
		fputs(is ? " is true" : " is false", out);
		tell_value(worker, node, out);
		return;
	}
	if (!words[1]) {
		fputs(is ? "something in it always holds" : "its condition never holds", out);
		return;
	}
	if ((words[0] & 0xff) == RULE_GROUP_INPUT) {
		blame(worker, matcher->inputs[words[2]], out);
		return;
	}
	for (i = 0; (words[0] & 0xff) != RULE_GROUP_NOT && i + 1 < words[1] &&
			match_eval(worker, words[2 + i], 1) != is; i++)
		;
	blame(worker, words[2 + i], out);
}

static void set_inputs(struct rule_worker *worker, const struct rule_image_rule *rule)
{
	const struct rule_matcher *matcher = worker->matcher;
	uint32_t i;

	for (i = 0; i < rule->input_count; i++) {
		uint32_t input = matcher->rule_inputs[rule->input_first + i];

		worker->input[input] = match_eval(worker, matcher->inputs[input], 1);
	}
}

static void explain_rule(struct rule_worker *worker, const struct rule_image_rule *rule, FILE *out)
{
	if (rule->state != RULE_ACTIVE) {
		fputs(rule_state_name((enum rule_state)rule->state), out);
		return;
	}
	if (!match_eval(worker, rule->cacheable, 1)) {
		blame(worker, rule->cacheable, out);
		return;
	}
	set_inputs(worker, rule);
	if (rule->residual != RULE_IMAGE_NONE && !match_eval(worker, rule->residual, 1))
		blame(worker, rule->residual, out);
	else
		fputs("an earlier rule has match: first", out);
}

void rule_explain(struct rule_worker *worker, const struct vex_record *record, FILE *out)
{
	const struct rule_matcher *matcher = worker->matcher;
	struct rule_hits hits = rule_match(worker, &record, 1);
	uint32_t at = 0;
	uint32_t i;

	worker->records = &record;
	worker->all = 1;
	for (i = 0; i < matcher->rule_count; i++) {
		const struct rule_image_rule *rule = &matcher->rules[i];

		fprintf(out, "%.*s: ", (int)rule->name.len, matcher->text + rule->name.offset);
		if (at < hits.count && hits.hits[at].rule == i) {
			fputs("matches", out);
			at++;
		} else {
			explain_rule(worker, rule, out);
		}
		fputc('\n', out);
	}
	match_clean_up(worker);
}
