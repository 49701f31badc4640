/* SPDX-License-Identifier: BSD-3-Clause */
/* Service classes: who is polled first. */
#include "fixture.h"

#define BURST VEX_BURST_MAX

static uint32_t flags_of(enum vex_qos qos)
{
	return (uint32_t)qos << VEX_PORT_QOS_SHIFT;
}

static void publish(struct producer *to, uint32_t count)
{
	struct vex_event event = sample(VEX_CREATE, "/class");

	while (count--)
		CU_ASSERT_FATAL(harness_publish(to, &event));
}

static void an_urgent_port_is_polled_first(void)
{
	char reason[VEX_REASON_MAX];
	struct port *urgent =
			harness_port(plane, VEX_BOUNDARY_APP, flags_of(VEX_QOS_CRITICAL), false);
	struct producer other = {0};

	CU_ASSERT_FATAL(urgent != NULL);
	CU_ASSERT_EQUAL(urgent->qos, VEX_CLASS_CRITICAL);
	CU_ASSERT_EQUAL(port->qos, VEX_CLASS_NORMAL);
	harness_lane(plane, urgent, RING, &other);
	CU_ASSERT_EQUAL(port_move(plane, urgent->id, port->worker, reason), 0);
	publish(&producer, 2 * BURST);
	publish(&other, 2 * BURST + 10);
	harness_round(plane);
	harness_round(plane);
	CU_ASSERT_EQUAL(urgent->stat->received, 2 * BURST);
	CU_ASSERT_EQUAL(port->stat->received, 0);
	harness_round(plane); /* less than a full burst is left: the others' turn */
	CU_ASSERT_EQUAL(urgent->stat->received, 2 * BURST + 10);
	CU_ASSERT_EQUAL(port->stat->received, BURST);
	harness_settle(plane);
	CU_ASSERT_EQUAL(port->stat->received, 2 * BURST);
	CU_ASSERT_EQUAL(drain(), 4 * BURST + 10);
	harness_producer_free(&other);
}

static void ports_of_one_class_take_turns(void)
{
	char reason[VEX_REASON_MAX];
	struct port *second =
			harness_port(plane, VEX_BOUNDARY_APP, flags_of(VEX_QOS_NORMAL), false);
	struct producer other = {0};

	harness_lane(plane, second, RING, &other);
	CU_ASSERT_EQUAL(port_move(plane, second->id, port->worker, reason), 0);
	publish(&producer, 2 * BURST);
	publish(&other, 2 * BURST);
	harness_round(plane);
	CU_ASSERT_EQUAL(second->stat->received, BURST);
	CU_ASSERT_EQUAL(port->stat->received, BURST);
	harness_settle(plane);
	CU_ASSERT_EQUAL(drain(), 4 * BURST);
	harness_producer_free(&other);
}

static void strangers_are_not_polled_first(void)
{
	CU_ASSERT_PTR_NULL(harness_port(plane, VEX_BOUNDARY_APP, flags_of(VEX_QOS_CRITICAL), true));
	CU_ASSERT_PTR_NULL(harness_port(plane, VEX_BOUNDARY_APP, flags_of(VEX_QOS_HIGH), true));
	CU_ASSERT_PTR_NULL(harness_port(plane, VEX_BOUNDARY_APP, flags_of(VEX_QOS_COUNT), false));
	CU_ASSERT_PTR_NOT_NULL(harness_port(plane, VEX_BOUNDARY_APP, flags_of(VEX_QOS_LOW), true));
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(an_urgent_port_is_polled_first),
			TEST(ports_of_one_class_take_turns),
			TEST(strangers_are_not_polled_first),
	};

	return fixture_run("class", tests, sizeof(tests) / sizeof(tests[0]));
}
