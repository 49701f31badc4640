/* SPDX-License-Identifier: BSD-3-Clause */
/* Quotas by tenant: exact for one worker, and for several together. */
#include <rte_cycles.h>

#include "dataplane/quota.h"
#include "load_rules.h"

#define MS 1000000ull

/* Meters with a clock of the test's own. */
static struct quotas *quotas;
static uint64_t now_ns;

static const struct rule_image_quota thousand = {.events = 1000,
		.per_ns = 1000 * MS,
		.burst = 100,
		.excess = 50,
		.tenant = 7};

static enum rte_color ask(uint32_t worker, uint32_t tenant)
{
	uint64_t tsc = (uint64_t)((double)now_ns * (double)rte_get_tsc_hz() / 1e9);

	return quota_meter(quotas, worker, quota_cell_of(quotas, tenant), &thousand, now_ns, tsc);
}

static void begin(void)
{
	quotas = quotas_new(4);
	CU_ASSERT_PTR_NOT_NULL_FATAL(quotas);
	now_ns = 1000 * MS;
}

/* Offers so many events a millisecond to each worker, for a while; returns those not red. */
static uint64_t offer(const unsigned *a_ms, uint32_t workers, unsigned ms)
{
	uint64_t passed = 0;

	for (; ms; ms--, now_ns += MS)
		for (uint32_t w = 0; w < workers; w++)
			for (unsigned i = 0; i < a_ms[w]; i++)
				passed += ask(w, 7) != RTE_COLOR_RED;
	return passed;
}

static void three_colours(void)
{
	begin();
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(ask(0, 7), RTE_COLOR_GREEN);
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(ask(0, 7), RTE_COLOR_YELLOW);
	CU_ASSERT_EQUAL(ask(0, 7), RTE_COLOR_RED);
	CU_ASSERT_EQUAL(ask(0, 8), RTE_COLOR_GREEN); /* each tenant by itself */
	now_ns += 10 * MS;
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(ask(0, 7), RTE_COLOR_GREEN);
	CU_ASSERT_EQUAL(ask(0, 7), RTE_COLOR_RED);
	quotas_free(quotas);
}

static void expect_about(uint64_t passed, uint64_t expected, uint64_t slack)
{
	if (passed + slack < expected || passed > expected + slack)
		printf("\n    %lu passed, expected %lu", passed, expected);
	CU_ASSERT(passed + slack >= expected && passed <= expected + slack);
}

/* Two seconds: 2,000 events, whichever workers they come in by; the first burst comes on top. */
static void workers_share_a_quota(void)
{
	static const unsigned loads[][4] = {{5}, {5, 5}, {9, 1}, {1, 9, 3, 2}, {50, 1}, {4, 4, 4, 4}};

	for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		begin();
		offer(loads[i], 4, 100);
		expect_about(offer(loads[i], 4, 2000), 2000, 60);
		quotas_free(quotas);
	}
}

/* A tenant whose events move to other workers has its quota there, soon. */
static void load_shifts(void)
{
	static const unsigned left[4] = {8}, right[4] = {0, 8};

	begin();
	offer(left, 2, 500);
	expect_about(offer(right, 2, 1000), 1000, 200);
	expect_about(offer(left, 2, 1000), 1000, 200);
	quotas_free(quotas);
}

/* Below its quota nothing is lost, however unevenly it comes. */
static void who_keeps_to_it_loses_nothing(void)
{
	static const unsigned even[4] = {0, 1};

	begin();
	for (unsigned i = 0; i < 1000; i++) {
		now_ns += MS;
		CU_ASSERT_NOT_EQUAL(ask(i % 100 < 90 ? 0 : 1 + i % 3, 7), RTE_COLOR_RED);
	}
	CU_ASSERT_EQUAL(offer(even, 2, 900), 900);
	quotas_free(quotas);
}

static void tenants_beyond_the_table_share_one(void)
{
	begin();
	for (uint32_t i = 0; i < QUOTA_TENANTS_MAX; i++)
		CU_ASSERT_EQUAL_FATAL(quota_cell_of(quotas, i * 7919), i + 1);
	CU_ASSERT_EQUAL(quota_cell_of(quotas, 5), 0);
	CU_ASSERT_EQUAL(quota_cell_of(quotas, 7919), 2);
	quotas_free(quotas);
}

