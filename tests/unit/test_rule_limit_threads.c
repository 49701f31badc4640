/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits that many threads ask at once: of each suppression one event passes and no other, what
 * was held back is told once or counted as untold, buckets give what they hold, samples are exact.
 * Built a second time with ThreadSanitizer.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "rule/limit.h"
#include "support/rule_limits.h"
#include "support/unit.h"

#define THREADS 4u
#define KEYS 2000u
#define ROUNDS 40u
#define NOW 1790000000000000000ull
#define SECOND 1000000000ull
#define RULE(keys) "- rule: r\n  condition: evt.type = open\n" keys

struct tally {
	uint64_t verdicts[4];
	uint64_t told;
	uint64_t taken; /* of those told, without an event */
	uint64_t odd; /* tellings that can't be */
	struct rule_limit_untold untold; /* noted lately, to be taken now and then */
};

static struct compiled rules;
static struct rule_limits *limits;
static pthread_barrier_t barrier;
static uint32_t passes[KEYS]; /* of each key in a round, by all threads */
static uint64_t step;         /* of time from one round to the next */

struct worker {
	pthread_t thread;
	unsigned number;
	struct tally tally;
};

static void ask(struct tally *tally, uint32_t uid, uint64_t now)
{
	struct vex_record record = {.size = sizeof(record), .type = VEX_OPEN, .uid = uid,
			.start_ns = now};
	struct vex_attr_suppressed told;
	struct rule_limit_untold untold;
	struct vex_attr_suppressed taken;
	enum rule_limit_verdict verdict = rule_limit_ask(limits, 1, compiled_limit(&rules, 0),
			&rules.reader, &record, now, &told, &untold);

	tally->verdicts[verdict]++;
	tally->told += told.count;
	tally->odd += told.count && (verdict != RULE_LIMIT_PASS || told.first_ns > told.last_ns ||
			told.first_ns < NOW || told.last_ns > now);
	if (untold.key)
		tally->untold = untold;
	if (tally->untold.key && uid % 3 == 0) {
		taken = rule_limit_take(limits, &tally->untold, now);
		tally->taken += taken.count;
		tally->told += taken.count;
		tally->odd += taken.count && (taken.first_ns > taken.last_ns || taken.last_ns > now);
	}
	if (verdict == RULE_LIMIT_PASS)
		__atomic_fetch_add(&passes[uid % KEYS], 1, __ATOMIC_RELAXED);
}

/* All threads ask for the same keys in the same order, another each round: they meet at each. */
static void *work(void *data)
{
	struct worker *worker = data;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		for (uint64_t i = 0; i < KEYS; i++)
			ask(&worker->tally, (uint32_t)((i + round * 977) % KEYS), NOW + round * step);
	}
	return NULL;
}

static struct tally run(const char *text, uint32_t entries, uint64_t round_step)
{
	struct worker workers[THREADS] = {0};
	struct tally sum = {0};

	compiled_from(&rules, text);
	CU_ASSERT_FATAL(!rule_limits_new(entries, 3, &limits));
	pthread_barrier_init(&barrier, NULL, THREADS);
	step = round_step;
	for (unsigned i = 0; i < KEYS; i++)
		passes[i] = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].number = i;
		CU_ASSERT_FATAL(!pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		for (unsigned j = 0; j < 4; j++)
			sum.verdicts[j] += workers[i].tally.verdicts[j];
		sum.told += workers[i].tally.told;
		sum.taken += workers[i].tally.taken;
		sum.odd += workers[i].tally.odd;
	}
	pthread_barrier_destroy(&barrier);
	return sum;
}

static void finish(void)
{
	rule_limits_free(limits);
	compiled_free(&rules);
}

static bool each_passed(uint32_t times)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (passes[i] != times)
			return false;
	return true;
}

/* Asks for each key once more, later: what is still held is told. */
static void drain(struct tally *sum, uint64_t now)
{
	struct tally last = {0};

	for (uint32_t uid = 0; uid < KEYS; uid++)
		ask(&last, uid, now);
	sum->told += last.told;
	CU_ASSERT_EQUAL(last.verdicts[RULE_LIMIT_PASS], KEYS);
}

static void test_suppress(void)
{
	struct tally sum = run(RULE("  suppress: {for: 10s, by: user.uid}\n"), 8 * KEYS, 10 * SECOND);

	CU_ASSERT(each_passed(ROUNDS));
	CU_ASSERT_EQUAL(sum.verdicts[RULE_LIMIT_SUPPRESSED], (THREADS - 1ull) * KEYS * ROUNDS);
	CU_ASSERT_EQUAL(sum.odd, 0);
	CU_ASSERT(sum.taken > 0);
	drain(&sum, NOW + ROUNDS * step);
	CU_ASSERT_EQUAL(sum.told, sum.verdicts[RULE_LIMIT_SUPPRESSED]);
	CU_ASSERT_EQUAL(rule_limits_counts(limits).full, 0);
	CU_ASSERT_EQUAL(rule_limits_counts(limits).contended, 0);
	finish();
}

/* Far more keys than entries, which are taken from each other all the time. */
static void test_crowded(void)
{
	struct tally sum = run(RULE("  suppress: {for: 1s, by: user.uid}\n"), 64, 3 * SECOND);
	struct rule_limits_counts counts;

	drain(&sum, NOW + 2 * ROUNDS * step);
	counts = rule_limits_counts(limits);
	CU_ASSERT(counts.full > 0);
	CU_ASSERT(counts.untold > 0);
	/* What nobody was told of either lies there still, or is told by the next of the same key. */
	for (uint64_t later = 1; later <= 200; later++)
		for (uint32_t uid = 0; uid < KEYS; uid++)
			ask(&sum, KEYS + uid, NOW + (2 * ROUNDS + later) * step);
	counts = rule_limits_counts(limits);
	CU_ASSERT_EQUAL(sum.told + counts.untold, sum.verdicts[RULE_LIMIT_SUPPRESSED]);
	finish();
}

static void test_rate(void)
{
	struct tally sum = run(RULE("  rate: {limit: 2/s, burst: 2, by: user.uid}\n"), 8 * KEYS,
			SECOND);

	CU_ASSERT(each_passed(2 * ROUNDS));
	CU_ASSERT_EQUAL(sum.verdicts[RULE_LIMIT_RATE], (THREADS - 2ull) * KEYS * ROUNDS);
	CU_ASSERT_EQUAL(rule_limits_counts(limits).contended, 0);
	finish();
}

static void test_sample(void)
{
	struct tally sum = run(RULE("  sample: 3/10\n"), 64, SECOND);

	CU_ASSERT_EQUAL(sum.verdicts[RULE_LIMIT_PASS], THREADS * KEYS * ROUNDS * 3ull / 10);
	CU_ASSERT_EQUAL(sum.verdicts[RULE_LIMIT_SAMPLED], THREADS * KEYS * ROUNDS * 7ull / 10);
	finish();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"of each suppression one event passes", test_suppress},
		{"no count is lost where entries are taken over", test_crowded},
		{"a bucket gives what it holds", test_rate},
		{"a sample is exact", test_sample},
		CU_TEST_INFO_NULL,
	};

	return unit_run("rule_limit_threads", tests);
}
