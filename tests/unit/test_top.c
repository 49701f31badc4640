/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/top_table.h"

#include <stdio.h>

#include "support/unit.h"

static struct top_table table;

static void add(uint32_t number, const char *text, unsigned times)
{
	const struct vex_event event = {.result = number % 2 ? -1 : 0, .duration_ns = 10};

	while (times--)
		top_table_add(&table, number,
				(struct vex_bytes){.data = text, .len = strlen(text)}, &event);
}

static uint64_t all_events(void)
{
	uint64_t total = table.other.events;
	unsigned i;

	for (i = 0; i < table.used; i++)
		total += table.entries[i].count.events;
	return total;
}

static void expect(unsigned place, uint32_t number, const char *text, uint64_t events)
{
	struct vex_bytes key = top_entry_text(&table.entries[place]);

	CU_ASSERT_TRUE_FATAL(place < table.used);
	CU_ASSERT_EQUAL(table.entries[place].number, number);
	CU_ASSERT_EQUAL(key.len, strlen(text));
	CU_ASSERT_FALSE(memcmp(key.data, text, key.len));
	CU_ASSERT_EQUAL(table.entries[place].count.events, events);
}

static void test_counts(void)
{
	memset(&table, 0, sizeof(table));
	add(1, "a", 3);
	add(2, "a", 5);
	add(1, "b", 4);
	add(1, "a", 3);
	add(1, "", 1);
	top_table_sort(&table);
	CU_ASSERT_EQUAL(table.used, 4);
	expect(0, 1, "a", 6);
	expect(1, 2, "a", 5);
	expect(2, 1, "b", 4);
	expect(3, 1, "", 1);
	CU_ASSERT_EQUAL(table.entries[0].count.errors, 6);
	CU_ASSERT_EQUAL(table.entries[1].count.errors, 0);
	CU_ASSERT_EQUAL(table.entries[1].count.duration_ns, 50);
}

static void test_next(void)
{
	memset(&table, 0, sizeof(table));
	add(1, "a", 3);
	add(2, "b", 5);
	top_table_sort(&table);
	top_table_next(&table);
	CU_ASSERT_EQUAL(all_events(), 0);
	CU_ASSERT_EQUAL(table.used, 2);
	add(1, "a", 2);
	top_table_sort(&table);
	expect(0, 1, "a", 2);
	top_table_next(&table);
	CU_ASSERT_EQUAL(table.used, 1); /* b was idle for an interval */
}

/* More keys than there is room for: none is lost, and a busy newcomer is seen next time. */
static void test_bounded(void)
{
	char text[16];
	unsigned i;

	memset(&table, 0, sizeof(table));
	for (i = 0; i < TOP_KEYS_MAX * 3; i++) {
		snprintf(text, sizeof(text), "key %u", i);
		add(0, text, 1 + i % 2);
	}
	add(7, "late", 1000);
	CU_ASSERT_EQUAL(table.used, TOP_KEYS_MAX);
	CU_ASSERT_EQUAL(all_events(), TOP_KEYS_MAX * 3 + TOP_KEYS_MAX * 3 / 2 + 1000);
	top_table_sort(&table);
	top_table_next(&table);
	CU_ASSERT_EQUAL(table.used, TOP_KEYS_MAX / 2);
	add(7, "late", 1000);
	top_table_sort(&table);
	expect(0, 7, "late", 1000);
	CU_ASSERT_EQUAL(all_events(), 1000);
}

static void test_long_keys(void)
{
	static char a[2 * TOP_KEY_SHOWN];
	static char b[2 * TOP_KEY_SHOWN];

	memset(&table, 0, sizeof(table));
	memset(a, 'x', sizeof(a) - 1);
	memset(b, 'x', sizeof(b) - 1);
	b[0] = 'y'; /* the same end, another key */
	add(0, a, 2);
	add(0, b, 1);
	top_table_sort(&table);
	CU_ASSERT_EQUAL(table.used, 2);
	expect(0, 0, a + sizeof(a) - 1 - TOP_KEY_SHOWN, 2);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"counts", test_counts},
		{"the next interval", test_next},
		{"more keys than room", test_bounded},
		{"long keys", test_long_keys},
		CU_TEST_INFO_NULL,
	};

	return unit_run("top", tests);
}
