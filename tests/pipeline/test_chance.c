/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delivery by chance: producers, subscribers that read now and then, come and go, rules that come
 * and go, ports that move. At every moment all is accounted for; in the end each subscriber got or
 * was told of everything that it was offered, in the order of its lane (harness_read() checks that).
 */
#include <stdio.h>

#include "dataplane/subscriber.h"
#include "load_rules.h"

#define STEPS 30000u
#define SUBSCRIBERS 6u
#define PORTS 3u

static uint64_t seed;
static struct consumer member[SUBSCRIBERS];
static struct port *ports[PORTS];
static struct producer producers[PORTS];

static const char *const sets[] = {
		"- group: g\n  members: [s0, s1, s2]\n  slow: 1us\n  probe: 10us\n"
		"- rule: c\n  condition: fd.name = /0\n  route: group:g\n  qos: critical\n"
		"- rule: n\n  condition: fd.name = /1\n  route: [group:g, subscriber:s3]\n"
		"- rule: l\n  condition: fd.name = /2\n  qos: low\n"
		"- rule: d\n  condition: fd.name = /3\n  route: drop\n",
		"- group: g\n  members: [s0, s1, s2]\n  slow: 1us\n  probe: 10us\n"
		"- group: h\n  members: [s1, s4]\n  balance: hash\n  by: fd.name\n  slow: 1h\n"
		"- class: critical\n  overload: block\n  block: 20us\n"
		"- rule: c\n  condition: fd.name = /0\n  route: [group:g, group:h]\n  qos: critical\n"
		"- rule: h\n  condition: fd.name = /1\n  route: group:h\n  qos: high\n"
		"- rule: l\n  condition: fd.name = /2\n  sample: 50%\n  qos: low\n",
		"- group: g\n  members: [s2: 3, s0]\n  balance: weighted\n"
		"- class: normal\n  overload: drop_oldest\n"
		"- quota: default\n  rate: 1000/s\n  burst: 500\n  excess: 500\n  over: demote\n"
		"- rule: c\n  condition: fd.name in (/0, /1)\n  route: group:g\n  qos: critical\n"
		"- rule: n\n  condition: fd.name = /4\n  route: subscriber:s5\n",
};

static uint32_t draw(uint32_t limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % limit);
}

static void publish(void)
{
	static const char *const paths[] = {"/0", "/1", "/2", "/3", "/4"};
	struct vex_event event = sample(VEX_CREATE, paths[draw(5)]);
	static char name[1000];

	if (!draw(50)) {
		memset(name, 'x', sizeof(name));
		event.path = (struct vex_bytes){name, 300 + draw(700)};
	}
	event.has |= VEX_HAS_TENANT;
	event.tenant = draw(3);
	for (uint32_t left = draw(40), i = draw(PORTS); left--;)
		harness_publish(&producers[i], &event);
}

static void attach(uint32_t i)
{
	char name[8];

	snprintf(name, sizeof(name), "s%u", i);
	harness_subscribe_as(plane, name, 0, NULL, 4096u << draw(3), &member[i]);
}

static void detach(uint32_t i)
{
	subscriber_remove(plane, member[i].subscriber);
	harness_consumer_free(&member[i]);
	member[i].subscriber = NULL;
}

static void come_or_go(void)
{
	uint32_t i = draw(SUBSCRIBERS);

	if (member[i].subscriber)
		detach(i);
	else
		attach(i);
}

static void read_some(void)
{
	uint32_t i = draw(SUBSCRIBERS);

	for (uint32_t left = draw(60); left-- && member[i].subscriber;)
		harness_read(&member[i]);
}

static void reload(void)
{
	uint32_t which = draw(4);

	if (which == 3)
		unload_rules();
	else
		load_rules(sets[which]);
}

static void move(void)
{
	char reason[VEX_REASON_MAX];
	int error = port_move(plane, ports[draw(PORTS)]->id, draw(2), reason);

	CU_ASSERT(error == 0 || error == -EBUSY);
}

static void step(void)
{
	uint32_t chance = draw(1000);

	if (chance < 400)
		publish();
	else if (chance < 600)
		harness_round(plane);
	else if (chance < 900)
		read_some();
	else if (chance < 960)
		while (harness_read(&consumer))
			;
	else if (chance < 975)
		move();
	else if (chance < 990)
		come_or_go();
	else if (chance < 992)
		reload();
	else
		CU_ASSERT_FATAL(harness_verify(plane));
}

static void end(void)
{
	bool any;

	do { /* who is there reads all, so that all is settled */
		any = harness_round(plane) != 0;
		for (uint32_t i = 0; i < SUBSCRIBERS; i++)
			while (member[i].subscriber && harness_read(&member[i]))
				any = true;
		while (harness_read(&consumer))
			any = true;
		harness_settle(plane);
	} while (any);
	for (uint32_t i = 0; i < plane->worker_count; i++)
		CU_ASSERT_EQUAL(plane->workers[i].held.used, 0);
	for (uint32_t i = 0; i < PORTS; i++)
		CU_ASSERT_EQUAL(ports[i]->stat->held, 0);
}

static void expect_told(const struct consumer *who)
{
	const struct vex_subscriber_stat *stat = who->subscriber->stat;
	uint64_t full = 0;

	for (uint32_t i = 0; i < plane->worker_count; i++) {
		CU_ASSERT_EQUAL(stat->worker[i].held, 0);
		full += stat->worker[i].target_full;
	}
	CU_ASSERT_EQUAL(who->lost, full);
}

static void all_is_accounted_for(void)
{
	plane->backlog = 256;
	ports[0] = port;
	producers[0] = producer;
	for (uint32_t i = 1; i < PORTS; i++) {
		ports[i] = harness_port(plane, VEX_BOUNDARY_APP,
				(i + 1) << VEX_PORT_QOS_SHIFT, false);
		memset(&producers[i], 0, sizeof(producers[i]));
		harness_lane(plane, ports[i], RING, &producers[i]);
	}
	memset(member, 0, sizeof(member));
	for (uint32_t i = 0; i < STEPS && CU_get_number_of_failures() == 0; i++)
		step();
	end();
	expect_told(&consumer);
	for (uint32_t i = 0; i < SUBSCRIBERS; i++)
		if (member[i].subscriber) {
			expect_told(&member[i]);
			detach(i);
		}
	producer = producers[0];
	for (uint32_t i = 1; i < PORTS; i++)
		harness_producer_free(&producers[i]);
}

static void seed_1(void)
{
	seed = 1;
	all_is_accounted_for();
}

static void seed_2(void)
{
	seed = 20261121;
	all_is_accounted_for();
}

static void seed_3(void)
{
	seed = 0xfeedface;
	all_is_accounted_for();
}

static uint64_t given;

static void seed_given(void)
{
	seed = given;
	all_is_accounted_for();
}

/* test-chance [SEED] */
int main(int argc, char **argv)
{
	static const struct fixture_test tests[] = {TEST(seed_1), TEST(seed_2), TEST(seed_3)};
	static const struct fixture_test one[] = {TEST(seed_given)};

	if (argc > 1) {
		given = strtoull(argv[1], NULL, 0);
		return fixture_run("chance", one, 1);
	}
	return fixture_run("chance", tests, sizeof(tests) / sizeof(tests[0]));
}
