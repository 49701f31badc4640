/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests and groups of a condition as those of the image. */
#include "rule/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- groups -- */

/* What is cheap to ask comes first; a group that holds others last. */
static unsigned expense(const struct build *build, uint32_t node)
{
	static const uint8_t of_kind[RULE_TEST_KIND_COUNT] = {
		[RULE_TEST_RANGE] = 1, [RULE_TEST_BITS] = 1, [RULE_TEST_WORDS] = 1,
		[RULE_TEST_SET] = 2, [RULE_TEST_EQUAL] = 3, [RULE_TEST_STARTS] = 3,
		[RULE_TEST_ENDS] = 3, [RULE_TEST_AMONG] = 4, [RULE_TEST_BELOW] = 4,
		[RULE_TEST_CONTAINS] = 5, [RULE_TEST_ICONTAINS] = 6, [RULE_TEST_BELOW_GLOB] = 7,
		[RULE_TEST_GLOB] = 7, [RULE_TEST_ALL] = 8, [RULE_TEST_ANY] = 8,
		[RULE_TEST_SCHEDULE] = 8, [RULE_TEST_REGEX] = 9, [RULE_TEST_PROGRAM] = 40,
	};

	if (node & RULE_NODE_GROUP)
		return 10 + (build_group_words(build, node)[0] >> 8 & 0xffff);
	return of_kind[build_tests(build)[node].kind];
}

static void sort_children(struct build *build, uint32_t *children, uint32_t count)
{
	uint32_t i;
	uint32_t j;

	for (i = 1; i < count && count < 64; i++) {
		uint32_t child = children[i];
		unsigned price = expense(build, child);

		for (j = i; j && (expense(build, children[j - 1]) > price ||
				(expense(build, children[j - 1]) == price && children[j - 1] > child));
				j--)
			children[j] = children[j - 1];
		children[j] = child;
	}
}

static uint32_t add_group(struct build *build, enum rule_image_group kind, const uint32_t *children,
		uint32_t count)
{
	uint32_t *words = malloc((count + 2) * sizeof(*words));
	uint32_t depth = 0;
	uint64_t at = 0;
	uint32_t i;

	for (i = 0; kind != RULE_GROUP_INPUT && i < count; i++) {
		uint32_t below = children[i] & RULE_NODE_GROUP
				? build_group_words(build, children[i])[0] >> 8 : 0;

		depth = below + 1 > depth ? below + 1 : depth;
	}
	if (depth > RULE_IMAGE_DEPTH_MAX)
		build->error = -E2BIG;
	if (words) {
		words[0] = kind | depth << 8;
		words[1] = count;
		if (count)
			memcpy(words + 2, children, count * sizeof(*words));
		at = build_intern(build, &build->nodes, words, (count + 2) * sizeof(*words));
	} else {
		build->error = -ENOMEM;
	}
	free(words);
	if (at / 4 >= RULE_NODE_GROUP - 1)
		build->error = -E2BIG;
	return build->error ? 0 : RULE_NODE_GROUP | (uint32_t)(at / 4);
}

uint32_t build_constant(struct build *build, bool value)
{
	return add_group(build, value ? RULE_GROUP_AND : RULE_GROUP_OR, NULL, 0);
}

uint32_t build_not(struct build *build, uint32_t child)
{
	return build_group(build, RULE_GROUP_NOT, &child, 1);
}

/* -1: not a constant */
static int constant(const struct build *build, uint32_t node)
{
	const uint32_t *words = build_group_words(build, node);

	if (build->error || !words || words[1])
		return -1;
	return (words[0] & 0xff) == RULE_GROUP_AND;
}

uint32_t build_group(struct build *build, enum rule_image_group kind, uint32_t *children,
		uint32_t count)
{
	int decides = kind == RULE_GROUP_OR;
	uint32_t kept = 0;
	uint32_t i;

	if (build->error)
		return 0;
	if (kind == RULE_GROUP_INPUT)
		return add_group(build, kind, children, count);
	if (kind == RULE_GROUP_NOT) {
		int value = constant(build, children[0]);

		return value >= 0 ? build_constant(build, !value)
				  : add_group(build, kind, children, count);
	}
	for (i = 0; i < count; i++) {
		int value = constant(build, children[i]);

		if (value == decides)
			return build_constant(build, value);
		if (value < 0)
			children[kept++] = children[i];
	}
	if (kept == 1)
		return children[0];
	sort_children(build, children, kept);
	return add_group(build, kind, children, kept);
}

