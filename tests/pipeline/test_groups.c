/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups: who of them gets an event, and who when he can't. */
#include <stdio.h>

#include "dataplane/group.h"
#include "dataplane/subscriber.h"
#include "load_rules.h"

#define MEMBERS 3
#define EVENTS_MAX 4096

static struct consumer member[MEMBERS];
static unsigned times[EVENTS_MAX]; /* that an event of the one port was read */
static bool in_order; /* what is taken back comes late */

static const char names[MEMBERS][2] = {"a", "b", "c"};

static void attach(unsigned i, uint64_t ring)
{
	harness_subscribe_as(plane, names[i], 0, NULL, ring, &member[i]);
}

static void attach_all(uint64_t ring)
{
	memset(times, 0, sizeof(times));
	in_order = true;
	for (unsigned i = 0; i < MEMBERS; i++)
		attach(i, ring);
}

static void detach(unsigned i)
{
	if (!member[i].subscriber)
		return;
	subscriber_remove(plane, member[i].subscriber);
	harness_consumer_free(&member[i]);
	member[i].subscriber = NULL;
}

static void detach_all(void)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		detach(i);
}

/* A group of all members, with more keys, and a rule that leads everything there. */
static void load_group(const char *more, const char *qos)
{
	char text[512];

	snprintf(text, sizeof(text), "- group: g\n  members: [a, b: 2, c]\n%s"
				     "- rule: r\n  condition: evt.type = create\n"
				     "  route: group:g\n  qos: %s\n", more, qos);
	load_rules(text);
}

static void publish(unsigned count, const char *path)
{
	struct vex_event event = sample(VEX_CREATE, path);

	for (unsigned i = 0; i < count; i++) {
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		if (i % 32 == 31)
			harness_round(plane);
	}
	harness_settle(plane);
}

/* What a member has. */
static unsigned take(unsigned i)
{
	const struct vex_record *record;
	uint64_t expected = 0;
	unsigned n = 0;

	while ((record = harness_read(&member[i]))) {
		if (record->type != VEX_CREATE)
			continue;
		CU_ASSERT_FATAL(record->id.seq < EVENTS_MAX);
		CU_ASSERT(record->id.seq >= expected || !in_order);
		expected = record->id.seq;
		times[record->id.seq]++;
		n++;
	}
	return n;
}

/* All members read until nothing comes any more. */
static unsigned take_all(void)
{
	unsigned n = 0, more;

	do {
		more = 0;
		for (unsigned i = 0; i < MEMBERS; i++)
			if (member[i].subscriber)
				more += take(i);
		harness_settle(plane);
		n += more;
	} while (more);
	return n;
}

static void expect_each_once(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		CU_ASSERT_EQUAL(times[i], 1);
}

static struct group_state *state(void)
{
	return plane->rules->set->groups[0]->states[port->worker];
}

static struct vex_member_stat *stat(unsigned i)
{
	return &plane->stat->member_of[port->worker][state()->group->rows[i]];
}

static void each_event_has_one_taker(void)
{
	attach_all(1u << 16);
	load_group("", "normal");
	publish(90, "/x");
	for (unsigned i = 0; i < MEMBERS; i++) {
		CU_ASSERT_EQUAL(stat(i)->chosen, 30);
		CU_ASSERT_EQUAL(take(i), 30);
	}
	expect_each_once(90);
	CU_ASSERT_EQUAL(drain(), 90); /* others get what they got before */
	CU_ASSERT_EQUAL(port->stat->delivered, 90);
	load_group("  balance: weighted\n", "normal");
	publish(80, "/x");
	CU_ASSERT_EQUAL(take(0), 20);
	CU_ASSERT_EQUAL(take(1), 40);
	CU_ASSERT_EQUAL(take(2), 20);
	detach_all();
}

static void a_key_has_one_taker(void)
{
	unsigned used = 0;
	char path[32];

	attach_all(1u << 16);
	load_group("  balance: hash\n  by: fd.directory\n", "normal");
	for (unsigned i = 0; i < 30; i++) {
		unsigned takers = 0;

		snprintf(path, sizeof(path), "/d%u/f", i);
		publish(5, path);
		for (unsigned k = 0; k < MEMBERS; k++) {
			unsigned n = take(k);

			CU_ASSERT(n == 0 || n == 5);
			takers += n != 0;
			used |= (unsigned)(n != 0) << k;
		}
		CU_ASSERT_EQUAL(takers, 1);
	}
	CU_ASSERT_EQUAL(used, 7);
	detach_all();
}

static void the_least_loaded_takes(void)
{
	attach_all(1u << 16);
	load_group("  balance: least_loaded\n", "normal");
	publish(30, "/x");
	CU_ASSERT_EQUAL(take(0), 10);
	CU_ASSERT_EQUAL(take(1), 10); /* the third reads nothing */
	publish(20, "/x");
	CU_ASSERT_EQUAL(take(0), 10);
	CU_ASSERT_EQUAL(take(1), 10);
	CU_ASSERT_EQUAL(take(2), 10);
	detach_all();
}

