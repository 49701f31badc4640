/* SPDX-License-Identifier: BSD-3-Clause */
/* Many rules at once: each event says how many matched it, as far as that can be said. */
#include <stdio.h>
#include <stdlib.h>

#include "load_rules.h"

#define RULES 66000u

/* Of the rules the first match all types, fewer and fewer of them the others. */
static const struct {
	uint16_t type;
	const char *name;
	uint32_t rules;
} kinds[] = {
	{VEX_READ, "read", RULES}, {VEX_WRITE, "write", 65534}, {VEX_OPEN, "open", 301},
	{VEX_CLOSE, "close", 16}, {VEX_CREATE, "create", 1}, {VEX_DELETE, NULL, 0},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static char *make_text(void)
{
	char *text = malloc(RULES * 100ul);
	size_t len = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	for (uint32_t i = 0; i < RULES; i++) {
		len += (size_t)sprintf(text + len, "- rule: r%u\n  condition: evt.type in (", i);
		for (unsigned k = 0; k < KINDS && i < kinds[k].rules; k++)
			len += (size_t)sprintf(text + len, "%s%s", k ? ", " : "", kinds[k].name);
		len += (size_t)sprintf(text + len, ")\n");
	}
	return text;
}

static void check(const struct vex_record *record, unsigned kind)
{
	uint32_t want = kinds[kind].rules < UINT16_MAX ? kinds[kind].rules : UINT16_MAX;
	struct vex_event_space space;
	struct vex_event event;

	CU_ASSERT_PTR_NOT_NULL_FATAL(record);
	vex_event_decode(record, &event, &space);
	CU_ASSERT_EQUAL(event.type, kinds[kind].type);
	CU_ASSERT_EQUAL(event.route.matched, want);
	CU_ASSERT_EQUAL(event.route.rule, want ? 0 : VEX_ROUTE_NO_RULE);
}

static void all_that_match_are_counted_up_to_what_can_be_told(void)
{
	char *text = make_text();

	load_rules(text);
	free(text);
	for (unsigned i = 0; i < VEX_BURST_MAX; i++) {
		struct vex_event event = sample(kinds[i % KINDS].type, "/a");

		CU_ASSERT_FATAL(harness_publish(&producer, &event));
	}
	harness_settle(plane);
	for (unsigned i = 0; i < VEX_BURST_MAX; i++)
		check(harness_read(&consumer), i % KINDS);
	CU_ASSERT_PTR_NULL(harness_read(&consumer));
	unload_rules();
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(all_that_match_are_counted_up_to_what_can_be_told),
	};

	return fixture_run("many", tests, sizeof(tests) / sizeof(tests[0]));
}