static void quotas_are_found_by_tenant(void)
{
	static const struct rule_image_quota set[] = {{.tenant = 3}, {.tenant = 5}, {.tenant = 900},
			{.any = 1}};

	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_PTR_EQUAL(quota_find(set, 4, set[i].tenant), &set[i]);
	CU_ASSERT_PTR_EQUAL(quota_find(set, 4, 4), &set[3]);
	CU_ASSERT_PTR_EQUAL(quota_find(set, 4, 0), &set[3]);
	CU_ASSERT_PTR_NULL(quota_find(set, 3, 4));
	CU_ASSERT_PTR_EQUAL(quota_find(set, 3, 900), &set[2]);
	CU_ASSERT_PTR_NULL(quota_find(set, 0, 4));
}

static void publish(uint32_t tenant, unsigned count)
{
	struct vex_event event = sample(VEX_CREATE, "/q");

	event.has |= tenant ? VEX_HAS_TENANT : 0;
	event.tenant = tenant;
	for (unsigned i = 0; i < count; i++) {
		CU_ASSERT_FATAL(harness_publish(&producer, &event));
		if (i % 32 == 31)
			harness_round(plane);
	}
	harness_settle(plane);
}

static uint64_t counted(uint32_t tenant, uint64_t (*of)(const struct vex_tenant_stat *))
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < VEX_TENANTS_MAX; i++)
		for (uint32_t w = 0; plane->stat->tenant[i] == tenant + 1ull && w < 2; w++)
			total += of(&plane->stat->worker[w].tenant[i]);
	return total;
}

static uint64_t passed(const struct vex_tenant_stat *stat)
{
	return stat->passed;
}

static uint64_t demoted(const struct vex_tenant_stat *stat)
{
	return stat->demoted;
}

static uint64_t dropped(const struct vex_tenant_stat *stat)
{
	return stat->dropped;
}

/* Whom a rule leads to, or whether any matched, does not matter: it is asked before. */
static void events_beyond_a_quota_are_dropped(void)
{
	load_rules("- quota: 7\n  rate: 1/h\n  burst: 100\n  excess: 50\n  over: demote\n"
		   "- quota: 9\n  rate: 1/h\n  burst: 10\n"
		   "- rule: r\n  condition: fd.name = /q\n  qos: high\n");
	publish(7, 200);
	CU_ASSERT_EQUAL(drain(), 150);
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_QUOTA], 50);
	CU_ASSERT_EQUAL(counted(7, passed), 100);
	CU_ASSERT_EQUAL(counted(7, demoted), 50);
	CU_ASSERT_EQUAL(counted(7, dropped), 50);
	CU_ASSERT_EQUAL(plane->stat->worker[port->worker].class[VEX_CLASS_HIGH].delivered, 100);
	CU_ASSERT_EQUAL(plane->stat->worker[port->worker].class[VEX_CLASS_LOW].delivered, 50);
	publish(8, 100); /* has none */
	publish(0, 100);
	CU_ASSERT_EQUAL(drain(), 200);
	publish(9, 20);
	CU_ASSERT_EQUAL(drain(), 10);
	CU_ASSERT(harness_verify(plane));
	/* A reload fills no bucket. */
	load_rules("- quota: 7\n  rate: 1/h\n  burst: 100\n  excess: 50\n  over: demote\n"
		   "- rule: s\n  condition: fd.name = /q\n");
	publish(7, 10);
	CU_ASSERT_EQUAL(drain(), 0);
	unload_rules();
	publish(7, 10);
	CU_ASSERT_EQUAL(drain(), 10);
}

static void each_other_tenant_has_the_default(void)
{
	load_rules("- quota: default\n  rate: 1/h\n  burst: 20\n"
		   "- rule: r\n  condition: fd.name = /q\n");
	publish(1, 30);
	publish(2, 30);
	publish(3, 10);
	CU_ASSERT_EQUAL(drain(), 50);
	CU_ASSERT_EQUAL(counted(1, dropped), 10);
	CU_ASSERT_EQUAL(counted(2, dropped), 10);
	CU_ASSERT_EQUAL(counted(3, dropped), 0);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(three_colours),
			TEST(workers_share_a_quota),
			TEST(load_shifts),
			TEST(who_keeps_to_it_loses_nothing),
			TEST(tenants_beyond_the_table_share_one),
			TEST(quotas_are_found_by_tenant),
			TEST(events_beyond_a_quota_are_dropped),
			TEST(each_other_tenant_has_the_default),
	};

	return fixture_run("quota", tests, sizeof(tests) / sizeof(tests[0]));
}
