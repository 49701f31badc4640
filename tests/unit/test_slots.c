/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots of rules, against a list that is searched from its beginning. */
#include "dataplane/slots.h"

#include <errno.h>
#include <stdlib.h>

#include "support/unit.h"

#define MAX 200u
#define RULES 400u

struct known {
	uint64_t state; /* 0: it has no slot */
	uint32_t slot;
};

static void take(struct slots *slots, struct known *known, uint32_t rule)
{
	uint32_t slot = UINT32_MAX, used = slots->used;
	uint32_t ever = slots->known;
	bool second_hand;
	int error = slots_take(slots, rule / 3, rule % 3, &slot, &second_hand);

	if (known[rule].state) {
		CU_ASSERT_EQUAL(error, 0);
		CU_ASSERT_EQUAL(slot, known[rule].slot);
		CU_ASSERT_EQUAL(slots->entries[slot].state, known[rule].state);
		CU_ASSERT(!second_hand);
		return;
	}
	CU_ASSERT_EQUAL(error, used == MAX ? -ENOSPC : 0);
	if (error)
		return;
	CU_ASSERT(slot < MAX);
	CU_ASSERT_EQUAL(second_hand, slot < ever);
	for (uint32_t i = 0; i < RULES; i++)
		CU_ASSERT(!known[i].state || known[i].slot != slot);
	known[rule] = (struct known){slots->entries[slot].state, slot};
}

/* Sweeps what every set but the one to stay had. */
static void sweep(struct slots *slots, struct known *known, uint32_t divisor)
{
	uint32_t all[RULES], keep[RULES], count = 0, kept = 0;

	for (uint32_t i = 0; i < RULES; i++) {
		if (!known[i].state)
			continue;
		all[count++] = known[i].slot;
		if (i % divisor)
			known[i].state = 0;
		else
			keep[kept++] = known[i].slot;
	}
	slots_sweep(slots, all, count, keep, kept);
	CU_ASSERT_EQUAL(slots->used, kept);
}

static void test_reloads(void)
{
	struct slots slots = {.max = MAX};
	struct known known[RULES] = {{0}};
	uint64_t states = 0;

	srand(4);
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < 80; i++)
			take(&slots, known, (uint32_t)rand() % RULES);
		CU_ASSERT(slots.states >= states); /* none is given twice */
		states = slots.states;
		sweep(&slots, known, 1 + (uint32_t)rand() % 5);
	}
	CU_ASSERT(slots.known <= MAX && slots.room <= 2 * MAX);
	slots_free(&slots);
}

static void test_all_taken(void)
{
	struct slots slots = {.max = 2};
	uint32_t slot, first;
	bool second_hand;

	CU_ASSERT_EQUAL(slots_take(&slots, 1, 1, &first, &second_hand), 0);
	CU_ASSERT_EQUAL(slots_take(&slots, 1, 2, &slot, &second_hand), 0);
	CU_ASSERT_EQUAL(slots_take(&slots, 2, 1, &slot, &second_hand), -ENOSPC);
	CU_ASSERT_EQUAL(slots_take(&slots, 1, 1, &slot, &second_hand), 0);
	slots_sweep(&slots, &first, 1, NULL, 0);
	CU_ASSERT_EQUAL(slots_take(&slots, 2, 1, &slot, &second_hand), 0);
	CU_ASSERT(second_hand);
	CU_ASSERT_EQUAL(slot, first);
	slots_free(&slots);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"reloads keep what stays and reuse what goes", test_reloads},
		{"all taken", test_all_taken},
		CU_TEST_INFO_NULL,
	};

	return unit_run("slots", tests);
}
