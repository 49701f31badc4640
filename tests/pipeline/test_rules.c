/* SPDX-License-Identifier: BSD-3-Clause */
/* What rules make of events: who gets them, who does not and why, and how they leave. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/subscriber.h"
#include "load_rules.h"

static void publish(uint16_t type, const char *path)
{
	struct vex_event event = sample(type, path);

	CU_ASSERT_FATAL(harness_publish(&producer, &event));
}

/* How many a subscriber has waiting; the last one is decoded. */
static struct vex_event last;
static struct vex_event_space space;

static unsigned count(struct consumer *of)
{
	const struct vex_record *record;
	unsigned n = 0;

	for (; (record = harness_read(of)); n++)
		vex_event_decode(record, &last, &space);
	return n;
}

static uint64_t drops(enum vex_drop drop)
{
	return port->stat->drop[drop];
}

static void without_rules_nothing_is_added(void)
{
	publish(VEX_OPEN, "/a");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(last.has & (VEX_HAS_ROUTE | VEX_HAS_SUPPRESSED), 0);
}

static void each_event_says_what_led_it(void)
{
	load_rules("- rule: a\n  condition: fd.name startswith /a\n  priority: error\n  qos: low\n"
		   "- rule: b\n  condition: fd.name startswith /a/b\n  qos: high\n");
	publish(VEX_OPEN, "/a/b");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT(last.has & VEX_HAS_ROUTE);
	CU_ASSERT_EQUAL(last.route.generation, rules_generation);
	CU_ASSERT_EQUAL(last.route.rule, 0);
	CU_ASSERT_EQUAL(last.route.matched, 2);
	CU_ASSERT_EQUAL(last.route.priority, 3);
	CU_ASSERT_EQUAL(last.route.qos, VEX_CLASS_HIGH);
	CU_ASSERT_EQUAL(last.route.fingerprint, plane->rules->set->rules[0].fingerprint);
	publish(VEX_OPEN, "/none");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(last.route.generation, rules_generation);
	CU_ASSERT_EQUAL(last.route.rule, VEX_ROUTE_NO_RULE);
	CU_ASSERT_EQUAL(last.route.matched, 0);
	CU_ASSERT_EQUAL(last.route.priority, VEX_ROUTE_NO_PRIORITY);
	CU_ASSERT_EQUAL(last.route.qos, VEX_CLASS_NORMAL);
	CU_ASSERT_EQUAL(last.route.fingerprint, 0);
}

/* Of each event of one burst, whichever rules match it: the first of the highest priority. */
static void an_event_names_the_rule_of_the_highest_priority(void)
{
	static const struct {
		const char *path;
		uint32_t rule;
		uint16_t matched;
	} events[] = {{"/d", 0, 1}, {"/d/e", 1, 2}, {"/d/n", 2, 2}, {"/d/e/x", 3, 3}, {"/d/n/x", 4, 3},
			{"/y", 5, 1}, {"/d/e/x/z", 3, 4}, {"/d/e/y", 1, 2}};

	load_rules("- rule: a\n  condition: fd.name startswith /d\n  priority: debug\n"
		   "- rule: b\n  condition: fd.name startswith /d/e\n  priority: error\n"
		   "- rule: c\n  condition: fd.name startswith /d/n\n  priority: notice\n"
		   "- rule: d\n  condition: fd.name startswith /d/e/x\n  priority: emergency\n"
		   "- rule: e\n  condition: fd.name startswith /d/n/x\n  priority: emergency\n"
		   "- rule: f\n  condition: fd.name in (/y, /d/e/x/z)\n  priority: emergency\n");
	for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		publish(VEX_OPEN, events[i].path);
	harness_settle(plane);
	for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		const struct rule_image_rule *rule = &plane->rules->set->rules[events[i].rule];

		vex_event_decode(harness_read(&consumer), &last, &space);
		CU_ASSERT_EQUAL(last.route.rule, events[i].rule);
		CU_ASSERT_EQUAL(last.route.matched, events[i].matched);
		CU_ASSERT_EQUAL(last.route.priority, rule->priority);
		CU_ASSERT_EQUAL(last.route.fingerprint, rule->fingerprint);
	}
	CU_ASSERT_EQUAL(count(&consumer), 0);
}

