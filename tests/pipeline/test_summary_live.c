/* SPDX-License-Identifier: BSD-3-Clause */
/* Summaries while ports, workers and rule sets come and go, and where there is no room. */
#include <errno.h>
#include <stdio.h>

#include "summaries.h"

/* -- while things change -- */

static void a_port_that_goes_is_told_of_early(void)
{
	unsigned left = available();

	load_rules(LATE);
	publish("/x", 3);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	port_drain(plane, port);
	harness_settle(plane);
	while (port_reap(plane))
		harness_settle(plane);
	CU_ASSERT_PTR_NULL(plane->ports[0]);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	expect_summary("/x", 2);
	CU_ASSERT_EQUAL(pending(), 0);
	CU_ASSERT_EQUAL(plane->stat->retired.port.received, 4);
	CU_ASSERT_EQUAL(available(), left);
}

static void others_stay_while_a_port_goes(void)
{
	struct port *second = harness_port(plane, VEX_BOUNDARY_APP, 0, false);
	struct producer by = {0};
	char reason[VEX_REASON_MAX], path[16];

	harness_lane(plane, second, RING, &by);
	CU_ASSERT_EQUAL_FATAL(port_move(plane, second->id, port->worker, reason), 0);
	load_rules(LATE);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		publish_by(i % 2 ? &by : &producer, path, 1);
		publish_by(i % 2 ? &by : &producer, path, 2);
		harness_round(plane);
	}
	CU_ASSERT_EQUAL(count(&consumer), 20);
	CU_ASSERT_EQUAL(pending(), 20);
	port_drain(plane, second);
	harness_settle(plane);
	port_reap(plane);
	CU_ASSERT_EQUAL(pending(), 10);
	CU_ASSERT_EQUAL(count(&consumer), 10);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 10);
	harness_producer_free(&by);
}

static void a_port_that_moves_is_told_of_early(void)
{
	uint32_t from = port->worker;
	char reason[VEX_REASON_MAX];

	load_rules(LATE);
	publish("/x", 3);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL_FATAL(port_move(plane, port->id, !from, reason), 0);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	expect_summary("/x", 2);
	publish("/x", 4); /* its suppression goes on */
	harness_round(plane);
	CU_ASSERT_EQUAL(plane->workers[from].summaries.count, 0);
	CU_ASSERT_EQUAL(plane->workers[!from].summaries.count, 1);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 1);
	expect_summary("/x", 4);
}

/* Its port's account stays open until who it waits for has read. */
static void a_port_whose_summary_waits_does_not_move(void)
{
	char reason[VEX_REASON_MAX];
	struct consumer audit;
	uint64_t n = 0;

	harness_subscribe_as(plane, "audit", 0, NULL, VEX_LANE_RING_MIN, &audit);
	load_rules("- rule: once\n  condition: evt.type = open\n  suppress: 1h\n"
		   "  route: subscriber:audit\n"
		   "- rule: audit\n  condition: evt.type = read\n  route: subscriber:audit\n");
	publish("/x", 3);
	harness_round(plane);
	while (!port->stat->held) {
		struct vex_event event = sample(VEX_READ, "/fill");

		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		harness_round(plane);
		drain();
	}
	CU_ASSERT_EQUAL(port_move(plane, port->id, !port->worker, reason), -EBUSY);
	CU_ASSERT_EQUAL(sent(), 1);
	CU_ASSERT_EQUAL(port->stat->held, 2);
	do {
		n = count(&audit);
		harness_settle(plane);
	} while (n);
	expect_summary("/x", 2);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	CU_ASSERT_EQUAL(port_move(plane, port->id, !port->worker, reason), 0);
	harness_consumer_free(&audit);
}

static void a_rule_that_stays_tells_by_the_new_set(void)
{
	load_rules(LATE);
	publish("/x", 3);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	load_rules(OTHER LATE);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 1);
	expect_summary("/x", 2);
	CU_ASSERT_EQUAL(last.route.rule, 1);
	CU_ASSERT_EQUAL(last.route.generation, plane->rules->set->generation);
}

static void a_rule_that_is_gone_tells_nothing(void)
{
	unsigned left = available();

	load_rules(LATE);
	publish("/x", 3);
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	load_rules(SOON); /* of the same name, but another */
	expire();
	load_rules(LATE);
	publish("/x", 3);
	harness_round(plane);
	unload_rules();
	CU_ASSERT_EQUAL(pending(), 1);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(sent(), 0);
	CU_ASSERT_EQUAL(available(), left);
}

/* -- room -- */

static void more_keys_than_there_is_room_for(void)
{
	struct summary_table *table = &plane->workers[port->worker].summaries;
	unsigned left = available(), keys = table->capacity + 50;
	char path[16];

	load_rules(LATE);
	for (unsigned i = 0; i < keys; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		publish(path, 3);
		harness_round(plane);
		count(&consumer);
	}
	CU_ASSERT_EQUAL(table->count, table->capacity);
	CU_ASSERT_EQUAL(plane->workers[port->worker].stat->unsummarised, 50);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), table->capacity);
	CU_ASSERT_EQUAL(sent(), table->capacity);
	CU_ASSERT_EQUAL(available(), left);
}

static void long_ones_are_told_of_as_well(void)
{
	struct summary_table *table = &plane->workers[port->worker].summaries;
	unsigned left = available();
	static char path[4001];

	memset(path, 'p', sizeof(path) - 1);
	load_rules(LATE);
	for (unsigned i = 0; i < table->longs_max + 2; i++) {
		path[0] = (char)('a' + i);
		publish(path, 2);
		harness_round(plane);
		CU_ASSERT_EQUAL(count(&consumer), 1);
	}
	CU_ASSERT(table->longs_max > 0);
	CU_ASSERT_EQUAL(table->longs, table->longs_max);
	CU_ASSERT_EQUAL(plane->workers[port->worker].stat->unsummarised, 2);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), table->longs_max);
	CU_ASSERT_EQUAL(last.path.len, 4000);
	CU_ASSERT(vex_event_is_summary(&last));
	CU_ASSERT_EQUAL(table->longs, 0);
	CU_ASSERT_EQUAL(available(), left);
}

/* A key is everybody's: whoever held the first one back tells of them all. */
static void workers_share_a_key(void)
{
	struct port *second = harness_port(plane, VEX_BOUNDARY_APP, 0, false);
	struct producer by = {0};

	CU_ASSERT_NOT_EQUAL_FATAL(second->worker, port->worker);
	harness_lane(plane, second, RING, &by);
	load_rules(LATE);
	publish("/x", 3);
	for (unsigned i = 4; i < 10; i++)
		publish_by(&by, "/x", 1000 * i);
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(pending(), 1);
	expire();
	CU_ASSERT_EQUAL(count(&consumer), 1);
	expect_summary("/x", 8);
	CU_ASSERT_EQUAL(last.suppressed.last_ns, 9000);
	harness_producer_free(&by);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(a_port_that_goes_is_told_of_early),
			TEST(others_stay_while_a_port_goes),
			TEST(a_port_that_moves_is_told_of_early),
			TEST(a_port_whose_summary_waits_does_not_move),
			TEST(a_rule_that_stays_tells_by_the_new_set),
			TEST(a_rule_that_is_gone_tells_nothing),
			TEST(more_keys_than_there_is_room_for),
			TEST(long_ones_are_told_of_as_well),
			TEST(workers_share_a_key),
	};

	return fixture_run("summary_live", tests, sizeof(tests) / sizeof(tests[0]));
}
