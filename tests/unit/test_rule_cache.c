/* SPDX-License-Identifier: BSD-3-Clause */
/* Decisions that come again are found again, as long as there is room for them. */
#include <stdio.h>
#include <stdlib.h>

#include "rule/match.h"
#include "rule/rule.h"
#include "support/image.h"
#include "support/unit.h"

#define ENTRIES 4096u
#define KEYS (ENTRIES / 4 * 3)
#define PASSES 32u
#define PAIR 8u /* ways of two lines */

static uint64_t records[KEYS][32];

static void make_records(void)
{
	for (unsigned i = 0; i < KEYS; i++) {
		struct vex_record *record = (struct vex_record *)records[i];
		struct vex_event event = {.type = VEX_READ, .has = VEX_HAS_PATH};
		char path[64];
		int len = snprintf(path, sizeof(path), "/srv/data/run-%u/part-%u", i / 100, i);

		event.path = (struct vex_bytes){path, (size_t)len};
		vex_event_encode(&event, record);
		record->size = vex_event_size(&event);
	}
}

static uint64_t hits_of_pass(struct rule_worker *worker)
{
	uint64_t before = rule_worker_counts(worker).cache_hits;

	for (unsigned at = 0; at < KEYS; at += RULE_BURST_MAX) {
		const struct vex_record *burst[RULE_BURST_MAX];

		for (unsigned i = 0; i < RULE_BURST_MAX; i++)
			burst[i] = (const struct vex_record *)records[at + i];
		rule_match(worker, burst, RULE_BURST_MAX);
	}
	return rule_worker_counts(worker).cache_hits - before;
}

/*
 * Three quarters full: what was displaced finds room elsewhere, within a few passes. By chance, which
 * the worker's random key makes, a pair of lines may have more keys than ways: those lose each other.
 */
static void check(bool plain)
{
	struct rule_worker_options options = {.cache_entries = ENTRIES, .plain = plain};
	struct rule_matcher *matcher;
	struct rule_worker *worker;
	uint64_t hits = 0;
	const char *why;
	size_t size;
	void *image = image_of("- rule: r\n  condition: fd.name startswith /srv/data/run-1\n", &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(image);
	CU_ASSERT_EQUAL_FATAL(rule_matcher_new(image, size, &matcher, &why), 0);
	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, &options, &worker), 0);
	CU_ASSERT_EQUAL(hits_of_pass(worker), 0);
	CU_ASSERT_TRUE(hits_of_pass(worker) > KEYS / 10 * 9);
	for (unsigned pass = 0; pass < PASSES && hits < KEYS; pass++)
		hits = hits_of_pass(worker);
	CU_ASSERT_TRUE(hits >= KEYS - 2 * PAIR);
	rule_worker_free(worker);
	rule_matcher_free(matcher);
	free(image);
}

static void test_room(void)
{
	check(false);
}

static void test_room_plain(void)
{
	check(true);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"three quarters full", test_room},
		{"the same without AVX-512", test_room_plain},
		CU_TEST_INFO_NULL,
	};

	make_records();
	return unit_run("rule_cache", tests);
}
