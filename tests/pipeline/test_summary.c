/* SPDX-License-Identifier: BSD-3-Clause */
/* Suppressions whose key falls silent: one event tells, once, whom the rule leads to. */
#include <stdio.h>

#include "base/clock.h"
#include "summaries.h"

/* -- when -- */

static void a_key_that_falls_silent_is_told_of(void)
{
	unsigned left = available();

	load_rules(OTHER SOON);
	publish("/x", 5);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(last.has & VEX_HAS_SUPPRESSED, 0);
	CU_ASSERT_EQUAL(pending(), 1);
	while (pending())
		harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	expect_summary("/x", 4);
	CU_ASSERT_EQUAL(last.suppressed.first_ns, 2000);
	CU_ASSERT_EQUAL(last.suppressed.last_ns, 5000);
	CU_ASSERT_EQUAL(last.start_ns, 2000);
	CU_ASSERT_EQUAL(last.id.seq, 1);
	CU_ASSERT_EQUAL(last.route.rule, 1);
	CU_ASSERT_EQUAL(last.route.generation, plane->rules->set->generation);
	CU_ASSERT_EQUAL(sent(), 1);
	CU_ASSERT_EQUAL(port->stat->received, 6);
	CU_ASSERT_EQUAL(port->stat->delivered, 2);
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_SUPPRESSED], 4);
	CU_ASSERT_EQUAL(available(), left);
}

static void where_nothing_was_held_back_nothing_is_told(void)
{
	load_rules(SOON);
	publish("/x", 1);
	harness_settle(plane);
	CU_ASSERT_EQUAL(pending(), 0);
	CU_ASSERT_EQUAL(count(&consumer), 1);
}

/* Whoever comes first, the summary or the next event, tells it; nothing is told twice. */
static void each_is_told_once(void)
{
	told = 0;
	load_rules("- rule: once\n  condition: evt.type = open\n  suppress: 100us\n");
	for (unsigned i = 0; i < 20000; i++) {
		publish("/x", 1 + i % 3);
		harness_round(plane);
		count(&consumer);
	}
	while (pending())
		harness_round(plane);
	count(&consumer);
	CU_ASSERT_EQUAL(told, port->stat->drop[VEX_DROP_SUPPRESSED]);
	CU_ASSERT(told > 0);
}

static void what_the_next_event_told_is_not_told_again(void)
{
	unsigned left = available();
	uint64_t until;

	load_rules(SOON);
	publish("/x", 3);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL_FATAL(pending(), 1);
	until = plane->workers[0].summaries.heap[0].due_ns;
	plane->workers[0].summaries.heap[0].due_ns = UINT64_MAX;
	while (vex_clock_now() <= until)
		harness_round(plane);
	publish("/x", 1);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT(!vex_event_is_summary(&last));
	CU_ASSERT_EQUAL(last.suppressed.count, 2);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 0);
	CU_ASSERT_EQUAL(sent(), 0);
	CU_ASSERT_EQUAL(available(), left);
}

static void it_opens_no_suppression(void)
{
	load_rules(SOON);
	publish("/x", 3);
	harness_round(plane);
	while (pending())
		harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 2);
	publish("/x", 1);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(last.has & VEX_HAS_SUPPRESSED, 0);
}

static void each_key_is_told_of(void)
{
	load_rules(SOON);
	publish("/x", 3);
	publish("/y", 5);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 2);
	CU_ASSERT_EQUAL(pending(), 2);
	while (pending())
		harness_round(plane);
	told = 0;
	CU_ASSERT_EQUAL(count(&consumer), 2);
	expect_summary("/y", 4);
	CU_ASSERT_EQUAL(told, 6);
}

