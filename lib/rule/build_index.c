/* SPDX-License-Identifier: BSD-3-Clause */
/* Which keys lead to a rule: of what must all be true the best, of what may be true every one. */
#include "rule/build.h"

#include <errno.h>
#include <stdlib.h>

#include "rule/index_key.h"

#define PRICE_NUMBER 100u
#define PRICE_PROCESS 10u
#define PRICE_PATTERN 300u
#define PRICE_TYPE 400u
#define PRICE_NONE UINT32_MAX

#define CROWD_SLOTS (1u << 20)
#define CROWDED 16u /* patterns with one key from which on Hyperscan is asked */
#define NUMBERS_MAX 64u

static bool is_text(enum rule_field_id field)
{
	return rule_fields[field].type == RULE_STRING || rule_fields[field].type == RULE_PATH;
}

/* What Hyperscan can look for. */
static bool is_pattern(const struct build *build, const struct rule_image_test *test)
{
	enum rule_field_id field = (enum rule_field_id)build->ids[test->field];

	switch (test->kind) {
	case RULE_TEST_STARTS:
	case RULE_TEST_ENDS:
	case RULE_TEST_CONTAINS:
	case RULE_TEST_ICONTAINS:
	case RULE_TEST_GLOB:
	case RULE_TEST_REGEX:
		return is_text(field) && rule_fields[field].repeats;
	default:
		return false;
	}
}

static uint8_t *crowd_of(const struct build *build, uint64_t hash)
{
	return build->crowd.data + (hash & (CROWD_SLOTS - 1));
}

void build_crowds(struct build *build)
{
	uint32_t count = build_test_count(build);
	uint32_t i;

	build_add(build, &build->crowd, NULL, CROWD_SLOTS);
	for (i = 0; !build->error && i < count; i++) {
		const struct rule_image_test *test = &build_tests(build)[i];
		struct build_key key;

		if (!is_pattern(build, test))
			continue;
		key = build_key_of(build, test);
		if (key.hash && !key.exact && *crowd_of(build, key.hash) < UINT8_MAX)
			++*crowd_of(build, key.hash);
	}
}

static uint32_t words_count(const struct build *build, const struct rule_image_test *test)
{
	const uint64_t *words = (const uint64_t *)build->values.bytes.data + test->a;
	uint32_t count = 0;
	unsigned i;

	for (i = 0; i < 4; i++)
		count += (uint32_t)__builtin_popcountll(words[i]);
	return count;
}

static uint32_t number_price(const struct build *build, const struct rule_image_test *test)
{
	enum rule_field_id field = (enum rule_field_id)build->ids[test->field];
	uint32_t count = test->kind == RULE_TEST_SET ? (uint32_t)test->b : 1;

	if (!rule_fields[field].repeats)
		return PRICE_NONE;
	if (test->kind == RULE_TEST_WORDS) {
		count = words_count(build, test);
		return field == RULE_FIELD_EVT_TYPE && count <= 16 ? PRICE_TYPE + count : PRICE_NONE;
	}
	if ((test->kind == RULE_TEST_RANGE && test->a != test->b) || count > NUMBERS_MAX)
		return PRICE_NONE;
	return field == RULE_FIELD_PROC_PID || field == RULE_FIELD_THREAD_TID ||
			field == RULE_FIELD_PROC_PPID ? PRICE_PROCESS : PRICE_NUMBER;
}

static struct build_key among_key(const struct build *build, const struct rule_image_test *test,
		uint64_t i)
{
	const struct rule_image_text *texts = (const void *)build->texts.bytes.data;
	struct rule_image_test one = *test;

	one.kind = RULE_TEST_EQUAL;
	one.a = texts[test->a + i].offset;
	one.b = texts[test->a + i].len;
	return build_key_of(build, &one);
}

static uint32_t test_price(const struct build *build, const struct rule_image_test *test)
{
	struct build_key key;

	switch (test->kind) {
	case RULE_TEST_RANGE:
	case RULE_TEST_SET:
	case RULE_TEST_WORDS:
		return number_price(build, test);
	case RULE_TEST_AMONG:
		key = among_key(build, test, 0);
		return key.hash ? key.price : PRICE_NONE;
	default:
		key = build_key_of(build, test);
	}
	if (key.hash && (key.exact || !is_pattern(build, test) ||
			*crowd_of(build, key.hash) <= CROWDED))
		return key.price;
	return is_pattern(build, test) ? PRICE_PATTERN : PRICE_NONE;
}

static uint32_t node_price(const struct build *build, uint32_t node)
{
	const uint32_t *words = build_group_words(build, node);
	uint32_t kind;
	uint32_t best;
	uint32_t i;

	if (!(node & RULE_NODE_GROUP))
		return test_price(build, &build_tests(build)[node]);
	kind = words[0] & 0xff;
	if (kind != RULE_GROUP_AND && kind != RULE_GROUP_OR)
		return PRICE_NONE;
	best = kind == RULE_GROUP_AND ? PRICE_NONE : 0;
	for (i = 0; i < words[1]; i++) {
		uint32_t price = node_price(build, words[2 + i]);

		best = (kind == RULE_GROUP_AND) == (price < best) ? price : best;
	}
	return best;
}

