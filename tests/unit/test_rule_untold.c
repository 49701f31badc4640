/* SPDX-License-Identifier: BSD-3-Clause */
/* What a suppression holds back, taken to be told without an event of the key. */
#include "rule/limit.h"
#include "support/rule_limits.h"
#include "support/unit.h"

#define NOW 1790000000000000000ull
#define SECOND 1000000000ull
#define RULE(keys) "- rule: r\n  condition: evt.type = open\n" keys

struct asker {
	struct compiled rules;
	struct rule_limits *limits;
	struct vex_attr_suppressed told;
	struct rule_limit_untold untold;
};

static void asker_init(struct asker *asker, const char *text, uint32_t entries)
{
	compiled_from(&asker->rules, text);
	CU_ASSERT_FATAL(!rule_limits_new(entries, 7, &asker->limits));
}

static void asker_clear(struct asker *asker)
{
	rule_limits_free(asker->limits);
	compiled_free(&asker->rules);
}

static enum rule_limit_verdict ask(struct asker *asker, uint32_t uid, uint64_t now)
{
	struct vex_record record = {.size = sizeof(record), .type = VEX_OPEN, .uid = uid,
			.start_ns = now};

	return rule_limit_ask(asker->limits, 1, compiled_limit(&asker->rules, 0),
			&asker->rules.reader, &record, now, &asker->told, &asker->untold);
}

static struct vex_attr_suppressed take(struct asker *asker, const struct rule_limit_untold *untold)
{
	return rule_limit_take(asker->limits, untold, 0);
}

/* Whoever is the first to be held back since the last telling is told where it stands. */
static void test_take(void)
{
	struct rule_limit_untold untold;
	struct asker asker;

	asker_init(&asker, RULE("  suppress: {for: 10s, by: user.uid}\n"), 64);
	for (uint64_t i = 0; i < 4; i++) {
		ask(&asker, 1, NOW + i);
		CU_ASSERT_EQUAL(asker.untold.key != 0, i == 1);
		if (i == 1)
			untold = asker.untold;
	}
	CU_ASSERT_EQUAL(untold.until_ns, NOW + 10 * SECOND + 1);
	CU_ASSERT_EQUAL(take(&asker, &untold).count, 3);
	CU_ASSERT_EQUAL(take(&asker, &untold).count, 0);
	ask(&asker, 1, NOW + 5 * SECOND); /* goes on, and is another first one */
	CU_ASSERT_EQUAL(asker.untold.key, untold.key);
	ask(&asker, 1, NOW + 6 * SECOND);
	asker.told = take(&asker, &untold);
	CU_ASSERT_EQUAL(asker.told.count, 2);
	CU_ASSERT_EQUAL(asker.told.first_ns, NOW + 5 * SECOND);
	CU_ASSERT_EQUAL(asker.told.last_ns, NOW + 6 * SECOND);
	asker_clear(&asker);
}

/* Where an event has told, or the key has lost its place, nothing is left to be taken. */
static void test_take_late(void)
{
	struct rule_limit_untold untold;
	struct asker asker;

	asker_init(&asker, RULE("  suppress: {for: 10s, by: user.uid}\n"), 8);
	ask(&asker, 1, NOW);
	ask(&asker, 1, NOW + 1);
	untold = asker.untold;
	CU_ASSERT_EQUAL(ask(&asker, 1, NOW + 10 * SECOND), RULE_LIMIT_PASS);
	CU_ASSERT_EQUAL(asker.told.count, 1);
	ask(&asker, 1, NOW + 11 * SECOND);
	CU_ASSERT_EQUAL(take(&asker, &untold).count, 0);
	untold = asker.untold;
	for (unsigned i = 2; i < 100; i++)
		for (unsigned j = 0; j < 2; j++)
			ask(&asker, i, NOW + 30 * SECOND);
	CU_ASSERT_EQUAL(rule_limits_counts(asker.limits).untold, 1);
	CU_ASSERT_EQUAL(take(&asker, &untold).count, 0);
	asker_clear(&asker);
}

/* What the rate holds back opens no suppression: the one before it may still be told of. */
static void test_take_behind_rate(void)
{
	struct rule_limit_untold untold;
	struct asker asker;

	asker_init(&asker, RULE("  suppress: {for: 10s, by: user.uid}\n  rate: 1/20s\n"), 64);
	ask(&asker, 1, NOW);
	ask(&asker, 1, NOW + SECOND);
	untold = asker.untold;
	CU_ASSERT_EQUAL(ask(&asker, 1, NOW + 15 * SECOND), RULE_LIMIT_RATE);
	CU_ASSERT_EQUAL(take(&asker, &untold).count, 1);
	asker_clear(&asker);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what is told without an event", test_take},
		{"what was told before", test_take_late},
		{"what is told behind a rate", test_take_behind_rate},
		CU_TEST_INFO_NULL,
	};

	return unit_run("rule_untold", tests);
}
