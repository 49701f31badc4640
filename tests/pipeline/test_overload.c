/* SPDX-License-Identifier: BSD-3-Clause */
/* Full lanes: who waits, in which order, who gives way, and that all of it is accounted for. */
#include "fixture.h"

#include "dataplane/plan.h"
#include "dataplane/subscriber.h"
#include "dataplane/worker.h"

#define BURST VEX_BURST_MAX
#define SMALL BACKLOG_MIN

/* What a slow subscriber with the smallest lane got, in order. */
struct slow {
	struct consumer consumer;
	uint64_t expected; /* sequence number of the next event of the one port */
	uint64_t seen;
	uint64_t missed;
};

static struct slow slow;

static void subscribe_slowly(uint32_t backlog)
{
	plane->backlog = backlog;
	plane->holds = backlog != 0;
	memset(&slow, 0, sizeof(slow));
	harness_subscribe(plane, NULL, 4096, &slow.consumer);
}

static void publish(uint32_t count)
{
	struct vex_event event = sample(VEX_CREATE, "/backlog");

	while (count--)
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
}

static void publish_and_settle(uint32_t count)
{
	for (; count > BURST; count -= BURST) {
		publish(BURST);
		harness_round(plane);
	}
	publish(count);
	harness_settle(plane);
}

/* Reads all that there is, in order, and lets the worker write more, until nothing comes. */
static void read_slowly(void)
{
	const struct vex_record *record;
	uint64_t before;

	do {
		before = slow.seen + slow.missed;
		while ((record = harness_read(&slow.consumer))) {
			if (record->type == VEX_GAP) {
				slow.missed = slow.consumer.lost;
				continue;
			}
			CU_ASSERT(record->id.seq >= slow.expected);
			slow.expected = record->id.seq + 1;
			slow.seen++;
		}
		harness_settle(plane);
	} while (slow.seen + slow.missed != before);
}

static struct vex_target_stat *slow_stat(void)
{
	return slow.consumer.subscriber->targets[port->worker]->stat;
}

static struct vex_class_stat *class_stat(enum vex_class class)
{
	return &plane->workers[port->worker].stat->class[class];
}

static void what_finds_no_room_waits(void)
{
	subscribe_slowly(1024);
	publish_and_settle(500);
	CU_ASSERT_EQUAL(drain(), 500); /* nobody else waits for it */
	CU_ASSERT(slow_stat()->held > 450);
	CU_ASSERT_EQUAL(port->stat->held, slow_stat()->held);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->held, port->stat->held);
	CU_ASSERT_EQUAL(port->stat->delivered, 500 - port->stat->held);
	CU_ASSERT(harness_verify(plane));
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen, 500);
	CU_ASSERT_EQUAL(slow.consumer.lost, 0);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	CU_ASSERT_EQUAL(port->stat->delivered, 500);
	harness_consumer_free(&slow.consumer);
}

static void long_events_wait_as_well(void)
{
	char path[2000];
	struct vex_event event;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	event = sample(VEX_CREATE, path);
	subscribe_slowly(1024);
	for (int i = 0; i < 10; i++)
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
	harness_settle(plane);
	CU_ASSERT_EQUAL(port->stat->held, 9);
	CU_ASSERT_EQUAL(plane->workers[port->worker].held.longs, 9);
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen, 10);
	CU_ASSERT_EQUAL(plane->workers[port->worker].held.used, 0);
	harness_consumer_free(&slow.consumer);
}

static void a_backlog_that_is_full_loses_the_newest(void)
{
	uint64_t in_lane;

	subscribe_slowly(SMALL);
	publish_and_settle(400);
	CU_ASSERT_EQUAL(slow_stat()->held, SMALL);
	in_lane = slow_stat()->delivered;
	CU_ASSERT_EQUAL(slow_stat()->target_full, 400 - SMALL - in_lane);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->missed, slow_stat()->target_full);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->displaced, 0);
	CU_ASSERT(harness_verify(plane));
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen, in_lane + SMALL);
	CU_ASSERT_EQUAL(slow.expected, slow.seen); /* the first ones, all of them */
	CU_ASSERT_EQUAL(slow.consumer.lost, 400 - slow.seen);
	CU_ASSERT_EQUAL(drain(), 400);
	harness_consumer_free(&slow.consumer);
}

static void without_a_backlog_all_is_as_ever(void)
{
	subscribe_slowly(0);
	publish_and_settle(300);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	CU_ASSERT_EQUAL(slow_stat()->held, 0);
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen + slow.consumer.lost, 300);
	CU_ASSERT_EQUAL(slow.expected, slow.seen);
	harness_consumer_free(&slow.consumer);
}

/* Only it is given up: what others wait for, or have got, is theirs. */
static void who_goes_gives_up_what_waited(void)
{
	struct slow other;

	subscribe_slowly(1024);
	other = slow;
	subscribe_slowly(1024);
	publish_and_settle(500);
	CU_ASSERT(slow_stat()->held > 400);
	CU_ASSERT_EQUAL(port->stat->held, slow_stat()->held);
	subscriber_remove(plane, slow.consumer.subscriber);
	harness_consumer_free(&slow.consumer);
	CU_ASSERT(plane->stat->retired.target.target_gone > 400);
	CU_ASSERT(harness_verify(plane));
	slow = other;
	CU_ASSERT_EQUAL(port->stat->held, slow_stat()->held);
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen, 500);
	CU_ASSERT_EQUAL(port->stat->delivered, 500);
	CU_ASSERT_EQUAL(drain(), 500);
	harness_consumer_free(&slow.consumer);
}

