/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits: what they say of random events is what a plain model says; and what no model shows.
 *
 *   test-rule_limit [SEQUENCES [SEED]]    default: 60 sequences of 4,000 events from seed 1
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule/limit.h"
#include "support/rule_limit_model.h"
#include "support/rule_limits.h"
#include "support/unit.h"

#define EVENTS 4000u
#define RULES 4u
#define NOW 1790000000000000000ull
#define SECOND 1000000000ull
#define RULE(keys) "- rule: r\n  condition: evt.type = open\n" keys

static uint64_t sequences = 60;
static uint64_t first_seed = 1;
static uint64_t state;
static uint64_t verdicts[4], tellings;

static uint64_t draw(uint64_t below)
{
	return next_random(&state) % below;
}

static struct rule_limits *table(uint32_t entries)
{
	struct rule_limits *limits = NULL;

	CU_ASSERT_FATAL(!rule_limits_new(entries, 7, &limits));
	return limits;
}

/* -- against the model -- */

/* Intervals of a token that are whole ticks, so that the model's fractions are the table's. */
static const char *const rates[] = {"1/s", "100/s", "5/10m", "1000000/s", "7/7ns", "64/1us"};
static const char *const keys[] = {"user.uid", "[user.uid, fd.directory]", "\"attr[a]\"", "tenant",
		"[evt.res, fs.path2]", "[proc.name, thread.tid, event.result, fd.filename]",
		"[event.duration, evt.type, time.hour, time.weekday]", "fs.ino"};

static const char *draw_by(char *text, size_t size)
{
	text[0] = 0;
	if (draw(4))
		snprintf(text, size, ", by: %s", keys[draw(sizeof(keys) / sizeof(*keys))]);
	return text;
}

static void draw_rule(FILE *to, unsigned i)
{
	char by[128];

	fprintf(to, "- rule: r%u\n  condition: evt.type = open\n", i);
	if (!draw(3)) {
		unsigned den = 1 + (unsigned)draw(9);

		fprintf(to, "  sample: %u/%u\n", 1 + (unsigned)draw(den), den);
	}
	if (draw(3))
		fprintf(to, "  suppress: {for: %u%s%s}\n", 1 + (unsigned)draw(900),
				((const char *[]){"ns", "us", "ms", "s"})[draw(4)],
				draw_by(by, sizeof(by)));
	fprintf(to, "  rate: {limit: %s, burst: %u%s}\n",
			rates[draw(sizeof(rates) / sizeof(*rates))], 1 + (unsigned)draw(9),
			draw_by(by, sizeof(by)));
}

static struct vex_bytes draw_text(const char *const *from, unsigned count)
{
	const char *text = from[draw(count)];

	return (struct vex_bytes){text, strlen(text)};
}

static void draw_event(struct vex_event *event, struct vex_pair *pair)
{
	static const char *const texts[] = {"", "/", "a", "/a", "/a/b", "/a/c", "/b/b"};

	*pair = (struct vex_pair){{draw(2) ? "a" : "b", 1}, draw_text(texts, 3)};
	*event = (struct vex_event){.type = draw(2) ? VEX_OPEN : VEX_READ,
		.has = (uint32_t)draw(1u << 8), .uid = (uint32_t)draw(3),
		.tenant = (uint32_t)draw(2), .tid = (uint32_t)draw(2), .pid = 1,
		.start_ns = draw(3 * 86400) * SECOND, .result = (int32_t)draw(3) - 2,
		.duration_ns = draw(2) ? draw(2) : UINT32_MAX + draw(2), .ino = draw(3),
		.path = draw_text(texts, 7), .path2 = draw_text(texts, 4),
		.comm = draw_text(texts, 3), .pairs = pair, .pair_count = (uint32_t)draw(2)};
}

/* A while from one event to the next, at times none. */
static uint64_t draw_step(void)
{
	static const uint64_t units[] = {0, 1, 1000, 1000000, SECOND, 60 * SECOND};

	return units[draw(6)] * draw(20);
}