/* The earliest first, in whatever order they came. */
static void they_come_in_order_of_time(void)
{
	struct summary_table *table = &plane->workers[0].summaries;
	char path[16];

	load_rules(LATE);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		publish(path, 2);
		harness_round(plane);
		count(&consumer);
	}
	CU_ASSERT_EQUAL_FATAL(table->count, 100);
	for (uint64_t i = 0; i < 100; i++) /* a heap still, and those due go in the order of paths */
		table->heap[i].due_ns = i * 2;
	for (unsigned i = 0; i < 100;) {
		harness_round(plane);
		for (const struct vex_record *record; (record = harness_read(&consumer)); i++) {
			vex_event_decode(record, &last, &space);
			snprintf(path, sizeof(path), "/%u", i);
			expect_summary(path, 1);
		}
	}
	CU_ASSERT_EQUAL(pending(), 0);
}

/* -- to whom -- */

static void a_route_gets_it_alone(void)
{
	struct consumer audit, one, two;

	harness_subscribe_as(plane, "audit", 0, NULL, RING, &audit);
	harness_subscribe_as(plane, "one", 0, NULL, RING, &one);
	harness_subscribe_as(plane, "two", 0, NULL, RING, &two);
	load_rules("- rule: once\n  condition: evt.type = open\n  suppress: 1h\n  qos: high\n"
		   "  route: [subscriber:audit, group:g]\n- group: g\n  members: [one, two]\n");
	publish("/x", 4);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&audit), 1);
	CU_ASSERT_EQUAL(count(&one) + count(&two), 1);
	CU_ASSERT_EQUAL(count(&consumer), 4);
	expire();
	CU_ASSERT_EQUAL(count(&audit), 1);
	expect_summary("/x", 3);
	CU_ASSERT_EQUAL(last.route.qos, 1);
	CU_ASSERT_EQUAL(count(&one) + count(&two), 1);
	expect_summary("/x", 3);
	CU_ASSERT_EQUAL(count(&consumer), 0);
	harness_consumer_free(&audit);
	harness_consumer_free(&one);
	harness_consumer_free(&two);
}

static void who_is_not_there_does_not_get_it(void)
{
	load_rules("- rule: once\n  condition: evt.type = open\n  suppress: 1h\n"
		   "  route: subscriber:nobody\n");
	publish("/x", 4);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 4);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 0);
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_UNMATCHED], 1);
}

static void his_own_filter_is_applied(void)
{
	struct vex_filter filter = {.types[VEX_READ / 64] = 1ull << VEX_READ % 64};
	struct consumer reads;

	harness_subscribe(plane, &filter, RING, &reads);
	load_rules(LATE);
	publish("/x", 2);
	harness_round(plane);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 2);
	CU_ASSERT_EQUAL(count(&reads), 0);
	harness_consumer_free(&reads);
}

static void what_any_rule_redacts_is_redacted(void)
{
	load_rules(LATE "- rule: hide\n  condition: fd.name startswith /home\n"
			"  route: subscriber:nobody\n  redact: {fd.name: mask}\n");
	publish("/home/ann", 3);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 1);
	expect_summary("/****/***", 2);
}

static void what_others_lead_on_or_drop_is_not_sent_again(void)
{
	unsigned left = available();

	load_rules(LATE OTHER);
	publish("/other", 3);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 3);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 0);
	load_rules(LATE "- rule: drop\n  condition: fd.name = /x\n  route: drop\n");
	publish("/x", 3);
	harness_round(plane);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 0);
	CU_ASSERT_EQUAL(sent(), 0);
	CU_ASSERT_EQUAL(available(), left);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(a_key_that_falls_silent_is_told_of),
			TEST(where_nothing_was_held_back_nothing_is_told),
			TEST(each_is_told_once),
			TEST(what_the_next_event_told_is_not_told_again),
			TEST(it_opens_no_suppression),
			TEST(each_key_is_told_of),
			TEST(they_come_in_order_of_time),
			TEST(a_route_gets_it_alone),
			TEST(who_is_not_there_does_not_get_it),
			TEST(his_own_filter_is_applied),
			TEST(what_any_rule_redacts_is_redacted),
			TEST(what_others_lead_on_or_drop_is_not_sent_again),
	};

	return fixture_run("summary", tests, sizeof(tests) / sizeof(tests[0]));
}