static void who_is_gone_is_passed_over(void)
{
	attach_all(1u << 16);
	load_group("", "normal");
	publish(30, "/x");
	CU_ASSERT_EQUAL(take_all(), 30);
	detach(1);
	publish(30, "/x");
	CU_ASSERT_EQUAL(take(0), 15);
	CU_ASSERT_EQUAL(take(2), 15);
	CU_ASSERT_EQUAL(stat(1)->skipped, 30);
	attach(1, 1u << 16);
	publish(30, "/x");
	CU_ASSERT_EQUAL(take(1), 10);
	take_all();
	expect_each_once(90);
	detach_all();
}

static void nobody_is_there(void)
{
	load_group("", "normal");
	subscriber_remove(plane, consumer.subscriber);
	harness_consumer_free(&consumer);
	publish(10, "/x");
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_TARGET_GONE], 10);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	harness_subscribe(plane, NULL, 4096, &consumer);
}

/* A member that a rule names as well, or who asked for other events. */
static void members_are_subscribers_as_any(void)
{
	struct vex_filter closes = {0};

	closes.types[VEX_CLOSE / 64] |= 1ull << VEX_CLOSE % 64;
	memset(times, 0, sizeof(times));
	attach(0, 1u << 16);
	harness_subscribe_as(plane, names[1], 0, &closes, 1u << 16, &member[1]);
	load_rules("- group: g\n  members: [a, b]\n"
		   "- rule: r\n  condition: evt.type = create\n  route: group:g\n"
		   "- rule: s\n  condition: fd.name = /both\n  route: subscriber:a\n");
	publish(10, "/x");
	CU_ASSERT_EQUAL(take(1), 0);
	CU_ASSERT_EQUAL(take(0), 10);
	publish(10, "/both");
	CU_ASSERT_EQUAL(take(0), 10);
	expect_each_once(20);
	detach(0);
	detach(1);
}

static void who_is_full_is_passed_over(void)
{
	memset(times, 0, sizeof(times));
	attach(0, 4096);
	attach(1, 1u << 18);
	attach(2, 1u << 18);
	load_group("  slow: 1h\n  probe: 1ms\n", "normal");
	publish(600, "/x");
	CU_ASSERT(stat(0)->opened >= 1);
	CU_ASSERT(stat(0)->chosen < 60);
	CU_ASSERT_EQUAL(state()->backlog.total, 0);
	CU_ASSERT_EQUAL(plane->stat->retired.target.target_full, 0);
	CU_ASSERT_EQUAL(take_all(), 600);
	expect_each_once(600);
	/* It has read: one event probes it, and once that is read it is one of them again. */
	for (unsigned n = 0; state()->breakers[0].state != BREAKER_CLOSED && n < 1000000; n++) {
		publish(1, "/x");
		take_all();
	}
	CU_ASSERT_EQUAL(state()->breakers[0].state, BREAKER_CLOSED);
	publish(30, "/x");
	CU_ASSERT_EQUAL(take(0), 10);
	detach_all();
}

static void who_stands_still_is_passed_over(void)
{
	attach_all(1u << 18);
	load_group("  slow: 20ms\n  probe: 1h\n", "normal");
	publish(30, "/x"); /* the first never reads */
	for (unsigned n = 0; !stat(0)->opened && n < 100000000; n++) {
		if (harness_round(plane) || n % 1024)
			continue;
		publish(1, "/x");
		take(1);
		take(2);
	}
	CU_ASSERT_EQUAL(state()->breakers[0].state, BREAKER_OPEN);
	CU_ASSERT_EQUAL(stat(0)->opened, 1);
	take(0);
	publish(30, "/x");
	CU_ASSERT_EQUAL(take(0), 0);
	CU_ASSERT_EQUAL(take(1), 15);
	CU_ASSERT_EQUAL(take(2), 15);
	detach_all();
}

static bool all_open(void)
{
	return stat(0)->opened && stat(1)->opened && stat(2)->opened;
}

static uint64_t skipped_by_all(void)
{
	return stat(0)->skipped + stat(1)->skipped + stat(2)->skipped;
}

/* Everyone stands still with a lane nearly empty: that nobody is preferred loses nothing. */
static void where_all_stand_still_their_room_is_used(void)
{
	uint64_t skipped;

	attach_all(1u << 20);
	load_group("  slow: 1ms\n  probe: 1h\n", "critical");
	publish(30, "/x");
	for (unsigned n = 0; !all_open() && n < 100000000; n++)
		if (!harness_round(plane) && n % 256 == 0)
			publish(1, "/x");
	skipped = skipped_by_all();
	publish(300, "/x");
	CU_ASSERT_EQUAL(skipped_by_all(), skipped);
	CU_ASSERT_EQUAL(state()->backlog.total, 0);
	CU_ASSERT_EQUAL(state()->guards, port->stat->received);
	CU_ASSERT(harness_verify(plane));
	CU_ASSERT_EQUAL(take_all(), port->stat->received);
	expect_each_once((unsigned)port->stat->received);
	publish(9, "/x"); /* whoever has read on is probed, and is one of them again */
	take_all();
	publish(9, "/x");
	for (unsigned i = 0; i < MEMBERS; i++)
		CU_ASSERT_EQUAL(state()->breakers[i].state, BREAKER_CLOSED);
	take_all();
	detach_all();
}