static void who_went_was_the_only_one(void)
{
	uint64_t in_lane;

	subscriber_remove(plane, consumer.subscriber);
	harness_consumer_free(&consumer);
	subscribe_slowly(1024);
	publish_and_settle(500);
	in_lane = slow_stat()->delivered;
	subscriber_remove(plane, slow.consumer.subscriber);
	CU_ASSERT_EQUAL(port->stat->held, 0);
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_TARGET_GONE], 500 - in_lane);
	/* The lane's page tells it, should it still look. */
	CU_ASSERT_EQUAL(slow.consumer.reader[port->worker].peer->lost_count, 500 - in_lane);
	harness_consumer_free(&slow.consumer);
	harness_subscribe(plane, NULL, 4096, &consumer);
}

/* Its account can't be closed while somebody waits for one of its events. */
static void a_port_stays_while_it_holds(void)
{
	uint32_t id = port->id;

	subscribe_slowly(1024);
	publish_and_settle(300);
	CU_ASSERT(port->stat->held > 0);
	port_drain(plane, port);
	do
		harness_settle(plane);
	while (port->lane_count && port_reap(plane));
	CU_ASSERT_TRUE(port_reap(plane));
	CU_ASSERT_EQUAL(plane->stat->port[id].state, VEX_SLOT_DRAINING);
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen, 300);
	CU_ASSERT_FALSE(port_reap(plane));
	CU_ASSERT_EQUAL(plane->stat->port[id].state, VEX_SLOT_FREE);
	CU_ASSERT_EQUAL(plane->stat->retired.port.delivered, 300);
	harness_consumer_free(&slow.consumer);
}

static void a_port_that_holds_does_not_move(void)
{
	uint32_t from = port->worker, to = !from;
	char reason[VEX_REASON_MAX];

	subscribe_slowly(1024);
	publish_and_settle(300);
	CU_ASSERT_EQUAL(port_move(plane, port->id, to, reason), -EBUSY);
	CU_ASSERT_EQUAL(port->worker, from);
	read_slowly();
	CU_ASSERT_EQUAL(port_move(plane, port->id, to, reason), 0);
	CU_ASSERT_EQUAL(port->worker, to);
	publish_and_settle(10);
	harness_consumer_free(&slow.consumer);
}

/* Half the objects are for bursts, whoever waits: all others get theirs. */
static void held_events_are_bounded(void)
{
	struct worker *worker = &plane->workers[port->worker];

	subscribe_slowly(4096);
	publish_and_settle(3000);
	CU_ASSERT_EQUAL(drain(), 3000);
	CU_ASSERT_EQUAL(worker->held.used, worker->held.capacity);
	CU_ASSERT_EQUAL(slow_stat()->held, worker->held.capacity);
	CU_ASSERT(slow_stat()->target_full > 2000);
	CU_ASSERT_EQUAL(worker->stat->stalls, 0);
	CU_ASSERT(harness_verify(plane));
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen + slow.consumer.lost, 3000);
	harness_consumer_free(&slow.consumer);
}

static void use_policy(enum class_overload overload, uint64_t block_ns)
{
	plane->policies[VEX_CLASS_NORMAL].overload = overload;
	plane->policies[VEX_CLASS_NORMAL].block_ns = block_ns;
}

static void the_oldest_give_way(void)
{
	uint64_t in_lane;

	use_policy(CLASS_DROP_OLDEST, 0);
	subscribe_slowly(SMALL);
	publish_and_settle(400);
	in_lane = slow_stat()->delivered;
	CU_ASSERT_EQUAL(slow_stat()->held, SMALL);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->displaced, 400 - SMALL - in_lane);
	CU_ASSERT(harness_verify(plane));
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen, in_lane + SMALL);
	CU_ASSERT_EQUAL(slow.expected, 400); /* the last ones */
	CU_ASSERT_EQUAL(slow.consumer.lost, 400 - slow.seen);
	harness_consumer_free(&slow.consumer);
}

/* The worker stops polling, so that what is published stays in its producer's lane. */
static void a_class_that_blocks_is_felt_by_producers(void)
{
	uint64_t received;

	use_policy(CLASS_BLOCK, UINT64_MAX);
	subscribe_slowly(SMALL);
	for (int i = 0; i < 5; i++) {
		publish(BURST);
		harness_round(plane);
	}
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->blocks, 1);
	received = port->stat->received;
	CU_ASSERT(received < 4 * BURST);
	harness_settle(plane);
	CU_ASSERT_EQUAL(port->stat->received, received);
	CU_ASSERT_EQUAL(slow_stat()->target_full, 0);
	read_slowly();
	CU_ASSERT_EQUAL(slow.seen, 5 * BURST);
	CU_ASSERT_EQUAL(slow.consumer.lost, 0);
	CU_ASSERT(class_stat(VEX_CLASS_NORMAL)->blocked_ns > 0);
	CU_ASSERT_EQUAL(drain(), 5 * BURST);
	harness_consumer_free(&slow.consumer);
}

