/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss: told to whom it concerns, exactly, and counted. */
#include "dataplane/subscriber.h"
#include "fixture.h"

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

/* However empty the lane is: that is another reason, with another remedy. */
static void what_is_larger_than_a_lane_is_told_so(void)
{
	static char path[4000];
	const struct vex_record *record;
	struct vex_attr_gap gap = {0};
	struct vex_target_stat *stat;
	struct vex_event event;
	struct consumer small;

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	event = sample(VEX_CREATE, path);
	harness_subscribe(plane, NULL, 4096, &small);
	stat = small.subscriber->targets[port->worker]->stat;
	CU_ASSERT_FATAL(harness_publish(&producer, &event));
	harness_settle(plane);
	while ((record = harness_read(&small)))
		memcpy(&gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(gap));
	CU_ASSERT_EQUAL(gap.reason, VEX_GAP_TOO_LARGE);
	CU_ASSERT_EQUAL(gap.count, 1);
	CU_ASSERT_EQUAL(stat->too_large, 1);
	CU_ASSERT_EQUAL(stat->target_full, 0);
	CU_ASSERT_EQUAL(port->stat->delivered, 1); /* to the other */
	CU_ASSERT_EQUAL(drain(), 1);
	subscriber_remove(plane, consumer.subscriber);
	harness_consumer_free(&consumer);
	CU_ASSERT_FATAL(harness_publish(&producer, &event));
	harness_settle(plane);
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_TOO_LARGE], 1);
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_TARGET_FULL], 0);
	CU_ASSERT(harness_verify(plane));
	harness_consumer_free(&small);
	harness_subscribe(plane, NULL, 4096, &consumer);
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

/* The next GAP that the consumer finds; all of 0 where there is none. */
static struct vex_attr_gap next_gap(void)
{
	const struct vex_record *record;
	struct vex_attr_gap gap = {0};

	while (!gap.count && (record = harness_read(&consumer)))
		if (record->type == VEX_GAP)
			memcpy(&gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(gap));
	return gap;
}

/* Long enough for the idle worker to look for losses. */
static void idle(void)
{
	for (int i = 0; i < 1000; i++)
		harness_round(plane);
}

static void a_quiet_producer_loss_is_announced_for_it(void)
{
	struct vex_event event = sample(VEX_CREATE, "/quiet");
	unsigned taken = 0, lost = 0;
	struct vex_attr_gap gap;

	for (int i = 0; i < 1000; i++)
		harness_publish(&producer, &event) ? taken++ : lost++;
	idle();
	gap = next_gap();
	CU_ASSERT_EQUAL(gap.first, taken);
	CU_ASSERT_EQUAL(gap.count, lost);
	CU_ASSERT_EQUAL(port->stat->lost, lost);

	/* Lost since then: told at once by the producer's own GAP, less what was told. */
	vex_lane_lose(&producer.writer, 7, VEX_GAP_LANE_FULL);
	CU_ASSERT(harness_publish(&producer, &event));
	harness_settle(plane);
	gap = next_gap();
	CU_ASSERT_EQUAL(gap.first, taken + lost);
	CU_ASSERT_EQUAL(gap.count, 7);
	CU_ASSERT_EQUAL(gap.last, gap.first + 6);
	CU_ASSERT_EQUAL(port->stat->lost, lost + 7);

	/* A loss that the producer's page still shows, since it was held up there, is not told again. */
	VEX_STORE_RELEASE(&producer.ring.page->lost_count, 7);
	idle();
	CU_ASSERT_EQUAL(next_gap().count, 0);
	VEX_STORE_RELEASE(&producer.ring.page->lost_count, 0);

	/* A GAP with nothing new in it is dropped, by name. */
	vex_lane_lose(&producer.writer, 5, VEX_GAP_LANE_FULL);
	idle();
	CU_ASSERT_EQUAL(next_gap().count, 5);
	CU_ASSERT(harness_publish(&producer, &event));
	harness_settle(plane);
	CU_ASSERT_EQUAL(next_gap().count, 0);
	CU_ASSERT_EQUAL(port->stat->lost, lost + 12);
	CU_ASSERT_EQUAL(port->stat->reject[VEX_REJECT_TOLD], 1);
	CU_ASSERT_EQUAL(port->stat->reject[VEX_REJECT_SEQUENCE], 0);
	CU_ASSERT_EQUAL(port->stat->gaps, 3);
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

/* As many rounds as a few looks at quiet lanes take, with something to take in each of them. */
static void keep_busy(void)
{
	struct vex_event event = sample(VEX_WRITE, "/busy");

	for (int i = 0; i < 200; i++) {
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		CU_ASSERT(harness_round(plane) > 0);
		drain();
		port_reap(plane);
	}
}

static void lanes_that_were_closed_go_while_another_is_busy(void)
{
	struct vex_event event = sample(VEX_CREATE, "/closed");
	struct producer closed[8] = {0};
	char reason[VEX_REASON_MAX];
	uint64_t lost = 0;

	for (unsigned i = 0; i < 8; i++) {
		harness_lane(plane, port, 4096, &closed[i]);
		for (int n = 0; n < 100; n++)
			lost += !harness_publish(&closed[i], &event);
		CU_ASSERT_EQUAL(port_remove_lane(plane, port, closed[i].lane, reason), 0);
	}
	for (int i = 0; i < 8; i++) /* a look tells of the loss of one at most */
		keep_busy();
	CU_ASSERT_EQUAL(port->lane_count, 1);
	CU_ASSERT_EQUAL(plane->stat->retired.abandoned, lost);
	CU_ASSERT_EQUAL(consumer.lost, 0);
	for (unsigned i = 0; i < 8; i++)
		harness_producer_free(&closed[i]);
}

static void a_quiet_lane_loss_is_announced_while_another_is_busy(void)
{
	struct vex_event event = sample(VEX_CREATE, "/quiet");
	struct producer quiet = {0};
	uint64_t lost = 0;

	harness_lane(plane, port, 4096, &quiet);
	for (int n = 0; n < 100; n++)
		lost += !harness_publish(&quiet, &event);
	keep_busy();
	CU_ASSERT_EQUAL(port->stat->lost, lost);
	CU_ASSERT_EQUAL(port->stat->gaps, 1);
	harness_producer_free(&quiet);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(a_full_subscriber_gets_a_gap_and_the_others_all),
			TEST(what_is_larger_than_a_lane_is_told_so),
			TEST(a_full_producer_announces_its_gap),
			TEST(a_quiet_producer_loss_is_announced_for_it),
			TEST(a_dead_producer_loss_is_announced_for_it),
			TEST(lanes_that_were_closed_go_while_another_is_busy),
			TEST(a_quiet_lane_loss_is_announced_while_another_is_busy),
	};

	return fixture_run("loss", tests, sizeof(tests) / sizeof(tests[0]));
}