/* Whole objects, long ones, and sizes around where one becomes the other. */
static void there_is_always_room_to_say_it(void)
{
	static char path[4096];

	memset(path, 'p', sizeof(path));
	load_rules("- rule: all\n  condition: evt.type exists\n");
	for (size_t len = 0; len <= sizeof(path); len += len < 300 ? 1 : 97) {
		struct vex_event event = sample(VEX_RENAME, "");

		event.path = (struct vex_bytes){path, len};
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		harness_round(plane);
		CU_ASSERT_EQUAL(count(&consumer), 1);
		CU_ASSERT_EQUAL(last.path.len, len);
		CU_ASSERT_EQUAL(last.route.matched, 1);
		CU_ASSERT_EQUAL(last.tid, 11);
	}
}

static void what_a_replay_brings_is_replaced(void)
{
	struct port *replay = harness_port(plane, VEX_BOUNDARY_REPLAY, VEX_PORT_KEEP_ID, false);
	struct vex_event event = sample(VEX_CREATE, "/r");
	struct producer lane = {0};

	load_rules("- rule: r\n  condition: fd.name = /r\n");
	event.has |= VEX_HAS_ROUTE | VEX_HAS_SUPPRESSED;
	event.route = (struct vex_attr_route){.generation = 1u << 30, .rule = 77, .matched = 5};
	harness_lane(plane, replay, RING, &lane);
	harness_publish(&lane, &event);
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(last.has & VEX_HAS_SUPPRESSED, 0);
	CU_ASSERT_EQUAL(last.route.generation, rules_generation);
	CU_ASSERT_EQUAL(last.route.rule, 0);
	harness_producer_free(&lane);
}

static void who_is_named_gets_what_is_led_to_him_and_no_more(void)
{
	struct consumer audit, twin;

	harness_subscribe_as(plane, "audit", 0, NULL, RING, &audit);
	load_rules("- rule: a\n  condition: fd.name startswith /a\n  route: subscriber:audit\n");
	harness_subscribe_as(plane, "audit", 0, NULL, RING, &twin); /* who comes later, too */
	publish(VEX_OPEN, "/a/1");
	publish(VEX_OPEN, "/b/1");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&audit), 1);
	CU_ASSERT_EQUAL(last.path.len, 4);
	CU_ASSERT(!memcmp(last.path.data, "/a/1", 4));
	CU_ASSERT_EQUAL(count(&twin), 1);
	CU_ASSERT_EQUAL(count(&consumer), 2); /* the default gets both */
	load_rules("- rule: b\n  condition: fd.name startswith /b\n"); /* names nobody: all are default */
	publish(VEX_OPEN, "/a/1");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&audit), 1);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	harness_consumer_free(&audit);
	harness_consumer_free(&twin);
}

static void his_own_filter_is_applied_on_top(void)
{
	struct vex_filter filter = {0};
	struct consumer audit;

	filter.types[VEX_OPEN / 64] |= 1ull << VEX_OPEN % 64;
	harness_subscribe_as(plane, "audit", 0, &filter, RING, &audit);
	subscriber_remove(plane, consumer.subscriber);
	load_rules("- rule: a\n  condition: fd.name startswith /a\n  route: subscriber:audit\n");
	publish(VEX_OPEN, "/a/1");
	publish(VEX_CLOSE, "/a/1");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&audit), 1);
	CU_ASSERT_EQUAL(last.type, VEX_OPEN);
	CU_ASSERT_EQUAL(drops(VEX_DROP_UNMATCHED), 1);
	harness_consumer_free(&audit);
}

