/* SPDX-License-Identifier: BSD-3-Clause */
/* Backlogs: order, strict priority, and who gives way on overload. */
#include "dataplane/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "support/unit.h"

static struct backlog backlog;
static struct backlog_victim victim;

static enum backlog_verdict offer(
		const struct class_policy *policies, enum vex_class class, uint32_t held)
{
	return backlog_offer(&backlog, policies, class, held, &victim);
}

static void fill(enum vex_class class, uint32_t first, uint32_t count)
{
	while (count--)
		CU_ASSERT_EQUAL_FATAL(offer(class_defaults, class, first++), BACKLOG_TAKEN);
}

static void expect_first(enum vex_class class, uint32_t held)
{
	CU_ASSERT_EQUAL_FATAL(backlog_urgent(&backlog), class);
	CU_ASSERT_EQUAL(backlog_first(&backlog, class), held);
	CU_ASSERT_EQUAL(backlog_take(&backlog, class), held);
}

static void test_nothing_waits_without_capacity(void)
{
	CU_ASSERT_EQUAL(backlog_init(&backlog, 0), 0);
	CU_ASSERT_EQUAL(offer(class_defaults, VEX_CLASS_CRITICAL, 1), BACKLOG_REFUSED);
	CU_ASSERT_EQUAL(offer(class_defaults, VEX_CLASS_LOW, 1), BACKLOG_REFUSED);
	CU_ASSERT_EQUAL(backlog_urgent(&backlog), VEX_CLASS_COUNT);
	CU_ASSERT_EQUAL(backlog_room(&backlog, &class_defaults[0], VEX_CLASS_CRITICAL), 0);
	backlog_free(&backlog);
}

static void test_strict_priority_and_order(void)
{
	CU_ASSERT_EQUAL(backlog_init(&backlog, BACKLOG_MIN), 0);
	fill(VEX_CLASS_LOW, 0, 2);
	fill(VEX_CLASS_CRITICAL, 10, 2);
	fill(VEX_CLASS_NORMAL, 20, 2);
	fill(VEX_CLASS_HIGH, 30, 1);
	expect_first(VEX_CLASS_CRITICAL, 10);
	expect_first(VEX_CLASS_CRITICAL, 11);
	fill(VEX_CLASS_CRITICAL, 12, 1);
	expect_first(VEX_CLASS_CRITICAL, 12);
	expect_first(VEX_CLASS_HIGH, 30);
	expect_first(VEX_CLASS_NORMAL, 20);
	expect_first(VEX_CLASS_NORMAL, 21);
	expect_first(VEX_CLASS_LOW, 0);
	expect_first(VEX_CLASS_LOW, 1);
	CU_ASSERT_EQUAL(backlog.total, 0);
	backlog_free(&backlog);
}

static void test_the_least_urgent_gives_way(void)
{
	CU_ASSERT_EQUAL(backlog_init(&backlog, 130), 0); /* no power of two */
	fill(VEX_CLASS_LOW, 0, 64);
	fill(VEX_CLASS_NORMAL, 100, 66);
	CU_ASSERT_EQUAL(offer(class_defaults, VEX_CLASS_CRITICAL, 200), BACKLOG_DISPLACED);
	CU_ASSERT_EQUAL(victim.class, VEX_CLASS_LOW);
	CU_ASSERT_EQUAL(victim.held, 0); /* the oldest: its policy */
	CU_ASSERT_TRUE(victim.oldest);
	for (uint32_t i = 1; i < 64; i++) {
		CU_ASSERT_EQUAL(offer(class_defaults, VEX_CLASS_HIGH, 200 + i), BACKLOG_DISPLACED);
		CU_ASSERT_EQUAL(victim.held, i);
	}
	CU_ASSERT_EQUAL(offer(class_defaults, VEX_CLASS_HIGH, 300), BACKLOG_DISPLACED);
	CU_ASSERT_EQUAL(victim.class, VEX_CLASS_NORMAL);
	CU_ASSERT_EQUAL(victim.held, 165); /* the newest: its policy */
	CU_ASSERT_FALSE(victim.oldest);
	CU_ASSERT_EQUAL(backlog.total, 130);
	expect_first(VEX_CLASS_CRITICAL, 200);
	backlog_free(&backlog);
}

static void test_policies_of_one_class(void)
{
	struct class_policy policies[VEX_CLASS_COUNT];

	memcpy(policies, class_defaults, sizeof(policies));
	CU_ASSERT_EQUAL(backlog_init(&backlog, BACKLOG_MIN), 0);
	fill(VEX_CLASS_NORMAL, 0, BACKLOG_MIN);
	CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_NORMAL, 500), BACKLOG_REFUSED);
	CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_LOW, 500), BACKLOG_REFUSED);
	policies[VEX_CLASS_NORMAL].overload = CLASS_BLOCK;
	CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_NORMAL, 500), BACKLOG_REFUSED);
	policies[VEX_CLASS_NORMAL].overload = CLASS_DROP_OLDEST;
	CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_NORMAL, 500), BACKLOG_DISPLACED);
	CU_ASSERT_EQUAL(victim.class, VEX_CLASS_NORMAL);
	CU_ASSERT_EQUAL(victim.held, 0);
	expect_first(VEX_CLASS_NORMAL, 1);
	backlog_free(&backlog);
}

