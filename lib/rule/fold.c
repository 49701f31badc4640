/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is always true or never, so that neither the compiler nor a rule of which only such a part
 * can't be known has to do with it. "Unsupported" is a third truth value: false and it is false,
 * true or it is true, all else stays unknown.
 */
#include <string.h>

#include "rule/check.h"

static bool holds_unsigned(enum rule_op op, uint64_t value, uint64_t with)
{
	switch (op) {
	case RULE_OP_EQ:
		return value == with;
	case RULE_OP_NE:
		return value != with;
	case RULE_OP_LT:
		return value < with;
	case RULE_OP_LE:
		return value <= with;
	case RULE_OP_GT:
		return value > with;
	default:
		return value >= with;
	}
}

static bool holds_signed(enum rule_op op, int64_t value, int64_t with)
{
	/* Moved by half the range, signed order is unsigned order. */
	return holds_unsigned(op, (uint64_t)value ^ 1ull << 63, (uint64_t)with ^ 1ull << 63);
}

static bool in_range(const struct rule_field *field, const union rule_value *value)
{
	if (field->type == RULE_SIGNED)
		return value->integer >= field->min && value->integer <= (int64_t)field->max;
	return value->number >= (uint64_t)field->min && value->number <= field->max;
}

/* A comparison says the same for all values where it does so at both ends, and with in none. */
static bool constant_compare(const struct rule_node *test, bool *result)
{
	const struct rule_field *field = &rule_fields[test->field];
	const union rule_value *value = test->test.values;
	bool low;
	bool high;

	if (field->type == RULE_SIGNED) {
		low = holds_signed(test->op, field->min, value->integer);
		high = holds_signed(test->op, (int64_t)field->max, value->integer);
	} else {
		low = holds_unsigned(test->op, (uint64_t)field->min, value->number);
		high = holds_unsigned(test->op, field->max, value->number);
	}
	*result = low;
	if (test->op == RULE_OP_EQ || test->op == RULE_OP_NE)
		return !in_range(field, value);
	return low == high;
}

static bool is_number(enum rule_type type)
{
	return type == RULE_UNSIGNED || type == RULE_SIGNED || type == RULE_TIME ||
			type == RULE_FLAGS || type == RULE_BOOL;
}

static bool constant_list(const struct rule_node *test)
{
	uint32_t i;

	for (i = 0; i < test->count; i++)
		if (in_range(&rule_fields[test->field], &test->test.values[i]))
			return false;
	return true;
}

/* Of words: none of those that there are, or all. */
static bool constant_words(const struct rule_node *test, bool *result)
{
	static const struct rule_words none;
	struct rule_words others = *test->test.words;

	rule_words_invert(test->field, &others);
	*result = !memcmp(&others, &none, sizeof(none));
	return *result || !memcmp(test->test.words, &none, sizeof(none));
}

static bool constant_test(const struct rule_node *test, bool *result)
{
	enum rule_type type = rule_fields[test->field].type;

	*result = false;
	if (test->op == RULE_OP_EXISTS) {
		*result = true;
		return true;
	}
	if (test->test.words)
		return constant_words(test, result);
	if (test->op == RULE_OP_IN || test->op == RULE_OP_INTERSECTS)
		return !test->count || (is_number(type) && constant_list(test));
	if (test->op == RULE_OP_PMATCH)
		return !test->count;
	if (test->op == RULE_OP_BITS) { /* of no bits, or wants what it does not look at */
		*result = !test->test.values->bits.mask && !test->test.values->bits.want;
		return *result || (test->test.values->bits.want & ~test->test.values->bits.mask);
	}
	return is_number(type) && constant_compare(test, result);
}

const struct rule_node *fold_test(struct load *load, const struct rule_node *test)
{
	struct rule_node exists = *test;
	bool result;

	if (!constant_test(test, &result))
		return node_make(load, test);
	if (!result || rule_field_always(test->field))
		return node_constant(load, result, test->pos);
	exists.op = RULE_OP_EXISTS; /* true of each value, but there must be one */
	exists.count = 0;
	exists.test.values = NULL;
	exists.test.words = NULL;
	return node_make(load, &exists);
}

