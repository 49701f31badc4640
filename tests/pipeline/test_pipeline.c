/* SPDX-License-Identifier: BSD-3-Clause */
/* The real pipeline, round by round: what goes in, what comes out, and that all is counted. */
#include <errno.h>
#include <stdlib.h>

#include <CUnit/Basic.h>

#include "dataplane/port.h"
#include "dataplane/subscriber.h"
#include "support/harness.h"

#define RING (64u << 10)

static struct plane *plane;
static struct port *port;
static struct producer producer;
static struct consumer consumer;

static void set_up(void)
{
	plane = harness_plane();
	port = harness_port(plane, VEX_BOUNDARY_APP, 0, false);
	memset(&producer, 0, sizeof(producer));
	harness_lane(plane, port, RING, &producer);
	harness_subscribe(plane, NULL, 1u << 20, &consumer);
}

/* Every test ends by checking conservation, with everyone there and with everyone gone. */
static void tear_down(void)
{
	harness_settle(plane);
	CU_ASSERT(harness_verify(plane));
	harness_free(plane);
	harness_producer_free(&producer);
	harness_consumer_free(&consumer);
}

static struct vex_event sample(uint16_t type, const char *path)
{
	return (struct vex_event){.type = type,
			.has = VEX_HAS_PATH | VEX_HAS_TASK,
			.start_ns = 1000,
			.duration_ns = 10,
			.pid = 10,
			.tid = 11,
			.ppid = 1,
			.uid = 1000,
			.gid = 100,
			.path = {path, strlen(path)}};
}

static unsigned drain(void)
{
	unsigned n = 0;

	while (harness_read(&consumer))
		n++;
	return n;
}

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

static void a_full_subscriber_gets_a_gap_and_the_others_all(void)
{
	struct vex_event event = sample(VEX_CREATE, "/full");
	uint64_t expected = 0, seen = 0;
	struct consumer slow;
	const struct vex_record *record;

	harness_subscribe(plane, NULL, 4096, &slow);
	for (int i = 0; i < 300; i++) {
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		harness_round(plane);
	}
	CU_ASSERT_EQUAL(drain(), 300);
	for (int again = 0; again < 2; again++) {
		while ((record = harness_read(&slow))) {
			if (record->type == VEX_GAP) {
				struct vex_attr_gap gap;

				memcpy(&gap, vex_record_attr(record, VEX_ATTR_GAP, NULL),
						sizeof(gap));
				CU_ASSERT_EQUAL(gap.first, expected);
				CU_ASSERT_EQUAL(gap.reason, VEX_GAP_TARGET_FULL);
				CU_ASSERT_EQUAL(gap.count, gap.last - gap.first + 1);
				expected = gap.last + 1;
			} else {
				CU_ASSERT_EQUAL(record->id.seq, expected);
				expected++;
				seen++;
			}
		}
		harness_settle(plane); /* the idle worker announces what is owed */
	}
	CU_ASSERT_EQUAL(slow.gaps, 1);
	CU_ASSERT_EQUAL(seen + slow.lost, 300);
	CU_ASSERT_EQUAL(expected, 300);
	harness_consumer_free(&slow);
}

static void a_full_producer_announces_its_gap(void)
{
	struct vex_event event = sample(VEX_CREATE, "/lost");
	unsigned taken = 0, lost = 0;
	const struct vex_record *record;
	struct vex_attr_gap gap = {0};

	for (int i = 0; i < 1000; i++)
		harness_publish(&producer, &event) ? taken++ : lost++;
	CU_ASSERT(lost > 0);
	harness_settle(plane);
	CU_ASSERT(harness_publish(&producer, &event));
	harness_settle(plane);
	while ((record = harness_read(&consumer)))
		if (record->type == VEX_GAP)
			memcpy(&gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(gap));
	CU_ASSERT_EQUAL(gap.first, taken);
	CU_ASSERT_EQUAL(gap.count, lost);
	CU_ASSERT_EQUAL(gap.reason, VEX_GAP_LANE_FULL);
	CU_ASSERT_EQUAL(port->stat->lost, lost);
	CU_ASSERT_EQUAL(port->stat->gaps, 1);
}

