/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes in comes out: whole, in order, to whom asked for it. */
#include <errno.h>

#include "base/clock.h"
#include "dataplane/subscriber.h"
#include "fixture.h"

#define VEX_EVENT(id, NAME, text, cat, ocsf, desc) id,
static const uint16_t all_types[] = {
#include "abi/event.def"
};
#undef VEX_EVENT

static void each_type_keeps_all_it_bears(void)
{
	struct vex_pair pair = {{"user.x", 6}, {"\0\xff", 2}};
	struct vex_bytes label = {"Person", 6};

	for (unsigned i = 0; i < sizeof(all_types) / sizeof(all_types[0]); i++) {
		struct vex_event event = sample(all_types[i], "/a\n\xff b"), got;
		const struct vex_record *record;
		struct vex_event_space space;

		if (event.type == VEX_GAP)
			continue; /* the lane's own, below */
		event.has = 0x3ff;
		event.path2 = (struct vex_bytes){"/c", 2};
		event.comm = (struct vex_bytes){"cp", 2};
		event.pairs = &pair;
		event.pair_count = event.label_count = 1;
		event.labels = &label;
		event.duration_ns = 1ull << 40;
		event.graph.edge = 77;
		event.vector.dimension = 768;
		event.ino = 1ull << 63;
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		harness_round(plane);
		record = harness_read(&consumer);
		CU_ASSERT_FATAL(record != NULL);
		vex_event_decode(record, &got, &space);
		CU_ASSERT_EQUAL(got.type, event.type);
		CU_ASSERT_EQUAL(got.has, event.has);
		CU_ASSERT_EQUAL(got.duration_ns, event.duration_ns);
		CU_ASSERT_EQUAL(got.ino, event.ino);
		CU_ASSERT_EQUAL(got.graph.edge, 77);
		CU_ASSERT_EQUAL(got.vector.dimension, 768);
		CU_ASSERT_EQUAL(got.path.len, event.path.len);
		CU_ASSERT(!memcmp(got.path.data, event.path.data, event.path.len));
		CU_ASSERT_EQUAL(got.pairs[0].value.len, 2);
		CU_ASSERT(!memcmp(got.pairs[0].value.data, "\0\xff", 2));
		CU_ASSERT_EQUAL(got.boundary, VEX_BOUNDARY_APP);
		CU_ASSERT_EQUAL(got.id.node, 7);
	}
}

static void sizes_from_least_to_largest(void)
{
	static char path[4096], value[65536];
	struct vex_pair pair = {{"user.big", 8}, {value, sizeof(value)}};
	struct producer big = {0};
	unsigned sent = 0;

	memset(path, 'p', sizeof(path));
	harness_lane(plane, port, 1u << 20, &big);
	for (size_t len = 0; len <= sizeof(path); len += len < 300 ? 1 : 97) {
		struct vex_event event = sample(VEX_RENAME, "");

		event.has |= VEX_HAS_PATH2;
		event.path = event.path2 = (struct vex_bytes){path, len};
		CU_ASSERT_FATAL(harness_publish(&big, &event));
		sent++;
		harness_round(plane);
		const struct vex_record *record = harness_read(&consumer);
		uint32_t got;
		CU_ASSERT_FATAL(record && vex_record_attr(record, VEX_ATTR_PATH2, &got));
		CU_ASSERT_EQUAL(got, len);
	}
	for (size_t len = 0; len <= sizeof(value); len = len * 2 + 1 > sizeof(value) ? (len == sizeof(value) ? len + 1 : sizeof(value)) : len * 2 + 1) {
		struct vex_event event = sample(VEX_SETXATTR, "/x");

		pair.value.len = len;
		event.pairs = &pair;
		event.pair_count = 1;
		CU_ASSERT_FATAL(harness_publish(&big, &event));
		harness_round(plane);
		CU_ASSERT_PTR_NOT_NULL(harness_read(&consumer));
	}
	CU_ASSERT(sent > 300);
	port_drain(plane, port);
	harness_producer_free(&big);
}

static void lanes_merge_by_time(void)
{
	struct producer lanes[8] = {{0}};
	uint64_t last = 0;
	unsigned read = 0;
	const struct vex_record *record;

	for (unsigned i = 0; i < 8; i++)
		harness_lane(plane, port, RING, &lanes[i]);
	for (unsigned t = 0; t < 400; t++) {
		struct vex_event event = sample(VEX_WRITE, "/t");

		event.start_ns = 1000 + t * 10; /* of a random lane each time */
		event.duration_ns = 5;
		CU_ASSERT_FATAL(harness_publish(&lanes[(t * 7919u >> 3) % 8], &event));
	}
	harness_settle(plane);
	for (; (record = harness_read(&consumer)); read++) {
		CU_ASSERT(vex_record_end_ns(record) >= last);
		last = vex_record_end_ns(record);
	}
	CU_ASSERT_EQUAL(read, 400);
	for (unsigned i = 0; i < 8; i++)
		harness_producer_free(&lanes[i]);
}

