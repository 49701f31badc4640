/* SPDX-License-Identifier: BSD-3-Clause */
/* Service classes: who is polled first, who is written first, and who gives way. */
#include "load_rules.h"

#include "dataplane/subscriber.h"

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

/* A subscriber that does not read, with the smallest lane and backlog. */
static struct consumer slow;

static void subscribe_slowly(void)
{
	plane->backlog = BACKLOG_MIN;
	harness_subscribe(plane, NULL, 4096, &slow);
	load_rules("- class: normal\n  share: 100%\n- class: high\n  share: 100%\n"
		   "- class: low\n  share: 100%\n"
		   "- rule: c\n  condition: fd.name = /critical\n  qos: critical\n"
		   "- rule: h\n  condition: fd.name = /high\n  qos: high\n"
		   "- rule: l\n  condition: fd.name = /low\n  qos: low\n");
}

static void publish_as(const char *path, uint32_t count)
{
	struct vex_event event = sample(VEX_CREATE, path);

	for (uint32_t i = 0; i < count; i++) {
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		if (i % 32 == 31)
			harness_settle(plane);
	}
	harness_settle(plane);
}

static struct vex_class_stat *class_stat(enum vex_class class)
{
	return &plane->workers[port->worker].stat->class[class];
}

/* The classes of all that the slow one gets from now on: counts, and whether they ascend. */
static bool read_slowly(uint32_t *got)
{
	const struct vex_record *record;
	uint8_t last = 0;
	bool ascend = true, any;

	do {
		any = false;
		while ((record = harness_read(&slow))) {
			const void *attr = vex_record_attr(record, VEX_ATTR_ROUTE, NULL);
			struct vex_attr_route route;

			any = true;
			if (!attr)
				continue;
			memcpy(&route, attr, sizeof(route));
			ascend &= route.qos >= last;
			last = route.qos;
			got[route.qos]++;
		}
		harness_settle(plane);
	} while (any);
	return ascend;
}

static void urgent_events_are_written_first(void)
{
	uint32_t got[VEX_CLASS_COUNT] = {0}, in_lane;

	subscribe_slowly();
	publish_as("/low", 50);
	in_lane = 50 - (uint32_t)port->stat->held;
	publish_as("/none", 20);
	publish_as("/high", 20);
	publish_as("/critical", 20);
	CU_ASSERT(in_lane > 10 && in_lane < 50);
	for (uint32_t i = 0; i < in_lane; i++)
		CU_ASSERT_PTR_NOT_NULL(harness_read(&slow));
	CU_ASSERT_PTR_NULL(harness_read(&slow)); /* gives the room of the last back */
	harness_settle(plane);
	CU_ASSERT_TRUE(read_slowly(got));
	CU_ASSERT_EQUAL(got[VEX_CLASS_CRITICAL], 20);
	CU_ASSERT_EQUAL(got[VEX_CLASS_HIGH], 20);
	CU_ASSERT_EQUAL(got[VEX_CLASS_NORMAL], 20);
	CU_ASSERT_EQUAL(got[VEX_CLASS_LOW], 50 - in_lane);
	CU_ASSERT_EQUAL(slow.lost, 0);
	harness_consumer_free(&slow);
}

/* Critical ones are lost after all others only. */
static void urgent_events_displace_others(void)
{
	uint32_t got[VEX_CLASS_COUNT] = {0}, in_lane;

	subscribe_slowly();
	publish_as("/low", 100);
	in_lane = 100 - (uint32_t)port->stat->held;
	publish_as("/none", 100);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_LOW)->held, BACKLOG_MIN - 100);
	publish_as("/critical", 60);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_LOW)->held, 0);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->held, BACKLOG_MIN - 60);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_CRITICAL)->missed, 0);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_LOW)->missed, 100 - in_lane);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->displaced, 100 + 60 - BACKLOG_MIN);
	CU_ASSERT(harness_verify(plane));
	read_slowly(got);
	CU_ASSERT_EQUAL(got[VEX_CLASS_LOW], in_lane);
	CU_ASSERT_EQUAL(got[VEX_CLASS_NORMAL], BACKLOG_MIN - 60);
	CU_ASSERT_EQUAL(got[VEX_CLASS_CRITICAL], 60);
	CU_ASSERT_EQUAL(slow.lost, 260 - in_lane - BACKLOG_MIN);
	harness_consumer_free(&slow);
}

static void subscribe_to_all_that_can_be_held(void)
{
	subscribe_slowly();
	subscriber_remove(plane, slow.subscriber);
	harness_consumer_free(&slow);
	plane->backlog = 4096;
	harness_subscribe(plane, NULL, 4096, &slow);
	publish_as("/none", 30); /* fills the lane */
}

static void long_path(char *path, size_t size, const char *begin)
{
	memset(path, 'x', size - 1);
	path[size - 1] = '\0';
	memcpy(path, begin, strlen(begin));
}

/* Objects for long ones are used up: short ones do not give way in vain, and long ones one by one. */
static void who_gives_way_frees_what_is_wanted(void)
{
	static char normal[400], low[400];
	const struct held_table *held = &plane->workers[port->worker].held;
	uint64_t displaced;
	uint32_t got[VEX_CLASS_COUNT] = {0}, shorts;

	long_path(normal, sizeof(normal), "/none");
	long_path(low, sizeof(low), "/low/");
	subscribe_to_all_that_can_be_held();
	load_rules("- class: critical\n  overload: drop_newest\n"
		   "- rule: c\n  condition: fd.name startswith /critical\n  qos: critical\n"
		   "- rule: l\n  condition: fd.name startswith /low\n  qos: low\n");
	publish_as("/none", 100);
	shorts = (uint32_t)class_stat(VEX_CLASS_NORMAL)->held;
	publish_as(low, held->longs_max);
	CU_ASSERT_EQUAL(held->longs, held->longs_max);
	publish_as(normal, 10);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_LOW)->displaced, 10);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->displaced, 0);
	memcpy(normal, "/critical", 9);
	publish_as(normal, held->longs_max + 5);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_LOW)->held, 0);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->displaced, 10);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->held, shorts);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_CRITICAL)->held, held->longs_max);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_CRITICAL)->missed, 5);
	displaced = class_stat(VEX_CLASS_NORMAL)->displaced;
	publish_as("/critical", 300); /* short ones have room */
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->displaced, displaced);
	publish_as("/critical", held->capacity - held->used + 20);
	CU_ASSERT_EQUAL(class_stat(VEX_CLASS_NORMAL)->displaced, displaced + 20);
	CU_ASSERT_EQUAL(held->used, held->capacity);
	CU_ASSERT(harness_verify(plane));
	read_slowly(got);
	CU_ASSERT_EQUAL(got[VEX_CLASS_CRITICAL], class_stat(VEX_CLASS_CRITICAL)->delivered - 5);
	CU_ASSERT_EQUAL(held->used, 0);
	harness_consumer_free(&slow);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(an_urgent_port_is_polled_first),
			TEST(ports_of_one_class_take_turns),
			TEST(strangers_are_not_polled_first),
			TEST(urgent_events_are_written_first),
			TEST(urgent_events_displace_others),
			TEST(who_gives_way_frees_what_is_wanted),
	};

	return fixture_run("class", tests, sizeof(tests) / sizeof(tests[0]));
}
