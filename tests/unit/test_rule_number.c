/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever registers compare the numbers of a burst, they say what one comparison at a time says. */
#include "rule/match_work.h"

#include "support/rule_draw.h"
#include "support/unit.h"

static const unsigned registers[] = {0, 256, 512};
static struct rule_random source = {.state = 4};

/* Few different ones, and those at which a comparison may go wrong. */
static uint64_t any_number(void)
{
	static const uint64_t edges[] = {0, 1, INT32_MAX, 1ull << 31, UINT32_MAX, 1ull << 32,
			INT64_MAX, 1ull << 63, UINT64_MAX};

	return chance(&source, 30) ? edges[draw(&source, 9)] : draw(&source, 4)
			? draw(&source, 16) : draw_bits(&source);
}

static void draw_column(struct match_column *column)
{
	bool narrow = chance(&source, 50);
	unsigned i;

	column->any = 0;
	for (i = 0; i < RULE_BURST_MAX; i++) {
		column->numbers[i] = narrow ? (uint32_t)any_number() : any_number();
		column->low[i] = (uint32_t)column->numbers[i];
		column->any |= column->numbers[i];
	}
}

static void test_ranges(void)
{
	static struct match_column column;
	static struct rule_worker worker;
	unsigned round;
	unsigned i;

	for (round = 0; round < 30000; round++) {
		uint64_t a = any_number();
		uint64_t b = chance(&source, 30) ? a : any_number();
		uint64_t low = a < b ? a : b;
		uint64_t high = a < b ? b : a;
		uint64_t want = 0;

		draw_column(&column);
		for (i = 0; i < RULE_BURST_MAX; i++)
			want |= (uint64_t)(column.numbers[i] >= low && column.numbers[i] <= high) << i;
		for (i = 0; i < 3; i++) {
			worker.numbers = match_numbers(registers[i]);
			CU_ASSERT_EQUAL(match_range(&worker, &column, low, high), want);
		}
	}
}

static void test_bits(void)
{
	static struct match_column column;
	unsigned round;
	unsigned i;

	for (round = 0; round < 30000; round++) {
		uint64_t mask = any_number();
		uint64_t bits = any_number() & mask;
		uint64_t want = 0;

		draw_column(&column);
		for (i = 0; i < RULE_BURST_MAX; i++)
			want |= (uint64_t)((column.numbers[i] & mask) == bits) << i;
		for (i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(match_numbers(registers[i])->bits(column.numbers, mask, bits),
					want);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"ranges", test_ranges},
		{"bits", test_bits},
		CU_TEST_INFO_NULL,
	};

	return unit_run("rule_number", tests);
}
