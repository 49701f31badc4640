/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever becomes of members, no event of a group is lost without being named, or stuck. */
#include <stdio.h>

#include "dataplane/group.h"
#include "dataplane/subscriber.h"
#include "load_rules.h"

#define MEMBERS 3
#define EVENTS_MAX 4096
#define LONG_PATH 260
#define GROUP "- group: g\n  members: [a, b, c]\n  slow: 10s\n"

static struct consumer member[MEMBERS];
static unsigned times[EVENTS_MAX]; /* that an event of the one port was read */
static char long_path[LONG_PATH];

static void attach(unsigned i, const struct vex_filter *filter, uint64_t ring)
{
	static const char names[MEMBERS][2] = {"a", "b", "c"};

	harness_subscribe_as(plane, names[i], 0, filter, ring, &member[i]);
}

static void detach(unsigned i)
{
	if (!member[i].subscriber)
		return;
	subscriber_remove(plane, member[i].subscriber);
	harness_consumer_free(&member[i]);
	member[i].subscriber = NULL;
}

/* They are alone: nobody else gets anything. */
static void begin(const char *rules)
{
	memset(times, 0, sizeof(times));
	memset(long_path, 'x', LONG_PATH - 1);
	long_path[0] = '/';
	load_rules(rules);
	subscriber_remove(plane, consumer.subscriber);
	harness_consumer_free(&consumer);
}

static void end(void)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		detach(i);
	harness_subscribe(plane, NULL, 4096, &consumer);
}

static void publish(unsigned count, uint16_t type, const char *path)
{
	struct vex_event event = sample(type, path);

	for (unsigned i = 0; i < count; i++) {
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		if (i % 32 == 31)
			harness_settle(plane);
	}
	harness_settle(plane);
}

/* Blocks of a millisecond have an end. */
static void publish_through_blocks(unsigned count, uint16_t type)
{
	const struct worker *worker = &plane->workers[port->worker];

	while (count--) {
		publish(1, type, "/x");
		for (unsigned n = 0; worker->blocked_since && n < 100000000; n++)
			harness_round(plane);
	}
	harness_settle(plane);
}

static unsigned take(unsigned i)
{
	const struct vex_record *record;
	unsigned n = 0;

	while ((record = harness_read(&member[i]))) {
		if (record->type == VEX_GAP)
			continue;
		CU_ASSERT_FATAL(record->id.seq < EVENTS_MAX);
		times[record->id.seq]++;
		n++;
	}
	return n;
}

static unsigned take_all(unsigned i)
{
	unsigned n = 0, more;

	do {
		harness_settle(plane);
		more = take(i);
		n += more;
	} while (more);
	return n;
}

static unsigned missing(unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += !times[i];
	return n;
}

static struct group_state *state(void)
{
	return plane->rules->set->groups[0]->states[port->worker];
}

static struct vex_member_stat *stat(unsigned i)
{
	return &plane->stat->member_of[port->worker][state()->group->rows[i]];
}

/* More of them than the worker may hold: what two dead members left unread the third one gets. */
static void two_die(const char *path, unsigned count)
{
	begin(GROUP "- rule: r\n  condition: evt.type = create\n  route: group:g\n  qos: critical\n");
	for (unsigned i = 0; i < MEMBERS; i++)
		attach(i, NULL, 1u << 20);
	publish(count, VEX_CREATE, path);
	CU_ASSERT_EQUAL(state()->guards, count);
	CU_ASSERT_EQUAL(plane->workers[port->worker].held.used, 0);
	detach(0);
	detach(1);
	take_all(2);
	CU_ASSERT_EQUAL(missing(count), 0);
	CU_ASSERT_EQUAL(member[2].lost, 0);
	CU_ASSERT_EQUAL(port->stat->delivered, count);
	CU_ASSERT(harness_verify(plane));
	end();
}

static void more_than_can_be_held_are_guarded(void)
{
	two_die("/short", 1500);
}

static void long_ones_are_guarded(void)
{
	two_die(long_path, 300);
}

/* More than lanes and what may wait have room for: each that nobody gets is counted, and told. */
static void what_finds_no_place_is_named(void)
{
	unsigned count = 600;
	uint64_t told;

	begin(GROUP "- rule: r\n  condition: evt.type = create\n  route: group:g\n  qos: critical\n"
		    "- class: critical\n  overload: drop_newest\n");
	attach(0, NULL, 4096);
	attach(1, NULL, 4096);
	publish(count, VEX_CREATE, "/x");
	CU_ASSERT(state()->backlog.total > 100);
	told = member[0].subscriber->targets[port->worker]->stat->target_full;
	detach(0);
	CU_ASSERT(stat(0)->lost > 10);
	take_all(1);
	CU_ASSERT_EQUAL(missing(count), port->stat->drop[VEX_DROP_TARGET_FULL] + stat(0)->lost);
	CU_ASSERT_EQUAL(missing(count), told + member[1].lost);
	CU_ASSERT(harness_verify(plane));
	end();
}

