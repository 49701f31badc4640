/* SPDX-License-Identifier: BSD-3-Clause */
/* Producers and subscribers that lie, by bytes or by position. */
#include "fixture.h"

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

static void commit_gap_of_another(struct producer *lane)
{
	struct vex_attr_gap gap = {.first = 5, .last = 1000004, .count = 1000000};
	struct vex_record *record = vex_lane_reserve(&lane->writer, VEX_GAP_RECORD_SIZE);

	CU_ASSERT_PTR_NOT_NULL_FATAL(record);
	record->id = (struct vex_event_id){0};
	vex_gap_fill(record, &gap, 1);
	record->boundary = VEX_BOUNDARY_APP;
	vex_lane_commit(&lane->writer, record, VEX_GAP_RECORD_SIZE);
}

/* GAPs pass rules and filters: nobody may make one up. */
static void gaps_of_other_lanes_are_only_for_who_speaks_for_them(void)
{
	struct port *strange = harness_port(plane, VEX_BOUNDARY_APP, 0, true);
	struct port *replay = harness_port(plane, VEX_BOUNDARY_REPLAY, VEX_PORT_KEEP_ID, false);
	struct vex_event event = sample(VEX_CREATE, "/after");
	struct producer lane = {0}, kept = {0};

	harness_lane(plane, strange, RING, &lane);
	commit_gap_of_another(&lane);
	CU_ASSERT(harness_publish(&lane, &event));
	harness_settle(plane);
	CU_ASSERT_EQUAL(harness_read(&consumer)->type, VEX_CREATE);
	CU_ASSERT_PTR_NULL(harness_read(&consumer));
	CU_ASSERT_EQUAL(strange->stat->reject[VEX_REJECT_BOUNDARY], 1);
	harness_lane(plane, replay, RING, &kept);
	commit_gap_of_another(&kept);
	harness_settle(plane);
	CU_ASSERT_EQUAL(harness_read(&consumer)->type, VEX_GAP);
	harness_producer_free(&lane);
	harness_producer_free(&kept);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(bad_records_are_counted_and_skipped),
			TEST(lanes_that_lie_are_detached),
			TEST(a_lying_subscriber_harms_only_itself),
			TEST(a_stranger_can_not_speak_for_others),
			TEST(gaps_of_other_lanes_are_only_for_who_speaks_for_them),
	};

	return fixture_run("hostile", tests, sizeof(tests) / sizeof(tests[0]));
}
