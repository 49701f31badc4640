/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Patterns to databases of Hyperscan. Those that lead to rules are looked for in each event
 * (eager); a regular expression that is only asked of once a key has led to its rule is in a small
 * database with those of the same key. Databases of the previous image are taken over.
 */
#include "rule/build.h"

#include <errno.h>
#include <hs/hs.h>
#include <stdlib.h>

#include "rule/index_key.h"

#define EAGER_SCANS_MAX 4u /* of one field */

struct want {
	uint64_t key;
	uint64_t fingerprint;
	struct build_bytes expression;
	uint32_t test;
	unsigned flags;
	uint8_t field;
	bool eager;
	bool done;
};

static int in_order(const void *a, const void *b)
{
	const struct want *x = a;
	const struct want *y = b;

	if (x->eager != y->eager)
		return x->eager ? -1 : 1;
	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->fingerprint < y->fingerprint ? -1 : x->fingerprint > y->fingerprint;
}

static bool same_scan(const struct want *a, const struct want *b)
{
	return a->eager == b->eager && a->field == b->field && a->key == b->key;
}

static int by_test(const void *a, const void *b)
{
	const struct build_lead *x = a;
	const struct build_lead *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

/* Eager ones are those that lead somewhere. */
static const struct build_lead *leads_of(const struct build *build, uint32_t test, size_t *count)
{
	const struct build_lead *leads = (const struct build_lead *)build->pattern_leads.data;
	size_t total = build->pattern_leads.len / sizeof(*leads);
	size_t low = 0;
	size_t high = total;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (leads[middle].from < test)
			low = middle + 1;
		else
			high = middle;
	}
	for (*count = 0; low + *count < total && leads[low + *count].from == test; ++*count)
		;
	return total ? leads + low : NULL;
}

static struct want *gather(struct build *build, size_t *total)
{
	struct build_bytes list = {0};
	uint32_t count = build_test_count(build);
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct rule_image_test *test = &build_tests(build)[i];
		struct want want = {.test = i, .field = test->field};
		size_t rules;

		leads_of(build, i, &rules);
		want.eager = rules > 0;
		if (!want.eager && test->kind != RULE_TEST_REGEX)
			continue;
		if (!want.eager)
			want.key = test->arg_len ? rule_key_mix(test->arg, test->arg_len)
						 : build_key_of(build, test).hash;
		want.flags = build_express(build, test, &want.expression);
		want.fingerprint = rule_key_mix(
				XXH3_64bits(want.expression.data, want.expression.len), want.flags);
		build_add(build, &list, &want, sizeof(want));
	}
	*total = list.len / sizeof(struct want);
	if (list.data)
		qsort(list.data, *total, sizeof(struct want), in_order);
	return (struct want *)list.data;
}

static void add_pattern(struct build *build, struct want *want)
{
	struct rule_image_test *tests = (struct rule_image_test *)build->tests.bytes.data;
	struct rule_image_pattern pattern = {.fingerprint = want->fingerprint, .test = want->test};
	const struct build_lead *leads;
	size_t count;

	leads = leads_of(build, want->test, &count);
	pattern.first = build_posting(build, leads, count);
	pattern.count = (uint32_t)(build->postings.len / sizeof(uint32_t)) - pattern.first;
	tests[want->test].scan =
			(uint32_t)(build->scans.len / sizeof(struct rule_image_scan));
	tests[want->test].pattern =
			(uint32_t)(build->patterns.len / sizeof(struct rule_image_pattern));
	build_add(build, &build->patterns, &pattern, sizeof(pattern));
	want->done = true;
}

static void add_scan(struct build *build, const struct want *like, struct rule_image_scan *scan,
		const void *database, size_t len)
{
	const struct rule_image_test *test = &build_tests(build)[like->test];

	build_add(build, &build->databases, NULL, -build->databases.len & 63);
	scan->offset = build_add(build, &build->databases, database, len);
	scan->len = len;
	scan->field = like->field;
	scan->eager = like->eager;
	scan->arg = test->arg;
	scan->arg_len = test->arg_len;
	build_add(build, &build->scans, scan, sizeof(*scan));
}

static uint64_t fingerprint(const struct want *wants, size_t count)
{
	uint64_t hash = count;
	size_t i;

	for (i = 0; i < count; i++)
		hash = rule_key_mix(hash, wants[i].done ? 0 : wants[i].fingerprint);
	return hash;
}

static int compile(struct build *build, struct want *const *wants, unsigned count, char **bytes,
		size_t *len)
{
	const char **expressions = calloc(count, sizeof(*expressions));
	unsigned *flags = calloc(count, sizeof(*flags));
	unsigned *ids = calloc(count, sizeof(*ids));
	hs_compile_error_t *error = NULL;
	hs_database_t *database = NULL;
	int result = -ENOMEM;
	unsigned i;

	for (i = 0; expressions && flags && ids && i < count; i++) {
		expressions[i] = (const char *)wants[i]->expression.data;
		flags[i] = wants[i]->flags;
		ids[i] = i;
	}
	if (expressions && flags && ids) {
		result = hs_compile_multi(expressions, flags, ids, count, HS_MODE_BLOCK, NULL,
				&database, &error) == HS_SUCCESS ? 0 : -EINVAL;
		if (error && error->expression >= 0)
			build->rule = wants[error->expression]->test;
		if (!result && hs_serialize_database(database, bytes, len) != HS_SUCCESS)
			result = -ENOMEM;
	}
	hs_free_compile_error(error);
	hs_free_database(database);
	free(expressions);
	free(flags);
	free(ids);
	return result;
}