static void run_sequence(struct rule_limits *limits, struct limit_model *model,
		const struct compiled *rules, uint64_t seed)
{
	uint64_t now = NOW;
	unsigned differences = 0;

	for (unsigned i = 0; i < EVENTS && !differences; i++) {
		struct vex_attr_suppressed told, meant;
		struct rule_limit_untold untold;
		enum rule_limit_verdict verdict;
		unsigned rule = (unsigned)draw(RULES);
		struct vex_record *record;
		struct vex_event event;
		struct vex_pair pair;

		draw_event(&event, &pair);
		record = record_of(&event);
		now += draw_step();
		verdict = rule_limit_ask(limits, rule, compiled_limit(rules, rule), &rules->reader,
				record, now, &told, &untold);
		differences += verdict != limit_model_ask(model, rule, &rules->set->rules[rule],
				&event, now, &meant);
		differences += memcmp(&told, &meant, sizeof(told)) != 0;
		free(record);
		verdicts[verdict]++;
		tellings += told.count > 0;
		if (differences)
			printf("seed %" PRIu64 ", event %u\n", seed, i);
	}
	CU_ASSERT_EQUAL(differences, 0);
}

static void test_model(void)
{
	for (uint64_t seed = first_seed; seed < first_seed + sequences; seed++) {
		struct rule_limits *limits = table(1 << 14);
		struct limit_model *model = limit_model_new();
		struct compiled rules;
		char text[4096] = "";
		FILE *to = fmemopen(text, sizeof(text) - 1, "w");

		state = seed;
		for (unsigned i = 0; i < RULES; i++)
			draw_rule(to, i);
		fclose(to);
		compiled_from(&rules, text);
		run_sequence(limits, model, &rules, seed);
		CU_ASSERT_EQUAL(rule_limits_counts(limits).full, 0);
		compiled_free(&rules);
		limit_model_free(model);
		rule_limits_free(limits);
	}
	for (unsigned i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++)
		CU_ASSERT(verdicts[i] > 10 * sequences);
	CU_ASSERT(tellings > 10 * sequences);
}

/* -- one rule, asked by hand -- */

struct asker {
	struct compiled rules;
	struct rule_limits *limits;
	struct vex_attr_suppressed told;
	struct rule_limit_untold untold;
};

static void asker_init(struct asker *asker, const char *text, uint32_t entries)
{
	compiled_from(&asker->rules, text);
	asker->limits = table(entries);
}

static void asker_clear(struct asker *asker)
{
	rule_limits_free(asker->limits);
	compiled_free(&asker->rules);
}

static enum rule_limit_verdict ask(struct asker *asker, uint64_t state_of, uint32_t uid, uint64_t now)
{
	struct vex_record record = {.size = sizeof(record), .type = VEX_OPEN, .uid = uid,
			.start_ns = now};

	return rule_limit_ask(asker->limits, state_of, compiled_limit(&asker->rules, 0),
			&asker->rules.reader, &record, now, &asker->told, &asker->untold);
}

static void test_sample_exact(void)
{
	struct asker asker;
	unsigned passed = 0;

	asker_init(&asker, RULE("  sample: 3/7\n"), 64);
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < 7; i++)
			passed += ask(&asker, 1, i, NOW + round) == RULE_LIMIT_PASS;
		CU_ASSERT_EQUAL(passed, 3 * (round + 1));
	}
	asker_clear(&asker);
}

/* The same keys are in the share for good: in any table, at any time, by any rule. */
static void test_sample_key(void)
{
	struct asker one, two;
	unsigned passed = 0;

	asker_init(&one, RULE("  sample: {share: 10%, by: user.uid}\n"), 64);
	asker_init(&two, RULE("  sample: {share: 10%, by: user.uid}\n  qos: high\n"), 64);
	for (unsigned uid = 0; uid < 20000; uid++) {
		enum rule_limit_verdict first = ask(&one, 1, uid, NOW);

		passed += first == RULE_LIMIT_PASS;
		CU_ASSERT_EQUAL(ask(&two, 2, uid, NOW + uid * SECOND), first);
	}
	CU_ASSERT(passed > 1800 && passed < 2200);
	asker_clear(&one);
	asker_clear(&two);
}