/* -- tests -- */

uint32_t build_test_add(struct build *build, const struct rule_image_test *test)
{
	uint64_t at = build_intern(build, &build->tests, test, sizeof(*test)) / sizeof(*test);

	if (at >= RULE_NODE_GROUP - 1)
		build->error = -E2BIG;
	return (uint32_t)at;
}

/* Signed numbers are kept moved by half of their range, so that all are compared alike. */
static uint64_t number_of(enum rule_field_id field, const union rule_value *value)
{
	return rule_fields[field].type == RULE_SIGNED ? (uint64_t)value->integer ^ 1ull << 63
						      : value->number;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void number_list(struct build *build, const struct rule_node *from,
		struct rule_image_test *test)
{
	uint64_t *numbers = malloc(from->count * sizeof(*numbers) + 1);
	uint32_t kept = 0;
	uint32_t i;

	if (!numbers) {
		build->error = -ENOMEM;
		return;
	}
	for (i = 0; i < from->count; i++)
		numbers[i] = number_of(from->field, &from->test.values[i]);
	qsort(numbers, from->count, sizeof(*numbers), by_number);
	for (i = 0; i < from->count; i++)
		if (!kept || numbers[kept - 1] != numbers[i])
			numbers[kept++] = numbers[i];
	test->kind = kept == 1 ? RULE_TEST_RANGE : RULE_TEST_SET;
	test->a = kept == 1 ? numbers[0]
			    : build_intern(build, &build->values, numbers, kept * 8ull) / 8;
	test->b = kept == 1 ? numbers[0] : kept;
	free(numbers);
}

/* Comparisons that no value can meet, or each, were folded: none of these ranges is empty. */
static void number_test(struct build *build, const struct rule_node *from,
		struct rule_image_test *test)
{
	uint64_t with;

	if (from->op == RULE_OP_IN || from->op == RULE_OP_INTERSECTS) {
		number_list(build, from, test);
		return;
	}
	if (from->op == RULE_OP_BITS) {
		test->kind = RULE_TEST_BITS;
		test->a = from->test.values->bits.mask;
		test->b = from->test.values->bits.want;
		return;
	}
	with = number_of(from->field, from->test.values);
	test->kind = RULE_TEST_RANGE;
	test->a = from->op == RULE_OP_GT ? with + 1 : from->op == RULE_OP_GE ? with : 0;
	test->b = from->op == RULE_OP_LT ? with - 1 : from->op == RULE_OP_LE ? with : UINT64_MAX;
	if (from->op == RULE_OP_EQ || from->op == RULE_OP_NE)
		test->a = test->b = with;
}

static int by_text(const void *a, const void *b)
{
	const struct rule_text *x = a;
	const struct rule_text *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->data, y->data, x->len);
}

static void text_list(struct build *build, const struct rule_node *from,
		struct rule_image_test *test)
{
	struct rule_text *texts = malloc(from->count * sizeof(*texts) + 1);
	struct build_bytes list = {0};
	uint32_t kept = 0;
	uint32_t i;

	for (i = 0; texts && i < from->count; i++)
		texts[i] = from->test.values[i].text;
	if (texts)
		qsort(texts, from->count, sizeof(*texts), by_text);
	for (i = 0; texts && i < from->count; i++) {
		struct rule_image_text text;

		if (i && !by_text(&texts[i - 1], &texts[i]))
			continue;
		text = build_text(build, texts[i].data, texts[i].len);
		build_add(build, &list, &text, sizeof(text));
		kept++;
	}
	test->a = build_intern(build, &build->texts, list.data, list.len) /
			sizeof(struct rule_image_text);
	test->b = kept;
	build->error = texts ? build->error : -ENOMEM;
	free(list.data);
	free(texts);
}

static void one_text(struct build *build, enum rule_image_kind kind, struct rule_text text,
		struct rule_image_test *test)
{
	struct rule_image_text kept = build_text(build, text.data, text.len);

	test->kind = (uint8_t)kind;
	test->a = kept.offset;
	test->b = kept.len;
	if (!text.len && kind != RULE_TEST_EQUAL && kind != RULE_TEST_REGEX)
		test->kind = RULE_TEST_HAS; /* each text holds, begins and ends with none */
	if (test->kind == RULE_TEST_HAS || !text.len)
		test->a = 0;
}