static void test_shares(void)
{
	struct class_policy policies[VEX_CLASS_COUNT];

	memcpy(policies, class_defaults, sizeof(policies));
	policies[VEX_CLASS_NORMAL].share = 50;
	policies[VEX_CLASS_LOW].share = 25;
	CU_ASSERT_EQUAL(backlog_init(&backlog, 200), 0);
	for (uint32_t i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_LOW, i), BACKLOG_TAKEN);
	CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_LOW, 50), BACKLOG_DISPLACED);
	for (uint32_t i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_NORMAL, i), BACKLOG_TAKEN);
	CU_ASSERT_EQUAL(backlog_room(&backlog, &policies[VEX_CLASS_NORMAL], VEX_CLASS_NORMAL), 50);
	CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_NORMAL, 50), BACKLOG_DISPLACED);
	CU_ASSERT_EQUAL(victim.class, VEX_CLASS_LOW);
	CU_ASSERT_EQUAL(backlog_room(&backlog, &policies[VEX_CLASS_CRITICAL], VEX_CLASS_CRITICAL),
			200);
	for (uint32_t i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(offer(policies, VEX_CLASS_CRITICAL, i), BACKLOG_TAKEN);
	CU_ASSERT_EQUAL(backlog_room(&backlog, &policies[VEX_CLASS_CRITICAL], VEX_CLASS_CRITICAL),
			100);
	backlog_free(&backlog);
}

/* A plain model: what waits, as a list in the order in which it came. */
struct model {
	uint32_t held[BACKLOG_MIN];
	unsigned class[BACKLOG_MIN];
	uint32_t count;
};

static void forget(struct model *model, uint32_t held)
{
	uint32_t i = 0;

	while (i < model->count && model->held[i] != held)
		i++;
	CU_ASSERT_TRUE_FATAL(i < model->count);
	model->count--;
	for (; i < model->count; i++) {
		model->held[i] = model->held[i + 1];
		model->class[i] = model->class[i + 1];
	}
}

static unsigned least_urgent(const struct model *model)
{
	unsigned class = 0;

	for (uint32_t i = 0; i < model->count; i++)
		class = model->class[i] > class ? model->class[i] : class;
	return class;
}

static void model_take(struct model *model)
{
	unsigned class = backlog_urgent(&backlog);
	uint32_t first = UINT32_MAX, held;
	unsigned best = VEX_CLASS_COUNT;

	for (uint32_t i = 0; i < model->count; i++)
		if (model->class[i] < best) {
			best = model->class[i];
			first = model->held[i];
		}
	CU_ASSERT_EQUAL_FATAL(class, best);
	if (class == VEX_CLASS_COUNT)
		return;
	held = backlog_take(&backlog, class);
	CU_ASSERT_EQUAL(held, first);
	forget(model, held);
}

static void model_offer(struct model *model, unsigned class, uint32_t held)
{
	enum backlog_verdict verdict = offer(class_defaults, (enum vex_class) class, held);
	bool full = model->count == BACKLOG_MIN;

	CU_ASSERT_EQUAL(verdict == BACKLOG_TAKEN, !full);
	if (verdict == BACKLOG_REFUSED) {
		CU_ASSERT_TRUE(class >= least_urgent(model));
		return;
	}
	if (verdict == BACKLOG_DISPLACED) {
		CU_ASSERT_EQUAL(victim.class, least_urgent(model));
		forget(model, victim.held);
	}
	model->held[model->count] = held;
	model->class[model->count++] = class;
}

/* One that stands anywhere: the others keep their order. */
static void model_remove(struct model *model)
{
	uint32_t i = model->count ? (uint32_t)rand() % model->count : 0;
	uint32_t held = model->held[i];

	if (!model->count)
		return;
	for (unsigned class = 0; class < VEX_CLASS_COUNT; class ++)
		CU_ASSERT_EQUAL(backlog_remove(&backlog, (enum vex_class) class, held),
				class == model->class[i]);
	forget(model, held);
}

static void test_against_a_model(void)
{
	struct model model = {.count = 0};

	srand(7);
	CU_ASSERT_EQUAL(backlog_init(&backlog, BACKLOG_MIN), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		if (rand() % 1000 < (i / 10000 % 2 ? 300 : 700))
			model_offer(&model, (unsigned)rand() % VEX_CLASS_COUNT, i);
		else if (rand() % 4)
			model_take(&model);
		else
			model_remove(&model);
		CU_ASSERT_EQUAL_FATAL(backlog.total, model.count);
	}
	backlog_free(&backlog);
}

int main(void)
{
	CU_TestInfo tests[] = {
			{"nothing waits without capacity", test_nothing_waits_without_capacity},
			{"strict priority, and order within a class",
					test_strict_priority_and_order},
			{"the least urgent gives way", test_the_least_urgent_gives_way},
			{"policies of one class", test_policies_of_one_class},
			{"shares", test_shares},
			{"a model, by chance", test_against_a_model},
			CU_TEST_INFO_NULL,
	};

	return unit_run("backlog", tests);
}