static void boundaries_have_their_own(void)
{
	struct consumer fuse;

	harness_subscribe_as(plane, "mount", VEX_BOUNDARY_FUSE, NULL, RING, &fuse);
	publish(VEX_OPEN, "/a");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&fuse), 0); /* nothing leads there without rules */
	CU_ASSERT_EQUAL(count(&consumer), 1);
	load_rules("- rule: back\n  condition: evt.type = unlink\n  route: boundary:fuse\n");
	publish(VEX_OPEN, "/a");
	publish(VEX_DELETE, "/a");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&fuse), 1);
	CU_ASSERT_EQUAL(last.type, VEX_DELETE);
	CU_ASSERT_EQUAL(count(&consumer), 2);
	harness_consumer_free(&fuse);
}

static void drop_is_for_all_whatever_else_matched(void)
{
	struct consumer audit;

	harness_subscribe_as(plane, "audit", 0, NULL, RING, &audit);
	load_rules("- rule: a\n  condition: fd.name startswith /a\n  route: subscriber:audit\n"
		   "- rule: scratch\n  condition: fd.name startswith /a/scratch\n  route: drop\n");
	publish(VEX_OPEN, "/a/1");
	publish(VEX_OPEN, "/a/scratch/1");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&audit), 1);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(drops(VEX_DROP_RULE_DROP), 1);
	harness_consumer_free(&audit);
}

static void the_first_match_may_end_it(void)
{
	load_rules("- rule: keep\n  condition: fd.name startswith /a/keep\n  match: first\n"
		   "- rule: rest\n  condition: fd.name startswith /a\n  route: drop\n");
	publish(VEX_OPEN, "/a/keep/1");
	publish(VEX_OPEN, "/a/1");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(last.route.matched, 1);
	CU_ASSERT_EQUAL(drops(VEX_DROP_RULE_DROP), 1);
}

static void what_is_held_back_has_its_reason(void)
{
	load_rules("- rule: rated\n  condition: fd.name = /rate\n  rate: 2/h\n"
		   "- rule: once\n  condition: fd.name = /once\n  suppress: 1h\n"
		   "- rule: some\n  condition: fd.name = /some\n  sample: {share: 1/1000, by: fd.name}\n");
	for (int i = 0; i < 10; i++) {
		publish(VEX_OPEN, "/rate");
		publish(VEX_OPEN, "/once");
	}
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 3);
	CU_ASSERT_EQUAL(drops(VEX_DROP_RATE_LIMITED), 8);
	CU_ASSERT_EQUAL(drops(VEX_DROP_SUPPRESSED), 9);
	for (int i = 0; i < 10; i++) /* all or none of a key, and nearly always none */
		publish(VEX_OPEN, "/some");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer) + drops(VEX_DROP_SAMPLED), 10);
	CU_ASSERT_EQUAL(drops(VEX_DROP_UNMATCHED), 0);
}

static void another_rule_may_still_lead_it_on(void)
{
	load_rules("- rule: once\n  condition: fd.name = /x\n  suppress: 1h\n"
		   "- rule: always\n  condition: fd.name = /x\n");
	for (int i = 0; i < 3; i++)
		publish(VEX_OPEN, "/x");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 3);
	CU_ASSERT_EQUAL(drops(VEX_DROP_SUPPRESSED), 0);
}

static void a_route_held_back_leaves_the_default_alone(void)
{
	struct consumer audit;

	harness_subscribe_as(plane, "audit", 0, NULL, RING, &audit);
	load_rules("- rule: once\n  condition: fd.name = /x\n  suppress: 1h\n  route: subscriber:audit\n");
	for (int i = 0; i < 3; i++)
		publish(VEX_OPEN, "/x");
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&audit), 1);
	CU_ASSERT_EQUAL(count(&consumer), 3);
	subscriber_remove(plane, consumer.subscriber);
	publish(VEX_OPEN, "/x");
	harness_settle(plane);
	CU_ASSERT_EQUAL(drops(VEX_DROP_SUPPRESSED), 1); /* now nobody got it, since it was held */
	harness_consumer_free(&audit);
}

