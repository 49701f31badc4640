/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of a condition repeats, and what varies. The cacheable part is true of all events of which
 * the condition is: what varies counts as what makes it true. The residual part is the condition
 * without what the cacheable part has decided; what repeats within it became inputs, whose values
 * a decision remembers.
 */
#include "rule/build.h"

#include <errno.h>
#include <stdlib.h>

enum part { WHOLE, UPPER, LOWER, REST };

static uint32_t take(struct build *build, const struct rule_node *node, enum part part);

static uint32_t program_test(struct build *build, uint32_t program)
{
	struct rule_image_test test = {.kind = RULE_TEST_PROGRAM, .a = program,
			.scan = RULE_IMAGE_NONE};

	return build_test_add(build, &test);
}

static uint32_t input(struct build *build, uint32_t node)
{
	uint32_t index = (uint32_t)(build_intern(build, &build->inputs, &node, sizeof(node)) / 4);
	const uint32_t *known = (const uint32_t *)build->rule_inputs.data;
	struct rule_image_rule *rule = (struct rule_image_rule *)build->rules.data + build->rule;
	uint32_t i;

	for (i = 0; i < rule->input_count && known[rule->input_first + i] != index; i++)
		;
	if (i == rule->input_count) {
		build_add(build, &build->rule_inputs, &index, sizeof(index));
		rule->input_count++;
	}
	return build_group(build, RULE_GROUP_INPUT, &index, 1);
}

static uint32_t group(struct build *build, const struct rule_node *node, enum part part)
{
	enum rule_image_group kind = node->kind == RULE_NODE_AND ? RULE_GROUP_AND : RULE_GROUP_OR;
	uint32_t *children = malloc(node->count * sizeof(*children));
	uint32_t result = 0;
	uint32_t i;

	if (!children) {
		build->error = -ENOMEM;
		return 0;
	}
	for (i = 0; i < node->count; i++)
		children[i] = take(build, node->children[i], part);
	if (!build->error)
		result = build_group(build, kind, children, node->count);
	free(children);
	return result;
}

static uint32_t negation(struct build *build, const struct rule_node *node, enum part part)
{
	enum part below = part == UPPER ? LOWER : part == LOWER ? UPPER : part;

	return build_not(build, take(build, node->children[0], below));
}

static uint32_t take(struct build *build, const struct rule_node *node, enum part part)
{
	bool leaf = node->kind == RULE_NODE_TEST || node->kind == RULE_NODE_PROGRAM;

	if (build->error)
		return 0;
	if (node->kind == RULE_NODE_TRUE || node->kind == RULE_NODE_FALSE)
		return build_constant(build, node->kind == RULE_NODE_TRUE);
	if (node->repeats && part == REST)
		return input(build, take(build, node, WHOLE));
	if (leaf && !node->repeats && (part == UPPER || part == LOWER))
		return build_constant(build, part == UPPER);
	if (node->kind == RULE_NODE_TEST)
		return build_test(build, node);
	if (node->kind == RULE_NODE_PROGRAM)
		return program_test(build, node->program);
	if (node->kind == RULE_NODE_NOT)
		return negation(build, node, part);
	if (node->kind == RULE_NODE_AND || node->kind == RULE_NODE_OR)
		return group(build, node, part);
	build->error = -EINVAL; /* an active rule has nothing that can't be known */
	return 0;
}

/* Of what must all be true, what repeats is in the cacheable part as it stands. */
static uint32_t rest(struct build *build, const struct rule_node *condition)
{
	uint32_t *children;
	uint32_t count = 0;
	uint32_t result = 0;
	uint32_t i;

	if (condition->kind != RULE_NODE_AND)
		return take(build, condition, REST);
	children = malloc(condition->count * sizeof(*children));
	if (!children) {
		build->error = -ENOMEM;
		return 0;
	}
	for (i = 0; i < condition->count; i++)
		if (!condition->children[i]->repeats)
			children[count++] = take(build, condition->children[i], REST);
	if (!build->error)
		result = build_group(build, RULE_GROUP_AND, children, count);
	free(children);
	return result;
}

static uint32_t schedule_test(struct build *build, const struct rule_schedule *schedule)
{
	struct rule_image_schedule out = {.offset_minutes = schedule->offset_minutes,
			.first = (uint32_t)(build->windows.len / sizeof(struct rule_image_window)),
			.count = schedule->count};
	struct rule_image_test test = {.kind = RULE_TEST_SCHEDULE, .scan = RULE_IMAGE_NONE};
	uint32_t i;

	for (i = 0; i < schedule->count; i++) {
		struct rule_image_window window = {.from = schedule->windows[i].from,
				.to = schedule->windows[i].to, .days = schedule->windows[i].days};

		build_add(build, &build->windows, &window, sizeof(window));
	}
	test.a = build_add(build, &build->schedules, &out, sizeof(out)) / sizeof(out);
	return build_test_add(build, &test);
}

void build_split(struct build *build, const struct rule *rule, struct rule_image_rule *out)
{
	const struct rule_node *condition = rule->condition;
	uint32_t pair[2];

	out->input_first = (uint32_t)(build->rule_inputs.len / sizeof(uint32_t));
	out->cacheable = take(build, condition, condition->repeats ? WHOLE : UPPER);
	out->residual = condition->repeats ? RULE_IMAGE_NONE : rest(build, condition);
	if (!rule->schedule.count)
		return;
	pair[0] = schedule_test(build, &rule->schedule);
	pair[1] = out->residual;
	if (out->residual == RULE_IMAGE_NONE)
		out->residual = pair[0];
	else if (!build->error)
		out->residual = build_group(build, RULE_GROUP_AND, pair, 2);
}