static void lower_text(struct build *build, struct rule_text text, struct rule_image_test *test)
{
	char *lower = malloc(text.len + 1);
	size_t i;

	if (!lower) {
		build->error = -ENOMEM;
		return;
	}
	for (i = 0; i < text.len; i++)
		lower[i] = (char)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] | 32
									    : text.data[i]);
	one_text(build, RULE_TEST_ICONTAINS, (struct rule_text){lower, text.len}, test);
	free(lower);
}

static void text_test(struct build *build, const struct rule_node *from,
		struct rule_image_test *test)
{
	struct rule_text text = from->test.values->text;

	switch (from->op) {
	case RULE_OP_CONTAINS:
		one_text(build, RULE_TEST_CONTAINS, text, test);
		break;
	case RULE_OP_ICONTAINS:
		lower_text(build, text, test);
		break;
	case RULE_OP_STARTSWITH:
		one_text(build, RULE_TEST_STARTS, text, test);
		break;
	case RULE_OP_ENDSWITH:
		one_text(build, RULE_TEST_ENDS, text, test);
		break;
	case RULE_OP_GLOB:
	case RULE_OP_IGLOB:
		build_glob(build, text, from->op == RULE_OP_IGLOB, false, test);
		break;
	case RULE_OP_REGEX:
		one_text(build, RULE_TEST_REGEX, text, test);
		break;
	case RULE_OP_IN:
	case RULE_OP_INTERSECTS:
		test->kind = RULE_TEST_AMONG;
		text_list(build, from, test);
		break;
	default:
		one_text(build, RULE_TEST_EQUAL, text, test);
	}
}

/* Below any of the paths: a test for each. */
static uint32_t path_tests(struct build *build, const struct rule_node *from,
		const struct rule_image_test *like)
{
	uint32_t *nodes = malloc(from->count * sizeof(*nodes) + 1);
	uint32_t result = 0;
	uint32_t i;

	if (!nodes) {
		build->error = -ENOMEM;
		return 0;
	}
	for (i = 0; i < from->count; i++) {
		struct rule_image_test test = *like;

		build_glob(build, from->test.values[i].text, false, true, &test);
		nodes[i] = build_test_add(build, &test);
	}
	if (!build->error)
		result = build_group(build, RULE_GROUP_OR, nodes, from->count);
	free(nodes);
	return result;
}

static struct rule_image_test blank_test(struct build *build, const struct rule_node *from)
{
	struct rule_image_test test = {.field = build_field(build, from->field),
			.scan = RULE_IMAGE_NONE};

	if (rule_fields[from->field].repeats)
		build->head.repeats |= 1ull << (test.field & 63);
	if (from->field == RULE_FIELD_ATTR) {
		struct rule_image_text arg = build_text(build, from->test.argument.data,
				from->test.argument.len);

		test.arg = arg.offset;
		test.arg_len = arg.len;
	}
	return test;
}

/* It is there, and not the value. */
static uint32_t other_than(struct build *build, const struct rule_node *from, uint32_t equal)
{
	struct rule_image_test has = blank_test(build, from);
	uint32_t pair[2];

	pair[0] = build_not(build, equal);
	if (rule_field_always(from->field))
		return pair[0];
	pair[1] = build_test_add(build, &has);
	return build_group(build, RULE_GROUP_AND, pair, 2);
}

uint32_t build_test(struct build *build, const struct rule_node *from)
{
	enum rule_type type = rule_fields[from->field].type;
	struct rule_image_test test = blank_test(build, from);
	uint32_t node;

	if (build->error)
		return 0;
	if (from->op == RULE_OP_EXISTS) {
		test.kind = RULE_TEST_HAS;
	} else if (from->test.words) {
		test.kind = RULE_TEST_WORDS;
		test.a = build_intern(build, &build->values, from->test.words, 32) / 8;
		test.b = 4;
	} else if (from->op == RULE_OP_PMATCH) {
		return path_tests(build, from, &test);
	} else if (type == RULE_STRINGS) {
		test.kind = from->op == RULE_OP_IN ? RULE_TEST_ALL : RULE_TEST_ANY;
		text_list(build, from, &test);
	} else if (type == RULE_STRING || type == RULE_PATH) {
		text_test(build, from, &test);
	} else {
		number_test(build, from, &test);
	}
	node = build_test_add(build, &test);
	return from->op == RULE_OP_NE ? other_than(build, from, node) : node;
}
