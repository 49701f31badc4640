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

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(bad_records_are_counted_and_skipped),
			TEST(lanes_that_lie_are_detached),
			TEST(a_lying_subscriber_harms_only_itself),
			TEST(a_stranger_can_not_speak_for_others),
	};

	return fixture_run("hostile", tests, sizeof(tests) / sizeof(tests[0]));
}