/* What keeps its state number keeps its state; another number begins anew. */
static void test_reload(void)
{
	struct asker asker;

	asker_init(&asker, RULE("  suppress: {for: 1m, by: user.uid}\n"), 64);
	CU_ASSERT_EQUAL(ask(&asker, 5, 1, NOW), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(ask(&asker, 5, 1, NOW + 1), RULE_LIMIT_SUPPRESSED);
	compiled_free(&asker.rules);
	compiled_from(&asker.rules, "- rule: other\n  condition: evt.type = read\n"
			"  rate: {limit: 1/s, by: [fd.name, proc.pid]}\n"
			RULE("  suppress: {for: 1m, by: user.uid}\n"));
	CU_ASSERT_EQUAL(rule_limit_ask(asker.limits, 5, compiled_limit(&asker.rules, 1),
			&asker.rules.reader, &(struct vex_record){.size = 56, .uid = 1,
				.start_ns = NOW + 2}, NOW + 2, &asker.told, &asker.untold),
			RULE_LIMIT_SUPPRESSED);
	CU_ASSERT_EQUAL(rule_limit_ask(asker.limits, 5, compiled_limit(&asker.rules, 1),
			&asker.rules.reader, &(struct vex_record){.size = 56, .uid = 1},
			NOW + 60 * SECOND, &asker.told, &asker.untold), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(asker.told.count, 2);
	CU_ASSERT_EQUAL(asker.told.first_ns, NOW + 1);
	CU_ASSERT_EQUAL(asker.told.last_ns, NOW + 2);
	CU_ASSERT_EQUAL(rule_limit_ask(asker.limits, 6, compiled_limit(&asker.rules, 1),
			&asker.rules.reader, &(struct vex_record){.size = 56, .uid = 1},
			NOW + 60 * SECOND, &asker.told, &asker.untold), RULE_LIMIT_PASS);
	asker_clear(&asker);
}

/* An event that the rate holds back opens no suppression, and takes nobody's telling. */
static void test_rate_behind_suppress(void)
{
	struct asker asker;

	asker_init(&asker, RULE("  suppress: {for: 10s, by: user.uid}\n  rate: 1/20s\n"), 64);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW + SECOND), RULE_LIMIT_SUPPRESSED);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW + 15 * SECOND), RULE_LIMIT_RATE);
	CU_ASSERT_EQUAL(asker.told.count, 0);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW + 20 * SECOND), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(asker.told.count, 1);
	CU_ASSERT_EQUAL(asker.told.first_ns, NOW + SECOND);
	asker_clear(&asker);
}

/* The clock is set back an hour: nobody is suppressed or limited an hour longer than by the rule. */
static void test_clock_back(void)
{
	struct asker asker;
	uint64_t back = NOW - 3600 * SECOND;

	asker_init(&asker, RULE("  suppress: 10s\n"), 64);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, back), RULE_LIMIT_SUPPRESSED);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, back + 9 * SECOND), RULE_LIMIT_SUPPRESSED);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, back + 10 * SECOND), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(asker.told.count, 2);
	asker_clear(&asker);
	asker_init(&asker, RULE("  rate: {limit: 1/s, burst: 2}\n"), 64);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, back), RULE_LIMIT_RATE);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, back + SECOND), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, back + SECOND), RULE_LIMIT_RATE);
	asker_clear(&asker);
}

/* Two workers' clocks that differ a little, in turn: no more passes than the rate has. */
static void test_clocks_differ(void)
{
	struct asker asker;
	unsigned passed = 0;

	asker_init(&asker, RULE("  rate: {limit: 1000/s, burst: 1}\n"), 64);
	for (uint64_t i = 0; i < 1000000; i += 100)
		passed += ask(&asker, 1, 1, NOW + i * 1000 + (i / 100 % 2) * 5000000) ==
				RULE_LIMIT_PASS;
	CU_ASSERT(passed >= 999 && passed <= 1007);
	asker_clear(&asker);
}

/* Around the end of 64 bits of ticks, and of nanoseconds. */
static void test_wrap(void)
{
	static const uint64_t ends[] = {1ull << 58, 3ull << 58, 1ull << 57, UINT64_MAX};
	struct asker asker;

	for (unsigned i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		uint64_t start = ends[i] - 2 * SECOND;

		asker_init(&asker, RULE("  suppress: 3s\n  rate: 1/2s\n"), 64);
		CU_ASSERT_EQUAL(ask(&asker, 1, 1, start), RULE_LIMIT_PASS);
		CU_ASSERT_EQUAL(ask(&asker, 1, 1, start + SECOND), RULE_LIMIT_SUPPRESSED);
		CU_ASSERT_EQUAL(ask(&asker, 1, 1, start + 3 * SECOND), RULE_LIMIT_PASS);
		CU_ASSERT_EQUAL(asker.told.count, 1);
		CU_ASSERT_EQUAL(ask(&asker, 1, 1, start + 4 * SECOND), RULE_LIMIT_SUPPRESSED);
		asker_clear(&asker);
	}
}