static void filters_choose_and_the_rest_is_unmatched(void)
{
	struct vex_event open = sample(VEX_OPEN, "/a"), close = sample(VEX_CLOSE, "/a");
	struct vex_filter filter = {0};
	struct consumer picky;

	subscriber_remove(plane, consumer.subscriber);
	filter.types[VEX_OPEN / 64] |= 1ull << VEX_OPEN % 64;
	filter.boundaries = 1u << VEX_BOUNDARY_APP;
	harness_subscribe(plane, &filter, RING, &picky);
	for (int i = 0; i < 10; i++) {
		harness_publish(&producer, &open);
		harness_publish(&producer, &close);
		harness_publish(&producer, &close);
	}
	harness_settle(plane);
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(harness_read(&picky)->type, VEX_OPEN);
	CU_ASSERT_PTR_NULL(harness_read(&picky));
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_UNMATCHED], 20);
	CU_ASSERT_EQUAL(port->stat->delivered, 10);
	harness_consumer_free(&picky);
}

static void a_port_moves_between_workers_without_loss(void)
{
	struct vex_event event = sample(VEX_WRITE, "/move");
	char reason[VEX_REASON_MAX];
	const struct vex_record *record;
	uint64_t seen = 0, sum = 0;

	for (unsigned i = 0; i < 5000; i++) {
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		if (i % 3 == 0)
			CU_ASSERT_EQUAL(port_move(plane, port->id, i / 3 % 2, reason), 0);
		if (i % 5 == 0)
			harness_round(plane);
		while ((record = harness_read(&consumer))) {
			seen++;
			sum += record->id.seq;
		}
	}
	harness_settle(plane);
	while ((record = harness_read(&consumer))) {
		seen++;
		sum += record->id.seq;
	}
	CU_ASSERT_EQUAL(seen, 5000);
	CU_ASSERT_EQUAL(sum, 5000ull * 4999 / 2);
	CU_ASSERT(plane->stat->worker[0].received && plane->stat->worker[1].received);
	CU_ASSERT_EQUAL(port_move(plane, 63, 0, reason), -ENOENT);
	CU_ASSERT_EQUAL(port_move(plane, port->id, 2, reason), -ENOENT);
}

static void ids_are_kept_where_that_was_asked_for(void)
{
	struct port *replay = harness_port(plane, VEX_BOUNDARY_REPLAY, VEX_PORT_KEEP_ID, false);
	struct vex_event event = sample(VEX_DELETE, "/kept");
	struct producer lane = {0};
	const struct vex_record *record;

	event.id = (struct vex_event_id){.seq = 99, .node = 3, .port = 4, .lane = 5};
	event.boundary = VEX_BOUNDARY_FUSE;
	harness_lane(plane, replay, RING, &lane);
	harness_publish(&lane, &event);
	harness_settle(plane);
	record = harness_read(&consumer);
	CU_ASSERT(!memcmp(&record->id, &event.id, sizeof(event.id)));
	CU_ASSERT_EQUAL(record->boundary, VEX_BOUNDARY_FUSE);
	harness_producer_free(&lane);
}

/* Publishes events by a lane of its own that is closed again; their ids go on from last. */
static uint64_t ids_of_one_lane(struct port *from, uint64_t last, uint64_t first_seq)
{
	struct vex_event event = sample(VEX_CREATE, "/id");
	struct producer lane = {.true_ids = true, .writer.seq = first_seq};
	const struct vex_record *record;
	char reason[VEX_REASON_MAX];
	uint64_t n = 0;

	harness_lane(plane, from, RING, &lane);
	lane.writer.seq = first_seq + 2; /* the first two were lost, nobody says how */
	for (int i = 0; i < 5; i++)
		CU_ASSERT(harness_publish(&lane, &event));
	harness_settle(plane);
	for (; (record = harness_read(&consumer)); n++, last = record->id.seq)
		CU_ASSERT(n ? record->id.seq == last + 1 : record->id.seq > last);
	CU_ASSERT_EQUAL(n, 5);
	CU_ASSERT_EQUAL(port_remove_lane(plane, from, lane.lane, reason), 0);
	while (port_reap(plane))
		harness_round(plane);
	harness_producer_free(&lane);
	return last;
}

