/* SPDX-License-Identifier: BSD-3-Clause */
/* Making nodes. */
#include "rule/check.h"

const struct rule_node *node_make(struct load *load, const struct rule_node *like)
{
	struct rule_node *node = load_keep(load, sizeof(*node));

	if (node)
		*node = *like;
	return node;
}

const struct rule_node *node_constant(struct load *load, bool value, struct rule_pos pos)
{
	return node_make(load, &(struct rule_node){
			.kind = value ? RULE_NODE_TRUE : RULE_NODE_FALSE, .repeats = true, .pos = pos});
}

const struct rule_node *node_group(struct load *load, enum rule_node_kind kind,
		const struct rule_node *const *children, uint32_t count, struct rule_pos pos)
{
	struct rule_node node = {.kind = (uint8_t)kind, .repeats = true, .count = count, .pos = pos};
	uint32_t i;

	node.children = rule_memory_copy(load->keep, children, count * sizeof(*children));
	if (!node.children) {
		load_no_memory(load);
		return NULL;
	}
	for (i = 0; i < count; i++)
		node.repeats &= children[i]->repeats;
	return node_make(load, &node);
}

const struct rule_node *node_pair(struct load *load, enum rule_node_kind kind,
		const struct rule_node *left, const struct rule_node *right)
{
	const struct rule_node *children[2] = {left, right};

	if (!left || !right)
		return NULL;
	return fold_group(load, kind, children, 2, left->pos);
}

const struct rule_node *node_not(struct load *load, const struct rule_node *child)
{
	return child ? fold_not(load, child) : NULL;
}

const struct rule_node *node_test(struct load *load, enum rule_field_id field, enum rule_op op,
		union rule_value value, struct rule_pos pos)
{
	struct rule_node node = {
		.kind = RULE_NODE_TEST,
		.op = (uint8_t)op,
		.field = (uint8_t)field,
		.repeats = rule_fields[field].repeats,
		.count = op == RULE_OP_EXISTS ? 0 : 1,
		.pos = pos,
	};

	if (node.count)
		node.test.values = rule_memory_copy(load->keep, &value, sizeof(value));
	if (node.count && !node.test.values) {
		load_no_memory(load);
		return NULL;
	}
	return fold_test(load, &node);
}

const struct rule_node *node_words(struct load *load, enum rule_field_id field,
		const struct rule_words *words, struct rule_pos pos)
{
	struct rule_node node = {
		.kind = RULE_NODE_TEST,
		.op = RULE_OP_IN,
		.field = (uint8_t)field,
		.repeats = rule_fields[field].repeats,
		.pos = pos,
	};

	node.test.words = rule_memory_copy(load->keep, words, sizeof(*words));
	if (!node.test.words) {
		load_no_memory(load);
		return NULL;
	}
	return fold_test(load, &node);
}

const struct rule_node *node_unsupported(struct load *load, struct rule_text name, const char *why,
		struct rule_pos pos)
{
	struct rule_node node = {.kind = RULE_NODE_UNSUPPORTED, .pos = pos};

	node.unsupported.name = load_keep_text(load, name);
	node.unsupported.why = why;
	return node.unsupported.name.data ? node_make(load, &node) : NULL;
}