static void publish_until_one_comes(void)
{
	do {
		publish(VEX_OPEN, "/x");
		harness_round(plane);
	} while (!count(&consumer));
}

static void a_suppression_that_ends_tells_of_it(void)
{
	for (uint32_t i = 0; i < plane->worker_count; i++) /* the next event is to tell, no summary */
		plane->workers[i].summaries.capacity = 0;
	load_rules("- rule: once\n  condition: fd.name = /x\n  suppress: 1ms\n");
	for (int i = 0; i < 5; i++)
		publish(VEX_OPEN, "/x");
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	CU_ASSERT_EQUAL(last.has & VEX_HAS_SUPPRESSED, 0);
	publish_until_one_comes();
	CU_ASSERT(last.has & VEX_HAS_SUPPRESSED);
	CU_ASSERT(last.suppressed.count >= 4);
	CU_ASSERT_EQUAL(drops(VEX_DROP_SUPPRESSED), last.suppressed.count);
}

/* Each of two rules has held back the same events; one event tells, and of one rule. */
static void of_two_suppressions_the_more_urgent_is_told(void)
{
	for (uint32_t i = 0; i < plane->worker_count; i++)
		plane->workers[i].summaries.capacity = 0;
	load_rules("- rule: all\n  condition: evt.type = open\n  suppress: 1ms\n"
		   "- rule: x\n  condition: fd.name = /x\n  suppress: 1ms\n  priority: error\n");
	publish(VEX_OPEN, "/x");
	publish(VEX_OPEN, "/y");
	harness_round(plane);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	publish_until_one_comes();
	CU_ASSERT(last.has & VEX_HAS_SUPPRESSED);
	CU_ASSERT_EQUAL(last.suppressed.count, drops(VEX_DROP_SUPPRESSED) - 1);
	rules_count_limits(plane);
	CU_ASSERT_EQUAL(plane->stat->limits.untold, drops(VEX_DROP_SUPPRESSED));
}

static void what_nobody_gets_is_left_untold(void)
{
	uint64_t published = 0;

	for (uint32_t i = 0; i < plane->worker_count; i++)
		plane->workers[i].summaries.capacity = 0;
	load_rules("- rule: once\n  condition: fd.name = /x\n  suppress: 1ms\n"
		   "- rule: none\n  condition: evt.type = open\n  route: drop\n");
	do { /* until one has ended the suppression */
		publish(VEX_OPEN, "/x");
		published++;
		harness_round(plane);
		rules_count_limits(plane);
	} while (!plane->stat->limits.untold);
	CU_ASSERT_EQUAL(plane->stat->limits.untold, published - 2); /* but the first and the last */
}

static void what_finds_no_room_passes_and_is_counted(void)
{
	unsigned got = 0;
	char path[16];

	rule_limits_free(plane->rules->limits);
	CU_ASSERT_EQUAL_FATAL(rule_limits_new(64, 1, &plane->rules->limits), 0);
	load_rules("- rule: once\n  condition: evt.type = open\n  suppress: {for: 1h, by: fd.name}\n");
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		publish(VEX_OPEN, path);
		harness_round(plane);
		got += count(&consumer);
	}
	CU_ASSERT_EQUAL(got, 500);
	rules_count_limits(plane);
	CU_ASSERT(plane->stat->limits.full >= 500 - 64);
	CU_ASSERT_EQUAL(drops(VEX_DROP_SUPPRESSED), 0);
}

static void what_is_redacted_leaves_so_for_everyone(void)
{
	struct vex_event event = sample(VEX_OPEN, "/home/ann/secret");
	struct consumer audit;

	harness_subscribe_as(plane, "audit", 0, NULL, RING, &audit);
	load_rules("- rule: a\n  condition: fd.name startswith /home\n  route: subscriber:audit\n"
		   "- rule: hide\n  condition: fd.name startswith /home\n  sample: 1/1000000\n"
	     "  redact: {fd.name: mask, proc.name: hash}\n");
	event.has |= VEX_HAS_COMM;
	event.comm = (struct vex_bytes){"cp", 2};
	CU_ASSERT_FATAL(harness_publish(&producer, &event));
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&audit), 1);
	CU_ASSERT_EQUAL(last.path.len, 16);
	CU_ASSERT(!memcmp(last.path.data, "/****/***/******", 16));
	CU_ASSERT_EQUAL(last.comm.len, 32);
	CU_ASSERT_EQUAL(last.route.matched, 2);
	harness_consumer_free(&audit);
}