/* Not one of these words is one of the others, where each event has one. */
static const struct rule_node *invert_words(struct load *load, const struct rule_node *test)
{
	struct rule_words words = *test->test.words;

	rule_words_invert(test->field, &words);
	return node_words(load, test->field, &words, test->pos);
}

const struct rule_node *fold_not(struct load *load, const struct rule_node *child)
{
	if (child->kind == RULE_NODE_FALSE || child->kind == RULE_NODE_TRUE)
		return node_constant(load, child->kind == RULE_NODE_FALSE, child->pos);
	if (child->kind == RULE_NODE_NOT)
		return child->children[0];
	if (child->kind == RULE_NODE_UNSUPPORTED)
		return child;
	if (child->kind == RULE_NODE_TEST && child->test.words && rule_field_always(child->field))
		return invert_words(load, child);
	return node_group(load, RULE_NODE_NOT, &child, 1, child->pos);
}

/* Children in one array, those of children of the same kind among them. */
static const struct rule_node **flatten(struct load *load, enum rule_node_kind kind,
		const struct rule_node *const *children, uint32_t count, uint32_t *total)
{
	const struct rule_node **flat;
	uint32_t i;

	for (*total = 0, i = 0; i < count; i++)
		*total += children[i]->kind == kind ? children[i]->count : 1;
	flat = load_temporary(load, *total * sizeof(*flat) + 1);
	for (*total = 0, i = 0; flat && i < count; i++) {
		const struct rule_node *child = children[i];

		if (child->kind == kind) {
			memcpy(flat + *total, child->children, child->count * sizeof(*flat));
			*total += child->count;
		} else {
			flat[(*total)++] = child;
		}
	}
	return flat;
}

static bool both_words(const struct rule_node *a, const struct rule_node *b)
{
	return a->kind == RULE_NODE_TEST && b->kind == RULE_NODE_TEST && a->field == b->field &&
			a->test.words && b->test.words;
}

/* Two sets of words of one field as one. */
static const struct rule_node *join_words(struct load *load, enum rule_node_kind kind,
		const struct rule_node *a, const struct rule_node *b)
{
	struct rule_words words = *a->test.words;
	unsigned i;

	for (i = 0; i < 4; i++)
		words.bits[i] = kind == RULE_NODE_AND ? words.bits[i] & b->test.words->bits[i]
						      : words.bits[i] | b->test.words->bits[i];
	return node_words(load, a->field, &words, a->pos);
}

/* Joins each set of words with the first one of its field; false where memory ran out. */
static bool merge_words(struct load *load, enum rule_node_kind kind, const struct rule_node **list,
		uint32_t *count)
{
	uint32_t kept = 0;
	uint32_t i;
	uint32_t j;

	for (i = 0; i < *count; i++) {
		bool words = list[i]->kind == RULE_NODE_TEST && list[i]->test.words;

		for (j = 0; words && j < kept && !both_words(list[i], list[j]); j++)
			;
		if (!words || j == kept) {
			list[kept++] = list[i];
			continue;
		}
		list[j] = join_words(load, kind, list[j], list[i]);
		if (!list[j])
			return false;
	}
	*count = kept;
	return true;
}

const struct rule_node *fold_group(struct load *load, enum rule_node_kind kind,
		const struct rule_node *const *children, uint32_t count, struct rule_pos pos)
{
	enum rule_node_kind decides = kind == RULE_NODE_AND ? RULE_NODE_FALSE : RULE_NODE_TRUE;
	const struct rule_node **list = flatten(load, kind, children, count, &count);
	uint32_t kept = 0;
	uint32_t i;

	if (!list || !merge_words(load, kind, list, &count))
		return NULL;
	for (i = 0; i < count; i++) {
		if (list[i]->kind == decides)
			return node_constant(load, decides == RULE_NODE_TRUE, pos);
		if (list[i]->kind != RULE_NODE_TRUE && list[i]->kind != RULE_NODE_FALSE)
			list[kept++] = list[i];
	}
	if (!kept)
		return node_constant(load, decides == RULE_NODE_FALSE, pos);
	return kept == 1 ? list[0] : node_group(load, kind, list, kept, pos);
}