static void a_dead_producer_loss_is_announced_for_it(void)
{
	struct vex_event event = sample(VEX_CREATE, "/dead");
	unsigned lost = 0, events = 0;
	const struct vex_record *record;
	struct vex_attr_gap gap = {0};

	for (int i = 0; i < 1000; i++)
		lost += !harness_publish(&producer, &event);
	port_drain(plane, port);
	while (port_reap(plane))
		harness_round(plane);
	while ((record = harness_read(&consumer))) {
		events += record->type == VEX_CREATE;
		if (record->type == VEX_GAP)
			memcpy(&gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(gap));
	}
	CU_ASSERT_EQUAL(gap.count, lost);
	CU_ASSERT_EQUAL(gap.reason, VEX_GAP_ABANDONED);
	CU_ASSERT_EQUAL(events + lost, 1000);
	CU_ASSERT_EQUAL(plane->stat->retired.abandoned, lost);
	CU_ASSERT_EQUAL(plane->stat->port[0].state, VEX_SLOT_FREE);
}

/* Commits raw bytes as a record, as a hostile producer would. */
static void commit_raw(const struct vex_record *record, uint32_t claimed)
{
	struct vex_record *to = vex_lane_reserve(&producer.writer, record->size);

	memcpy((uint8_t *)to + 8, (const uint8_t *)record + 8, record->size - 8);
	vex_lane_commit(&producer.writer, to, record->size);
	if (claimed != record->size)
		VEX_STORE_RELEASE(&to->size, claimed);
}

static void reject_one(void (*spoil)(struct vex_record *), enum vex_reject reason)
{
	struct vex_event event = sample(VEX_CREATE, "/bad");
	uint64_t buffer[64];
	struct vex_record *record = (struct vex_record *)buffer;
	uint64_t before = port->stat->reject[reason];

	vex_event_encode(&event, record);
	record->size = vex_event_size(&event);
	spoil(record);
	commit_raw(record, record->size);
	CU_ASSERT(harness_publish(&producer, &event));
	harness_settle(plane);
	CU_ASSERT_EQUAL(port->stat->reject[reason], before + 1);
	CU_ASSERT_EQUAL(drain(), 1); /* the good one behind it */
	CU_ASSERT_FALSE(port->lanes[producer.lane]->untrusted);
}

static void spoil_type(struct vex_record *record) { record->type = 255; }
static void spoil_boundary(struct vex_record *record) { record->boundary = 200; }
static void spoil_count(struct vex_record *record) { record->attr_count++; }
static void spoil_attr(struct vex_record *record)
{
	uint32_t head = vex_attr_head(4000, 8);

	memcpy(record + 1, &head, 4);
}
static void spoil_string(struct vex_record *record)
{
	char *path = (char *)(uintptr_t)vex_record_attr(record, VEX_ATTR_PATH, NULL);

	path[1] = '\0';
}

static void bad_records_are_counted_and_skipped(void)
{
	reject_one(spoil_type, VEX_REJECT_TYPE);
	reject_one(spoil_boundary, VEX_REJECT_BOUNDARY);
	reject_one(spoil_count, VEX_REJECT_COUNT);
	reject_one(spoil_attr, VEX_REJECT_ATTRIBUTE);
	reject_one(spoil_string, VEX_REJECT_STRING);
}

static void untrusted(uint32_t claimed, uint32_t seq_step, enum vex_reject reason)
{
	struct vex_event event = sample(VEX_CREATE, "/hostile");
	uint64_t buffer[64];
	struct vex_record *record = (struct vex_record *)buffer;
	struct producer fresh = {0};

	set_up();
	vex_event_encode(&event, record);
	record->size = vex_event_size(&event);
	commit_raw(record, record->size);
	harness_settle(plane);
	producer.writer.seq += seq_step;
	commit_raw(record, claimed ? claimed : record->size);
	commit_raw(record, record->size);
	harness_settle(plane);
	CU_ASSERT_EQUAL(port->stat->reject[reason], 1);
	CU_ASSERT_EQUAL(drain(), 1);
	port_reap(plane);
	CU_ASSERT_EQUAL(port->lane_count, 0);
	CU_ASSERT_EQUAL(plane->stat->retired.untrusted, 1);
	harness_lane(plane, port, RING, &fresh); /* the plane goes on */
	CU_ASSERT(harness_publish(&fresh, &event));
	harness_settle(plane);
	CU_ASSERT_EQUAL(drain(), 1);
	tear_down();
	harness_producer_free(&fresh);
}

