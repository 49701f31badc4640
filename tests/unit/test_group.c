/* SPDX-License-Identifier: BSD-3-Clause */
/* Which member of a group is chosen, and which is left alone for a while. */
#include "dataplane/breaker.h"
#include "dataplane/choose.h"

#include "support/unit.h"

#define MEMBERS 8u
#define KEYS 20000u

static const struct choose_member members[MEMBERS] = {{0x1111, 1}, {0x2222, 2}, {0x3333, 5},
		{0x4444, 1}, {0x5555, 1}, {0x6666, 1}, {0x7777, 1}, {0x8888, 1}};

static struct choose_from from(enum choose_balance balance, uint64_t usable)
{
	return (struct choose_from){
			.balance = balance, .count = MEMBERS, .members = members, .usable = usable};
}

static void test_nobody_is_usable(void)
{
	for (unsigned i = 0; i < CHOOSE_BALANCE_COUNT; i++) {
		struct choose_from none = from((enum choose_balance)i, 0);
		struct choose_state state = {0};

		CU_ASSERT_EQUAL(choose(&none, &state), CHOOSE_NONE);
	}
}

static void test_round_robin(void)
{
	struct choose_from all = from(CHOOSE_ROUND_ROBIN, 0xff);
	struct choose_state state = {0};

	for (uint32_t i = 0; i < 3 * MEMBERS; i++)
		CU_ASSERT_EQUAL(choose(&all, &state), i % MEMBERS);
	all.usable = 0x82; /* 1 and 7 */
	CU_ASSERT_EQUAL(choose(&all, &state), 1);
	CU_ASSERT_EQUAL(choose(&all, &state), 7);
	CU_ASSERT_EQUAL(choose(&all, &state), 1);
	all.usable = 0xff;
	CU_ASSERT_EQUAL(choose(&all, &state), 2);
}

static void test_weighted(void)
{
	static const uint32_t smooth[] = {2, 1, 2, 0, 2, 2, 1, 2};
	struct choose_from three = from(CHOOSE_WEIGHTED, 7);
	struct choose_state state = {0};
	uint32_t chosen[MEMBERS] = {0};

	for (uint32_t i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(choose(&three, &state), smooth[i]);
	for (uint32_t i = 0; i < 800; i++)
		chosen[choose(&three, &state)]++;
	CU_ASSERT_EQUAL(chosen[0], 100);
	CU_ASSERT_EQUAL(chosen[1], 200);
	CU_ASSERT_EQUAL(chosen[2], 500);
}

/* Who was away must not be flooded to make up for it when he comes back. */
static void test_weighted_after_an_absence(void)
{
	struct choose_from two = from(CHOOSE_WEIGHTED, 3);
	struct choose_state state = {0};
	uint32_t first = 0;

	two.usable = 1;
	for (uint32_t i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(choose(&two, &state), 0);
	two.usable = 3;
	for (uint32_t i = 0; i < 30; i++)
		first += choose(&two, &state) == 0;
	CU_ASSERT_EQUAL(first, 10);
}

static void test_least_loaded(void)
{
	uint64_t load[MEMBERS] = {5, 3, 9, 3, 8, 8, 8, 8};
	struct choose_from all = from(CHOOSE_LEAST_LOADED, 0xff);
	struct choose_state state = {0};

	all.load = load;
	CU_ASSERT_EQUAL(choose(&all, &state), 1);
	CU_ASSERT_EQUAL(choose(&all, &state), 3);
	CU_ASSERT_EQUAL(choose(&all, &state), 1);
	all.usable = 0xf5; /* without 1 and 3 */
	CU_ASSERT_EQUAL(choose(&all, &state), 0);
}

static uint32_t by_key(uint64_t usable, uint64_t key)
{
	struct choose_from hash = from(CHOOSE_HASH, usable);

	hash.key = key;
	return choose(&hash, NULL);
}

static void test_hash_spreads_evenly(void)
{
	uint32_t chosen[MEMBERS] = {0};

	for (uint64_t key = 0; key < KEYS; key++)
		chosen[by_key(0xff, key)]++;
	for (uint32_t i = 0; i < MEMBERS; i++) {
		CU_ASSERT_TRUE(chosen[i] > KEYS / MEMBERS * 9 / 10);
		CU_ASSERT_TRUE(chosen[i] < KEYS / MEMBERS * 11 / 10);
	}
}

static void test_hash_moves_little(void)
{
	for (uint64_t key = 0; key < KEYS; key++) {
		uint32_t with = by_key(0xff, key), without = by_key(0xff & ~(1u << 3), key);

		if (with == 3)
			CU_ASSERT_NOT_EQUAL(without, 3)
		else
			CU_ASSERT_EQUAL(with, without);
	}
}

static void test_breaker(void)
{
	struct breaker breaker = {0};

	CU_ASSERT_TRUE(breaker_admits(&breaker, 0, 100));
	breaker_check(&breaker, 10, 100, 0);
	CU_ASSERT_EQUAL(breaker.state, BREAKER_CLOSED);
	breaker_fail(&breaker, 1000);
	CU_ASSERT_FALSE(breaker_admits(&breaker, 1099, 100));
	CU_ASSERT_TRUE(breaker_admits(&breaker, 1100, 100));
	breaker_probe(&breaker, 1100, 640);
	CU_ASSERT_FALSE(breaker_admits(&breaker, 5000, 100)); /* one event, no more */
	breaker_check(&breaker, 1150, 100, 576);
	CU_ASSERT_EQUAL(breaker.state, BREAKER_HALF_OPEN);
	breaker_check(&breaker, 1200, 100, 576);
	CU_ASSERT_EQUAL(breaker.state, BREAKER_OPEN);
	CU_ASSERT_FALSE(breaker_admits(&breaker, 1299, 100));
	CU_ASSERT_TRUE(breaker_admits(&breaker, 1300, 100));
	breaker_probe(&breaker, 1300, 704);
	breaker_check(&breaker, 1310, 100, 704);
	CU_ASSERT_EQUAL(breaker.state, BREAKER_CLOSED);
	CU_ASSERT_TRUE(breaker_admits(&breaker, 1310, 100));
}

int main(void)
{
	CU_TestInfo tests[] = {
			{"nobody is usable", test_nobody_is_usable},
			{"round robin", test_round_robin},
			{"weighted", test_weighted},
			{"weighted, after an absence", test_weighted_after_an_absence},
			{"least loaded", test_least_loaded},
			{"hash: evenly", test_hash_spreads_evenly},
			{"hash: little moves", test_hash_moves_little},
			{"breaker", test_breaker},
			CU_TEST_INFO_NULL,
	};

	return unit_run("group", tests);
}
