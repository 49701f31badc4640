/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decisions that come again are found again, as long as there is room for them; and say what their
 * rules say one by one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rule/match.h"
#include "rule/rule.h"
#include "support/image.h"
#include "support/rule_decided.h"
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

/* Of many decisions: rules that overlap, of which some ask for what varies, limit, redact or stop. */
static const char overlapping[] = "- group: g\n  members: [a, b]\n"
		"- rule: all\n  condition: fd.name startswith /srv\n  priority: NOTICE\n"
		"- rule: one\n  condition: fd.name contains 1\n  priority: ERROR\n  qos: high\n"
		"- rule: two\n  condition: fd.name contains 2\n  priority: ERROR\n  route: group:g\n"
		"- rule: low\n  condition: fd.name endswith 3\n  qos: low\n"
		"- rule: varies\n  condition: fd.name endswith 44 and fs.size >= 0\n"
		"- rule: limits\n  condition: fd.name endswith 55\n  rate: 5/1s\n"
		"- rule: stops\n  condition: fd.name endswith 66\n  match: first\n"
		"- rule: redacts\n  condition: fd.name endswith 77\n  redact: {label: remove}\n"
		"- rule: late\n  condition: fd.name contains 6\n  priority: ALERT\n";

static void compare(const struct rule_hits *hits, const struct rule_hits *want)
{
	CU_ASSERT_EQUAL_FATAL(hits->count, want->count);
	for (uint32_t i = 0; i < want->count; i++) {
		CU_ASSERT_EQUAL(hits->hits[i].rule, want->hits[i].rule);
		CU_ASSERT_EQUAL(hits->hits[i].events, want->hits[i].events);
	}
}

/* Bursts of all lengths; one worker remembers nothing. */
static void pass_by_decision(struct rule_decided_check *check, const struct rule_image *image,
		struct rule_worker *worker, struct rule_worker *plain)
{
	unsigned count;

	for (unsigned at = 0, turn = 0; at < KEYS; at += count, turn++) {
		const struct vex_record *burst[RULE_BURST_MAX];
		struct rule_hits hits, want;

		count = 1 + turn * 29 % RULE_BURST_MAX;
		count = count < KEYS - at ? count : KEYS - at;
		for (unsigned i = 0; i < count; i++)
			burst[i] = (const struct vex_record *)records[(at + i * 61) % KEYS];
		want = rule_match(plain, burst, count);
		hits = rule_decided_match(check, worker, image, burst, count);
		compare(&hits, &want);
	}
}

static void check_decisions(uint32_t list_bytes, bool plain, bool forgets)
{
	struct rule_decided_check check = {0};
	struct rule_worker_options options = {.cache_entries = ENTRIES, .list_bytes = list_bytes,
		.plain = plain, .tell = rule_decided_tell, .tell_data = &check};
	struct rule_worker_options none = {0};
	struct rule_worker *worker, *nothing;
	struct rule_matcher *matcher;
	const char *why;
	size_t size;
	void *image = image_of(overlapping, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(image);
	CU_ASSERT_EQUAL_FATAL(rule_matcher_new(image, size, &matcher, &why), 0);
	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, &options, &worker), 0);
	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, &none, &nothing), 0);
	for (unsigned pass = 0; pass < 4; pass++)
		pass_by_decision(&check, image, worker, nothing);
	rule_decided_end(&check, worker);
	CU_ASSERT_EQUAL(rule_worker_counts(worker).cache_flushes > 0, forgets);
	CU_ASSERT(check.decisions > KEYS / RULE_BURST_MAX);
	rule_worker_free(worker);
	rule_worker_free(nothing);
	rule_matcher_free(matcher);
	free(image);
}

static void test_decisions(void)
{
	check_decisions(0, false, false);
	check_decisions(0, true, false);
}

static void test_decisions_forgotten(void)
{
	check_decisions(4096, false, true);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"three quarters full", test_room},
		{"the same without AVX-512", test_room_plain},
		{"decisions left whole", test_decisions},
		{"the same where all is forgotten now and then", test_decisions_forgotten},
		CU_TEST_INFO_NULL,
	};

	make_records();
	return unit_run("rule_cache", tests);
}