static void lanes_that_lie_are_detached(void)
{
	static const uint32_t sizes[] = {8, 52, 57, 0x80000000u, UINT32_MAX, VEX_RECORD_MAX + 8,
			RING, RING - 56};

	tear_down();
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		untrusted(sizes[i], 0, VEX_REJECT_SIZE);
	untrusted(0, 1, VEX_REJECT_SEQUENCE);
	untrusted(0, UINT32_MAX, VEX_REJECT_SEQUENCE);
	set_up();
}

static void a_lying_subscriber_harms_only_itself(void)
{
	static const uint64_t lies[] = {UINT64_MAX, 1, 1ull << 40, 64 * 1000};
	struct vex_event event = sample(VEX_CREATE, "/liar");
	struct consumer liar;

	harness_subscribe(plane, NULL, 4096, &liar);
	for (unsigned i = 0; i < 400; i++) {
		liar.page[0].page->position = lies[i % 4];
		liar.page[0].page->events = lies[i % 4];
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		harness_round(plane);
	}
	CU_ASSERT_EQUAL(drain(), 400);
	harness_consumer_free(&liar);
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

static void a_stranger_can_not_speak_for_others(void)
{
	struct port *strange = harness_port(plane, VEX_BOUNDARY_APP, 0, true);
	struct vex_event event = sample(VEX_DELETE, "/forged");
	struct producer lane = {0};
	const struct vex_record *record;

	CU_ASSERT_PTR_NULL(harness_port(plane, VEX_BOUNDARY_KERNEL, 0, true));
	CU_ASSERT_PTR_NULL(harness_port(plane, VEX_BOUNDARY_APP, VEX_PORT_KEEP_ID, true));
	CU_ASSERT_PTR_NULL(harness_port(plane, 99, 0, false));
	harness_lane(plane, strange, RING, &lane);
	harness_publish(&lane, &event);
	harness_settle(plane);
	record = harness_read(&consumer);
	CU_ASSERT_EQUAL(record->pid, 4242);
	CU_ASSERT_EQUAL(record->uid, 65534);
	CU_ASSERT_EQUAL(record->gid, 65533);
	harness_producer_free(&lane);
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

/* As after a restart: what an old data plane had not taken is taken, numbers go on. */
static void a_lane_is_taken_over_where_it_stood(void)
{
	struct vex_event event = sample(VEX_WRITE, "/again");
	const struct vex_record *record;
	uint64_t next = 0;

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
	for (next = 20; (record = harness_read(&consumer)); next++)
		CU_ASSERT_EQUAL(record->id.seq, next);
	CU_ASSERT_EQUAL(next, 22);
}

#define TEST(name) CU_ADD_TEST(suite, name)

int main(void)
{
	CU_pSuite suite;
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite_with_setup_and_teardown("pipeline", NULL, NULL, set_up, tear_down);
	TEST(each_type_keeps_all_it_bears);
	TEST(sizes_from_least_to_largest);
	TEST(lanes_merge_by_time);
	TEST(filters_choose_and_the_rest_is_unmatched);
	TEST(a_full_subscriber_gets_a_gap_and_the_others_all);
	TEST(a_full_producer_announces_its_gap);
	TEST(a_dead_producer_loss_is_announced_for_it);
	TEST(bad_records_are_counted_and_skipped);
	TEST(lanes_that_lie_are_detached);
	TEST(a_lying_subscriber_harms_only_itself);
	TEST(a_port_moves_between_workers_without_loss);
	TEST(a_stranger_can_not_speak_for_others);
	TEST(ids_are_kept_where_that_was_asked_for);
	TEST(a_lane_is_taken_over_where_it_stood);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