/* Longer than an event's object by its hash alone, it stands in a long one from then on. */
static void what_a_hash_makes_longer_is_hashed_all_the_same(void)
{
	static char path[172];
	struct vex_event event = sample(VEX_OPEN, "");
	unsigned left = rte_mempool_avail_count(plane->workers[0].long_objects);

	memset(path, 'p', sizeof(path));
	event.path = (struct vex_bytes){path, sizeof(path)};
	event.has |= VEX_HAS_COMM;
	event.comm = (struct vex_bytes){"cp", 2};
	CU_ASSERT_EQUAL(vex_event_size(&event), VEX_OBJECT_RECORD_MAX);
	load_rules("- rule: hide\n  condition: evt.type = open\n  redact: {proc.name: hash}\n");
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&consumer), 3);
	CU_ASSERT_EQUAL(last.comm.len, 32);
	CU_ASSERT_EQUAL(last.path.len, event.path.len);
	CU_ASSERT(last.has & VEX_HAS_ROUTE);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(plane->workers[0].long_objects), left);
}

static void losses_are_told_to_everyone(void)
{
	struct vex_event event = sample(VEX_OPEN, "/full");
	struct producer small = {0};
	struct consumer audit, fuse;

	harness_lane(plane, port, VEX_LANE_RING_MIN, &small);
	harness_subscribe_as(plane, "audit", 0, NULL, RING, &audit);
	harness_subscribe_as(plane, "mount", VEX_BOUNDARY_FUSE, NULL, RING, &fuse);
	load_rules("- rule: all\n  condition: evt.type exists\n  route: drop\n"
		   "- rule: named\n  condition: fd.name = /none\n  route: subscriber:audit\n");
	while (harness_publish(&small, &event))
		;
	harness_settle(plane);
	harness_publish(&small, &event);
	harness_settle(plane);
	CU_ASSERT_EQUAL(count(&audit), 1);
	CU_ASSERT_EQUAL(last.type, VEX_GAP);
	CU_ASSERT_EQUAL(last.has & VEX_HAS_ROUTE, 0);
	CU_ASSERT_EQUAL(count(&fuse), 1);
	CU_ASSERT_EQUAL(count(&consumer), 1);
	harness_producer_free(&small);
	harness_consumer_free(&audit);
	harness_consumer_free(&fuse);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(without_rules_nothing_is_added),
			TEST(each_event_says_what_led_it),
			TEST(an_event_names_the_rule_of_the_highest_priority),
			TEST(there_is_always_room_to_say_it),
			TEST(what_a_replay_brings_is_replaced),
			TEST(who_is_named_gets_what_is_led_to_him_and_no_more),
			TEST(his_own_filter_is_applied_on_top),
			TEST(boundaries_have_their_own),
			TEST(drop_is_for_all_whatever_else_matched),
			TEST(the_first_match_may_end_it),
			TEST(what_is_held_back_has_its_reason),
			TEST(another_rule_may_still_lead_it_on),
			TEST(a_route_held_back_leaves_the_default_alone),
			TEST(a_suppression_that_ends_tells_of_it),
			TEST(of_two_suppressions_the_more_urgent_is_told),
			TEST(what_nobody_gets_is_left_untold),
			TEST(what_finds_no_room_passes_and_is_counted),
			TEST(what_is_redacted_leaves_so_for_everyone),
			TEST(what_a_hash_makes_longer_is_hashed_all_the_same),
			TEST(losses_are_told_to_everyone),
	};

	return fixture_run("rules", tests, sizeof(tests) / sizeof(tests[0]));
}