static const struct rule_image_scan *old_scan(const struct build *build, uint64_t print)
{
	const struct rule_image_scan *scans;
	uint64_t i;

	if (!build->previous)
		return NULL;
	scans = rule_image_part(build->previous, RULE_PART_SCANS);
	for (i = 0; i < build->previous->parts[RULE_PART_SCANS].count; i++)
		if (scans[i].fingerprint == print && !scans[i].eager)
			return &scans[i];
	return NULL;
}

/* What is left of a run of patterns as one scan. */
static void compile_rest(struct build *build, struct want *wants, size_t count)
{
	struct want **rest = malloc(count * sizeof(struct want *));
	struct rule_image_scan scan = {.fingerprint = fingerprint(wants, count)};
	const struct rule_image_scan *old = wants->eager ? NULL : old_scan(build, scan.fingerprint);
	char *bytes = NULL;
	size_t len = 0;
	size_t i;

	scan.first = (uint32_t)(build->patterns.len / sizeof(struct rule_image_pattern));
	for (i = 0; rest && i < count; i++) {
		if (wants[i].done)
			continue;
		rest[scan.count++] = &wants[i];
		add_pattern(build, &wants[i]);
	}
	if (!rest)
		build->error = -ENOMEM;
	if (!build->error && scan.count && old)
		add_scan(build, wants, &scan, (const uint8_t *)rule_image_part(build->previous,
				RULE_PART_DATABASES) + old->offset, old->len);
	else if (!build->error && scan.count)
		build->error = compile(build, rest, scan.count, &bytes, &len);
	if (bytes)
		add_scan(build, wants, &scan, bytes, len);
	free(bytes);
	free(rest);
}

static struct want *find_want(struct want *wants, size_t count, uint64_t print)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (wants[middle].fingerprint < print)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < count && wants[low].fingerprint == print && wants[low].done)
		low++;
	return low < count && wants[low].fingerprint == print ? &wants[low] : NULL;
}

/* Takes an eager scan over where most of its patterns are wanted still. */
static void take_over(struct build *build, struct want *wants, size_t count,
		const struct rule_image_scan *old)
{
	const struct rule_image *from = build->previous;
	const struct rule_image_pattern *patterns = rule_image_part(from, RULE_PART_PATTERNS);
	struct rule_image_scan scan = {.fingerprint = old->fingerprint, .count = old->count};
	uint32_t wanted = 0;
	uint32_t i;

	for (i = 0; i < old->count; i++)
		wanted += find_want(wants, count, patterns[old->first + i].fingerprint) != NULL;
	if (wanted < old->count - old->count / 4)
		return;
	scan.first = (uint32_t)(build->patterns.len / sizeof(struct rule_image_pattern));
	for (i = 0; i < old->count; i++) {
		struct rule_image_pattern none = {.test = RULE_IMAGE_NONE};
		struct want *want = find_want(wants, count, patterns[old->first + i].fingerprint);

		if (want)
			add_pattern(build, want);
		else
			build_add(build, &build->patterns, &none, sizeof(none));
	}
	add_scan(build, wants, &scan,
			(const uint8_t *)rule_image_part(from, RULE_PART_DATABASES) + old->offset,
			old->len);
}

static bool same_field(const struct build *build, const struct want *want,
		const struct rule_image_scan *old)
{
	const struct rule_image_field *fields = rule_image_part(build->previous, RULE_PART_FIELDS);
	const char *text = rule_image_part(build->previous, RULE_PART_TEXT);
	const struct rule_image_text *name = &fields[old->field].name;

	return old->eager && rule_field_by_name(text + name->offset, name->len) ==
			(enum rule_field_id)build->ids[want->field];
}

/* How many scans of the field are larger. */
static unsigned rank_of(const struct build *build, const struct want *want, uint64_t index)
{
	const struct rule_image_scan *scans = rule_image_part(build->previous, RULE_PART_SCANS);
	unsigned larger = 0;
	uint64_t i;

	for (i = 0; i < build->previous->parts[RULE_PART_SCANS].count; i++)
		larger += same_field(build, want, &scans[i]) && (scans[i].count > scans[index].count ||
				(scans[i].count == scans[index].count && i < index));
	return larger;
}

/*
 * All but the smallest, where there are many: what that had is compiled together with what is new,
 * so that patterns that come one by one never have a large database compiled again.
 */
static void take_over_all(struct build *build, struct want *wants, size_t count)
{
	const struct rule_image_scan *scans = rule_image_part(build->previous, RULE_PART_SCANS);
	uint64_t i;

	for (i = 0; i < build->previous->parts[RULE_PART_SCANS].count; i++)
		if (same_field(build, wants, &scans[i]) &&
				rank_of(build, wants, i) < EAGER_SCANS_MAX - 1)
			take_over(build, wants, count, &scans[i]);
}

void build_scans(struct build *build)
{
	size_t total = 0;
	struct want *wants;
	size_t i;
	size_t j;

	if (build->pattern_leads.len)
		qsort(build->pattern_leads.data,
				build->pattern_leads.len / sizeof(struct build_lead),
				sizeof(struct build_lead), by_test);
	wants = build->error ? NULL : gather(build, &total);
	for (i = 0; !build->error && i < total; i = j) {
		for (j = i; j < total && same_scan(&wants[i], &wants[j]); j++)
			;
		if (build->previous && wants[i].eager)
			take_over_all(build, wants + i, j - i);
		if (!build->error)
			compile_rest(build, wants + i, j - i);
	}
	for (i = 0; i < total; i++)
		free(wants[i].expression.data);
	free(wants);
}