/* The largest numbers that a rule can hold. */
static void test_huge(void)
{
	struct asker asker;

	asker_init(&asker, RULE("  rate: {limit: 4294967295/1ns, burst: 4294967295}\n"), 64);
	for (unsigned i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW), RULE_LIMIT_PASS);
	asker_clear(&asker);
	asker_init(&asker, RULE("  rate: {limit: 1/365d, burst: 4294967295}\n"), 64);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW), RULE_LIMIT_RATE);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW + 365 * 86400 * SECOND), RULE_LIMIT_PASS);
	asker_clear(&asker);
	asker_init(&asker, RULE("  suppress: 365d\n  sample: 4294967295/4294967295\n"), 64);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW + 365 * 86400 * SECOND - 1), RULE_LIMIT_SUPPRESSED);
	CU_ASSERT_EQUAL(ask(&asker, 1, 1, NOW + 365 * 86400 * SECOND), RULE_LIMIT_PASS);
	asker_clear(&asker);
}

/* A rate that is no whole number of ticks keeps to it within one in a thousand. */
static void test_fraction(void)
{
	struct asker asker;
	unsigned passed = 0;

	asker_init(&asker, RULE("  rate: {limit: 3000000/s, burst: 1}\n"), 64);
	for (uint64_t i = 0; i < 1000000; i++)
		passed += ask(&asker, 1, 1, NOW + i * 100) == RULE_LIMIT_PASS;
	CU_ASSERT(passed >= 249000 && passed <= 301000);
	asker_clear(&asker);
	asker_init(&asker, RULE("  rate: {limit: 3000000/s, burst: 100}\n"), 64);
	for (passed = 0, state = 0; state < 1000000; state++)
		passed += ask(&asker, 1, 1, NOW + state * 100) == RULE_LIMIT_PASS;
	CU_ASSERT(passed >= 299700 && passed <= 300400);
	asker_clear(&asker);
}

/* Entries that are over are used again; where none is, events pass and are counted. */
static void test_full(void)
{
	struct asker asker;

	asker_init(&asker, RULE("  rate: {limit: 1/s, by: user.uid}\n"), 16);
	for (unsigned i = 0; i < 10000; i++)
		CU_ASSERT_EQUAL(ask(&asker, 1, i, NOW + i * SECOND), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(rule_limits_counts(asker.limits).full, 0);
	for (unsigned i = 0; i < 1000; i++)
		for (unsigned j = 0; j < 2; j++)
			ask(&asker, 2, i, NOW + 20000 * SECOND);
	/* 16 keys are limited; the others pass both times */
	CU_ASSERT_EQUAL(rule_limits_counts(asker.limits).full, 2 * (1000 - 16));
	CU_ASSERT_EQUAL(ask(&asker, 2, 1, NOW + 20001 * SECOND), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(rule_limits_counts(asker.limits).full, 2 * (1000 - 16));
	asker_clear(&asker);
}

/* What nobody asked for any more is counted once its entry is needed. */
static void test_untold(void)
{
	struct asker asker;
	uint64_t held = 0;
	uint64_t told = 0;

	asker_init(&asker, RULE("  suppress: {for: 1s, by: user.uid}\n"), 16);
	for (unsigned i = 0; i < 1000; i++)
		for (unsigned j = 0; j < 5; j++) {
			held += ask(&asker, 1, i, NOW + i * 3 * SECOND + j) == RULE_LIMIT_SUPPRESSED;
			told += asker.told.count;
		}
	CU_ASSERT_EQUAL(held, 4000);
	for (unsigned i = 0; i < 1000; i++) {
		ask(&asker, 1, i, NOW + 4000 * SECOND);
		told += asker.told.count;
	}
	CU_ASSERT_EQUAL(told + rule_limits_counts(asker.limits).untold, held);
	CU_ASSERT(rule_limits_counts(asker.limits).untold > 3000);
	asker_clear(&asker);
}

static void test_arguments(void)
{
	struct rule_limits *limits;

	CU_ASSERT_EQUAL(rule_limits_new(0, 0, &limits), -22);
	CU_ASSERT_PTR_NULL(limits);
	CU_ASSERT_EQUAL(rule_limits_new(RULE_LIMITS_ENTRIES_MAX + 1, 0, &limits), -22);
	rule_limits_free(NULL);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"as a plain model says", test_model},
		{"a sample is exact", test_sample_exact},
		{"a sample of keys is the same everywhere", test_sample_key},
		{"a reload keeps what did not change", test_reload},
		{"a rate behind a suppression", test_rate_behind_suppress},
		{"the clock goes back", test_clock_back},
		{"clocks that differ", test_clocks_differ},
		{"numbers that wrap around", test_wrap},
		{"huge numbers", test_huge},
		{"fractions of a tick", test_fraction},
		{"a full table", test_full},
		{"what nobody is told", test_untold},
		{"arguments", test_arguments},
		CU_TEST_INFO_NULL,
	};

	if (argc > 1)
		sequences = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 0);
	return unit_run("rule_limit", tests);
}