/* Of those who are not there only he who left them has any returned; and only once others have. */
static void only_who_left_them_has_them_returned(void)
{
	begin("- group: g\n  members: [a, b, never]\n"
	      "- rule: r\n  condition: evt.type = create\n  route: group:g\n  qos: critical\n");
	attach(0, NULL, 1u << 16);
	attach(1, NULL, 1u << 16);
	publish(20, VEX_CREATE, "/x");
	detach(0);
	CU_ASSERT_EQUAL(stat(0)->returned, 10);
	CU_ASSERT_EQUAL(stat(1)->returned, 0);
	CU_ASSERT_EQUAL(stat(2)->returned, 0);
	detach(1); /* the last one */
	CU_ASSERT_EQUAL(stat(1)->returned, 0);
	CU_ASSERT_EQUAL(stat(1)->lost, 20);
	CU_ASSERT_EQUAL(stat(0)->lost, 0);
	end();
}

/* A copy that a rule leads to a member by its name is the group's too; one that it missed is not. */
static void who_is_named_and_full_is_no_member_that_got_it(void)
{
	begin(GROUP "- rule: n\n  condition: evt.type = create\n"
		    "  route: [subscriber:a, group:g]\n  qos: critical\n");
	attach(0, NULL, 4096);
	attach(1, NULL, 1u << 20);
	publish(400, VEX_CREATE, "/x");
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_TARGET_FULL], 0);
	CU_ASSERT(take_all(1) >= 360); /* all that a had no room for */
	detach(0); /* which never read */
	take_all(1);
	CU_ASSERT_EQUAL(missing(400), 0);
	CU_ASSERT_EQUAL(state()->guards, 0);
	CU_ASSERT_EQUAL(port->stat->delivered, 400);
	end();
}

/* One that no lane of the group can ever take in is lost at once, and told so. */
static void what_fits_no_lane_holds_nothing_up(void)
{
	static char path[4000];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	begin(GROUP "- rule: r\n  condition: evt.type = create\n  route: group:g\n");
	attach(0, NULL, 4096);
	attach(1, NULL, 4096);
	publish(1, VEX_CREATE, path);
	CU_ASSERT_EQUAL(state()->backlog.total, 0);
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_TOO_LARGE], 1);
	publish(20, VEX_CREATE, "/x");
	CU_ASSERT_EQUAL(take(0) + take(1), 20);
	CU_ASSERT_EQUAL(member[0].lost, 1);
	attach(2, NULL, 1u << 16); /* he can */
	publish(1, VEX_CREATE, path);
	CU_ASSERT_EQUAL(take(2), 1);
	CU_ASSERT(harness_verify(plane));
	end();
}

static struct vex_filter only(uint16_t type)
{
	struct vex_filter filter = {0};

	filter.types[type / 64] |= 1ull << type % 64;
	return filter;
}

/* Who waits for a full member is not in the way of others, nor is what nobody wants any more. */
static void what_only_the_full_one_asked_for_holds_nothing_up(void)
{
	struct vex_filter opens = only(VEX_OPEN);

	begin(GROUP "- rule: r\n  condition: evt.type in (create, open)\n  route: group:g\n");
	attach(0, NULL, 4096);
	attach(1, &opens, 1u << 16);
	publish(1000, VEX_CREATE, "/x"); /* more than may wait */
	CU_ASSERT(state()->backlog.total > 400);
	publish(100, VEX_OPEN, "/x");
	CU_ASSERT_EQUAL(take(1), 100);
	detach(0);
	harness_settle(plane);
	CU_ASSERT_EQUAL(state()->backlog.total, 0);
	CU_ASSERT(port->stat->drop[VEX_DROP_TARGET_GONE] > 400);
	publish(100, VEX_OPEN, "/x");
	CU_ASSERT_EQUAL(take(1), 100);
	end();
}