static void lead(struct build *build, struct build_bytes *leads, uint64_t from)
{
	struct build_lead entry = {.from = from, .rule = build->rule};

	build_add(build, leads, &entry, sizeof(entry));
}

static void enter_numbers(struct build *build, const struct rule_image_test *test)
{
	const uint64_t *values = (const uint64_t *)build->values.bytes.data;
	unsigned value;
	uint64_t i;

	values += test->kind == RULE_TEST_RANGE ? 0 : test->a;
	build->head.number_keys |= 1ull << test->field;
	if (test->kind == RULE_TEST_RANGE)
		lead(build, &build->leads, rule_key_number(test->field, test->a));
	for (i = 0; test->kind == RULE_TEST_SET && i < test->b; i++)
		lead(build, &build->leads, rule_key_number(test->field, values[i]));
	for (value = 0; test->kind == RULE_TEST_WORDS && value < 256; value++)
		if (values[value / 64] >> (value % 64) & 1)
			lead(build, &build->leads, rule_key_number(test->field, value));
}

static void enter_key(struct build *build, const struct build_key *key)
{
	build->head.key_kinds |= 1ull << key->kind;
	if (key->depth)
		build->head.levels[key->second] |= 1ull << (key->depth < 63 ? key->depth : 63);
	lead(build, &build->leads, key->hash);
}

static void enter_test(struct build *build, uint32_t node)
{
	const struct rule_image_test *test = &build_tests(build)[node];
	struct build_key key;
	uint64_t i;

	if (test->kind == RULE_TEST_RANGE || test->kind == RULE_TEST_SET ||
			test->kind == RULE_TEST_WORDS) {
		enter_numbers(build, test);
		return;
	}
	for (i = 0; test->kind == RULE_TEST_AMONG && i < test->b; i++) {
		key = among_key(build, test, i);
		enter_key(build, &key);
	}
	if (test->kind == RULE_TEST_AMONG)
		return;
	if (test_price(build, test) == PRICE_PATTERN) {
		lead(build, &build->pattern_leads, node);
		return;
	}
	key = build_key_of(build, test);
	enter_key(build, &key);
}

static void enter(struct build *build, uint32_t node)
{
	const uint32_t *words = build_group_words(build, node);
	uint32_t best = 0;
	uint32_t least = PRICE_NONE;
	uint32_t i;

	if (!(node & RULE_NODE_GROUP)) {
		enter_test(build, node);
		return;
	}
	for (i = 0; i < words[1]; i++) {
		uint32_t price = node_price(build, words[2 + i]);

		if ((words[0] & 0xff) == RULE_GROUP_OR)
			enter(build, words[2 + i]);
		else if (price < least)
			best = i;
		least = price < least ? price : least;
	}
	if ((words[0] & 0xff) == RULE_GROUP_AND)
		enter(build, words[2 + best]);
}

void build_keys(struct build *build, uint32_t node)
{
	if (build->error)
		return;
	if (node_price(build, node) == PRICE_NONE)
		build_add(build, &build->loose, &build->rule, sizeof(build->rule));
	else
		enter(build, node);
}

/* -- the index -- */

static int by_key(const void *a, const void *b)
{
	const struct build_lead *x = a;
	const struct build_lead *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

uint32_t build_posting(struct build *build, const struct build_lead *leads, size_t count)
{
	uint32_t first = (uint32_t)(build->postings.len / sizeof(uint32_t));
	size_t i;

	for (i = 0; i < count; i++)
		if (!i || leads[i - 1].rule != leads[i].rule)
			build_add(build, &build->postings, &leads[i].rule, sizeof(uint32_t));
	return first;
}

static void place_slot(struct build *build, const struct rule_image_slot *slot, size_t size)
{
	struct rule_image_slot *slots = (struct rule_image_slot *)build->slots.data;
	size_t i = slot->hash & (size - 1);

	while (slots[i].count)
		i = (i + 1) & (size - 1);
	slots[i] = *slot;
}

static size_t slots_wanted(const struct build_lead *leads, size_t count)
{
	size_t keys = 1;
	size_t size = 8;
	size_t i;

	for (i = 1; i < count; i++)
		keys += leads[i - 1].from != leads[i].from;
	while (size < keys * 2)
		size *= 2;
	return size;
}

void build_index(struct build *build)
{
	struct build_lead *leads = (struct build_lead *)build->leads.data;
	size_t count = build->leads.len / sizeof(*leads);
	size_t size;
	size_t i;
	size_t j;

	if (build->error)
		return;
	build->head.loose_first = build->postings.len / sizeof(uint32_t);
	build->head.loose_count = (uint32_t)(build->loose.len / sizeof(uint32_t));
	build_add(build, &build->postings, build->loose.data, build->loose.len);
	if (count)
		qsort(leads, count, sizeof(*leads), by_key);
	size = slots_wanted(leads, count);
	build_add(build, &build->slots, NULL, size * sizeof(struct rule_image_slot));
	for (i = 0; !build->error && i < count; i = j) {
		struct rule_image_slot slot = {.hash = leads[i].from};

		for (j = i; j < count && leads[j].from == leads[i].from; j++)
			;
		slot.first = build_posting(build, leads + i, j - i);
		slot.count = (uint32_t)(build->postings.len / sizeof(uint32_t)) - slot.first;
		if (!build->error)
			place_slot(build, &slot, size);
	}
}