/* A second port of the same worker. */
static struct port *second;
static struct producer other;

static void open_second(void)
{
	char reason[VEX_REASON_MAX];

	second = harness_port(plane, VEX_BOUNDARY_APP, 0, false);
	CU_ASSERT_FATAL(second != NULL);
	memset(&other, 0, sizeof(other));
	harness_lane(plane, second, 1u << 20, &other);
	CU_ASSERT_EQUAL(port_move(plane, second->id, port->worker, reason), 0);
	harness_producer_free(&producer);
	harness_lane(plane, port, 1u << 20, &producer);
}

static void fill_lanes(uint32_t count, const char *path)
{
	struct vex_event event = sample(VEX_CREATE, path);

	for (uint32_t i = 0; i < count; i++) {
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		CU_ASSERT_FATAL(harness_publish(&other, &event));
	}
}

/* Reads a record a round, so that there is room for a burst now and then; returns how far apart the
 * ports got. */
static uint64_t read_one_a_round(uint32_t count)
{
	uint64_t seen = 0, furthest = 0;

	for (uint32_t rounds = 0; seen < count && rounds < 100 * count; rounds++) {
		uint64_t first = port->stat->received, two = second->stat->received;
		uint64_t apart = first > two ? first - two : two - first;

		furthest = apart > furthest ? apart : furthest;
		seen += harness_read(&slow.consumer) != NULL;
		harness_round(plane);
	}
	CU_ASSERT_EQUAL(seen, count);
	return furthest;
}

/* A block in the middle of a round holds for the ports behind as well; and they take turns. */
static void a_block_holds_for_every_port_at_once(void)
{
	use_policy(CLASS_BLOCK, UINT64_MAX);
	open_second();
	subscribe_slowly(SMALL);
	fill_lanes(20 * BURST, "/backlog");
	CU_ASSERT(read_one_a_round(40 * BURST) <= 2 * BURST);
	CU_ASSERT_EQUAL(slow_stat()->target_full, 0);
	CU_ASSERT_EQUAL(slow.consumer.lost, 0);
	CU_ASSERT(class_stat(VEX_CLASS_NORMAL)->blocks > 1);
	CU_ASSERT_EQUAL(drain(), 40 * BURST);
	harness_consumer_free(&slow.consumer);
	harness_producer_free(&other);
}

/* The table of held events is smaller than the backlog, and has fewer places for long ones yet. */
static void a_class_blocks_where_no_more_can_be_held(void)
{
	static char path[400];
	const struct held_table *held = &plane->workers[port->worker].held;

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	use_policy(CLASS_BLOCK, UINT64_MAX);
	open_second();
	subscribe_slowly(4 * held->capacity);
	fill_lanes(held->capacity, "/backlog");
	read_one_a_round(2 * held->capacity);
	CU_ASSERT_EQUAL(slow_stat()->target_full, 0);
	fill_lanes(4 * held->longs_max, path);
	read_one_a_round(8 * held->longs_max);
	CU_ASSERT_EQUAL(slow_stat()->target_full, 0);
	CU_ASSERT_EQUAL(slow.consumer.lost, 0);
	CU_ASSERT_EQUAL(drain(), 2 * held->capacity + 8 * held->longs_max);
	harness_consumer_free(&slow.consumer);
	harness_producer_free(&other);
}

static void a_block_has_an_end(void)
{
	use_policy(CLASS_BLOCK, 1000);
	subscribe_slowly(SMALL);
	publish_and_settle(400);
	CU_ASSERT_EQUAL(port->stat->received, 400);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->blocks, 1); /* till there is room again */
	CU_ASSERT(class_stat(VEX_CLASS_NORMAL)->blocked_ns >= 1000);
	CU_ASSERT(slow_stat()->target_full > 0);
	CU_ASSERT_EQUAL(drain(), 400);
	read_slowly();
	CU_ASSERT_EQUAL(slow.expected, slow.seen); /* the newest were dropped */
	harness_consumer_free(&slow.consumer);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(what_finds_no_room_waits),
			TEST(long_events_wait_as_well),
			TEST(a_backlog_that_is_full_loses_the_newest),
			TEST(without_a_backlog_all_is_as_ever),
			TEST(who_goes_gives_up_what_waited),
			TEST(who_went_was_the_only_one),
			TEST(a_port_stays_while_it_holds),
			TEST(a_port_that_holds_does_not_move),
			TEST(held_events_are_bounded),
			TEST(the_oldest_give_way),
			TEST(a_class_that_blocks_is_felt_by_producers),
			TEST(a_block_holds_for_every_port_at_once),
			TEST(a_class_blocks_where_no_more_can_be_held),
			TEST(a_block_has_an_end),
	};

	return fixture_run("overload", tests, sizeof(tests) / sizeof(tests[0]));
}