/* Each member gets what it asked for in order, whatever of it has to wait. */
static void what_waits_for_several_goes_to_who_has_room(void)
{
	struct vex_filter opens = only(VEX_OPEN), creates = only(VEX_CREATE);

	begin(GROUP "- rule: r\n  condition: evt.type in (create, open)\n  route: group:g\n");
	attach(0, &creates, 4096);
	attach(1, &opens, 4096);
	publish(100, VEX_CREATE, "/x");
	publish(100, VEX_OPEN, "/x");
	publish(100, VEX_CREATE, "/x");
	CU_ASSERT_EQUAL(take_all(1), 100);
	CU_ASSERT(state()->backlog.total > 150);
	publish(100, VEX_OPEN, "/x");
	CU_ASSERT_EQUAL(take_all(1), 100);
	CU_ASSERT_EQUAL(take_all(0), 200);
	CU_ASSERT_EQUAL(missing(400), 0);
	CU_ASSERT_EQUAL(state()->backlog.total, 0);
	end();
}

/* A group that is gone leaves an event to a member that can take it. */
static void an_heir_can_take_what_he_is_left(void)
{
	struct vex_filter opens = only(VEX_OPEN);

	begin(GROUP "- rule: r\n  condition: evt.type in (create, open)\n  route: group:g\n");
	attach(0, &opens, 4096);
	attach(1, NULL, 4096);
	attach(2, NULL, 1u << 13);
	publish(200, VEX_CREATE, "/x");
	publish(1, VEX_CREATE, long_path);
	CU_ASSERT(state()->backlog.total > 50);
	load_rules("- rule: r\n  condition: evt.type = create\n  route: subscriber:a\n");
	take_all(2);
	take_all(1);
	CU_ASSERT_EQUAL(missing(201), 0);
	CU_ASSERT_EQUAL(take_all(0), 0);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	end();
}

/* All that waited for a group gave way to others: what it blocked is free again. */
static void who_gave_way_blocks_nobody(void)
{
	struct worker *worker;

	plane->backlog = 1024;
	begin("- group: g\n  members: [a, b]\n  slow: 10s\n"
	      "- class: normal\n  overload: block\n  block: 1ms\n  share: 10%\n"
	      "- class: low\n  share: 10%\n"
	      "- class: critical\n  overload: drop_newest\n"
	      "- rule: n\n  condition: evt.type = create\n  route: group:g\n"
	      "- rule: c\n  condition: evt.type = open\n  route: subscriber:c\n  qos: critical\n");
	worker = &plane->workers[port->worker];
	attach(0, NULL, 4096);
	attach(1, NULL, 4096);
	attach(2, NULL, 4096);
	publish(150, VEX_CREATE, "/x");
	CU_ASSERT_EQUAL(worker->blocking, 1);
	publish_through_blocks(700, VEX_OPEN);
	CU_ASSERT_EQUAL(state()->backlog.total, 0);
	CU_ASSERT_EQUAL(worker->held.used, worker->held.capacity);
	CU_ASSERT_FALSE(state()->backlog.blocks);
	end();
}

/* Another definition, the same name: what lay unread is the group's still. */
static void a_group_that_changed_has_its_guards_still(void)
{
	static const char rule[] = "- rule: r\n  condition: evt.type = create\n"
				   "  route: group:g\n  qos: critical\n";
	char text[512];

	snprintf(text, sizeof(text), GROUP "%s", rule);
	begin(text);
	attach(0, NULL, 1u << 16);
	attach(1, NULL, 1u << 16);
	publish(40, VEX_CREATE, "/x");
	snprintf(text, sizeof(text), "- group: g\n  members: [d, b, a]\n%s", rule);
	load_rules(text);
	CU_ASSERT_EQUAL(state()->guards, 40);
	detach(0);
	CU_ASSERT_EQUAL(stat(2)->returned, 20);
	snprintf(text, sizeof(text), "- group: g\n  members: [c]\n%s", rule);
	load_rules(text);
	attach(2, NULL, 1u << 16);
	detach(1);
	CU_ASSERT_EQUAL(take_all(2), 40);
	CU_ASSERT_EQUAL(missing(40), 0);
	CU_ASSERT_EQUAL(state()->guards, 0);
	end();
	unload_rules();
	CU_ASSERT_EQUAL(plane->group_count, 0);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(more_than_can_be_held_are_guarded),
			TEST(long_ones_are_guarded),
			TEST(what_finds_no_place_is_named),
			TEST(who_is_named_and_full_is_no_member_that_got_it),
			TEST(what_fits_no_lane_holds_nothing_up),
			TEST(what_only_the_full_one_asked_for_holds_nothing_up),
			TEST(what_waits_for_several_goes_to_who_has_room),
			TEST(an_heir_can_take_what_he_is_left),
			TEST(who_gave_way_blocks_nobody),
			TEST(a_group_that_changed_has_its_guards_still),
			TEST(only_who_left_them_has_them_returned),
	};

	return fixture_run("guards", tests, sizeof(tests) / sizeof(tests[0]));
}