static void ids_never_come_again(void)
{
	uint64_t last = vex_clock_now() - 1;

	for (int i = 0; i < 3; i++)
		last = ids_of_one_lane(port, last, 1000);
	CU_ASSERT(last - plane->stat->started_ns < 1ull << 40);
	plane->id_ends[port->id][1] = last = vex_clock_now() + (1ull << 50); /* a clock set back */
	last = ids_of_one_lane(port, last - 1, 7);
	CU_ASSERT_EQUAL(plane->id_ends[port->id][1], last + 1);
}

/* Which rules led an event on is not its producer's to say, unless it speaks for another plane. */
static void what_only_the_data_plane_may_add_is_taken_out(void)
{
	struct port *replay = harness_port(plane, VEX_BOUNDARY_REPLAY, VEX_PORT_KEEP_ID, false);
	struct vex_event event = sample(VEX_CREATE, "/claims"), got;
	struct vex_bytes label = {"last", 4};
	struct vex_event_space space;
	struct producer lane = {0};

	event.has |= VEX_HAS_ROUTE | VEX_HAS_SUPPRESSED;
	event.route = (struct vex_attr_route){.generation = 9, .rule = 3, .matched = 1};
	event.suppressed.count = 5;
	event.label_count = 1;
	event.labels = &label;
	harness_lane(plane, replay, RING, &lane);
	harness_publish(&producer, &event);
	harness_settle(plane);
	vex_event_decode(harness_read(&consumer), &got, &space);
	CU_ASSERT_EQUAL(got.has, event.has & ~(uint32_t)(VEX_HAS_ROUTE | VEX_HAS_SUPPRESSED));
	CU_ASSERT_EQUAL(got.path.len, 7);
	CU_ASSERT_EQUAL(got.label_count, 1);
	CU_ASSERT(!memcmp(got.labels[0].data, "last", 4));
	harness_publish(&lane, &event);
	harness_settle(plane);
	vex_event_decode(harness_read(&consumer), &got, &space);
	CU_ASSERT_EQUAL(got.has, event.has);
	CU_ASSERT(!memcmp(&got.route, &event.route, sizeof(got.route)));
	CU_ASSERT_EQUAL(got.suppressed.count, 5);
	harness_producer_free(&lane);
}

/* As after a restart: what an old data plane had not taken is taken, numbers go on. */
static void a_lane_is_taken_over_where_it_stood(void)
{
	struct vex_event event = sample(VEX_WRITE, "/again");
	const struct vex_record *record;
	uint64_t next = 0, first = 0;

	for (int i = 0; i < 10; i++)
		harness_publish(&producer, &event);
	harness_round(plane);
	for (; (record = harness_read(&consumer)); next++)
		CU_ASSERT_EQUAL(record->id.seq, next);
	for (int i = 0; i < 10; i++)
		harness_publish(&producer, &event);
	harness_consumer_free(&consumer);
	harness_free(plane); /* drains, unread by anyone: as if killed, but for the position */
	VEX_STORE_RELAXED(&producer.writer.seq, producer.writer.seq);
	plane = harness_plane();
	port = harness_port(plane, VEX_BOUNDARY_APP, 0, false);
	harness_subscribe(plane, NULL, RING, &consumer);
	harness_publish(&producer, &event);
	harness_lane(plane, port, RING, &producer);
	harness_publish(&producer, &event);
	harness_settle(plane);
	for (next = 20; (record = harness_read(&consumer)); next++) {
		if (next == 20)
			first = record->id.seq;
		CU_ASSERT_EQUAL(record->id.seq, first + next - 20);
	}
	CU_ASSERT_EQUAL(next, 22);
	CU_ASSERT_EQUAL(port->lanes[producer.lane]->reader.seq, 22);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(each_type_keeps_all_it_bears),
			TEST(sizes_from_least_to_largest),
			TEST(lanes_merge_by_time),
			TEST(filters_choose_and_the_rest_is_unmatched),
			TEST(a_port_moves_between_workers_without_loss),
			TEST(ids_are_kept_where_that_was_asked_for),
			TEST(ids_never_come_again),
			TEST(what_only_the_data_plane_may_add_is_taken_out),
			TEST(a_lane_is_taken_over_where_it_stood),
	};

	return fixture_run("flow", tests, sizeof(tests) / sizeof(tests[0]));
}