/* The first that has room gets what waits; all of it, in order. */
static void where_nobody_has_room_events_wait(void)
{
	attach_all(4096);
	load_group("  slow: 1h\n  probe: 1us\n", "normal");
	publish(400, "/x");
	CU_ASSERT(state()->backlog.total > 250);
	CU_ASSERT_EQUAL(port->stat->held, state()->backlog.total);
	CU_ASSERT(harness_verify(plane));
	CU_ASSERT_EQUAL(take_all(), 400);
	expect_each_once(400);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	CU_ASSERT_PTR_NULL(plane->workers[port->worker].groups);
	detach_all();
}

static void what_waits_outlives_a_reload(void)
{
	uint32_t waits;

	attach_all(4096);
	load_group("  slow: 1h\n  probe: 1us\n", "high");
	publish(300, "/x");
	waits = state()->backlog.total;
	CU_ASSERT(waits > 100);
	load_group("  slow: 1h\n  probe: 1us\n", "low"); /* another rule, the same group */
	CU_ASSERT_EQUAL(state()->backlog.total, waits);
	load_group("  slow: 2h\n  probe: 1us\n", "low"); /* another group: a member gets it */
	CU_ASSERT_EQUAL(state()->backlog.total, 0);
	CU_ASSERT_EQUAL(member[0].subscriber->targets[port->worker]->backlog.total, waits);
	CU_ASSERT(harness_verify(plane));
	CU_ASSERT_EQUAL(take_all(), 300);
	expect_each_once(300);
	detach_all();
}

/* Who dies has left critical events unread: another gets them, so that none is lost. */
static void critical_events_are_not_lost_with_a_member(void)
{
	unsigned read;

	attach_all(1u << 16);
	load_group("  slow: 1h\n", "critical");
	publish(60, "/x");
	CU_ASSERT_EQUAL(state()->guards, 60);
	CU_ASSERT_EQUAL(take(0), 20);
	harness_read(&member[0]); /* gives the room back */
	harness_settle(plane);
	CU_ASSERT_EQUAL(state()->guards, 40);
	publish(30, "/x");
	read = take(0); /* it dies before it gives the room of the last back */
	CU_ASSERT_EQUAL(read, 10);
	detach(1);
	in_order = false;
	CU_ASSERT_EQUAL(stat(1)->returned, 30);
	take_all();
	for (unsigned i = 0; i < 90; i++)
		CU_ASSERT(times[i] >= 1);
	CU_ASSERT_EQUAL(state()->guards, 0);
	CU_ASSERT_EQUAL(port->stat->delivered, 90);
	CU_ASSERT(harness_verify(plane));
	detach_all();
}

/* The others have no room: what is taken back waits for them. */
static void what_is_taken_back_waits_if_it_must(void)
{
	attach_all(4096);
	load_group("  slow: 1h\n  probe: 1us\n", "critical");
	publish(100, "/x");
	CU_ASSERT(port->stat->held > 0);
	in_order = false;
	detach(0);
	CU_ASSERT_EQUAL(stat(0)->returned, 0); /* nobody got them yet */
	detach(1);
	CU_ASSERT(harness_verify(plane));
	take_all();
	expect_each_once(100);
	CU_ASSERT(stat(0)->returned > 10);
	CU_ASSERT_EQUAL(stat(0)->lost + stat(1)->lost, 0);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	CU_ASSERT_EQUAL(plane->workers[port->worker].held.used, 0);
	detach_all();
}

static void the_last_member_goes(void)
{
	attach_all(4096);
	load_group("  slow: 1h\n", "critical");
	publish(100, "/x");
	detach_all();
	harness_settle(plane);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	CU_ASSERT_EQUAL(plane->workers[port->worker].held.used, 0);
	unload_rules();
	CU_ASSERT_EQUAL(plane->group_count, 0);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(each_event_has_one_taker),
			TEST(a_key_has_one_taker),
			TEST(the_least_loaded_takes),
			TEST(who_is_gone_is_passed_over),
			TEST(nobody_is_there),
			TEST(members_are_subscribers_as_any),
			TEST(who_is_full_is_passed_over),
			TEST(who_stands_still_is_passed_over),
			TEST(where_all_stand_still_their_room_is_used),
			TEST(where_nobody_has_room_events_wait),
			TEST(what_waits_outlives_a_reload),
			TEST(critical_events_are_not_lost_with_a_member),
			TEST(what_is_taken_back_waits_if_it_must),
			TEST(the_last_member_goes),
	};

	return fixture_run("group", tests, sizeof(tests) / sizeof(tests[0]));
}
