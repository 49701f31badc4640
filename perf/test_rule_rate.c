/* SPDX-License-Identifier: BSD-3-Clause */
/* The recorded build, and what is found of it in the cache beside what a simple model says. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule_rate.h"
#include "support/unit.h"

static struct rule_recording build;

/* Where the path stands, which is part of the key of lib/rule/match_key.c with AVX-512. */
static bool by_place;

static const uint8_t *path_of(unsigned event, uint32_t *len, ptrdiff_t *place)
{
	const struct vex_record *record = build.records[event];
	const uint8_t *path = vex_record_attr(record, VEX_ATTR_PATH, len);

	*len = path ? *len : 0;
	*place = path && by_place ? path - (const uint8_t *)record : 0;
	return path;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* What the mixed rules ask for of what repeats: type, user, path. */
static int compare_keys(unsigned i, unsigned j)
{
	const struct vex_record *a = build.records[i];
	const struct vex_record *b = build.records[j];
	ptrdiff_t place_a, place_b;
	uint32_t len_a, len_b;
	const uint8_t *path_a = path_of(i, &len_a, &place_a);
	const uint8_t *path_b = path_of(j, &len_b, &place_b);

	if (a->type != b->type)
		return ORDER(a->type, b->type);
	if (a->uid != b->uid)
		return ORDER(a->uid, b->uid);
	if (!path_a != !path_b)
		return path_a ? 1 : -1;
	if (len_a != len_b || place_a != place_b)
		return len_a != len_b ? ORDER(len_a, len_b) : ORDER(place_a, place_b);
	return len_a ? memcmp(path_a, path_b, len_a) : 0;
}

/* Events of one key side by side, in their order. */
static int by_key(const void *a, const void *b)
{
	unsigned i = *(const unsigned *)a;
	unsigned j = *(const unsigned *)b;
	int order = compare_keys(i, j);

	return order ? order : ORDER(i, j);
}

/* All are found but the first of each key, whatever burst they come in. */
static uint64_t model_hits(bool with_place)
{
	unsigned *order = calloc(build.count, sizeof(*order));
	unsigned keys = 0;
	unsigned i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(order);
	by_place = with_place;
	for (i = 0; i < build.count; i++)
		order[i] = i;
	qsort(order, build.count, sizeof(*order), by_key);
	for (i = 0; i < build.count; i++)
		keys += !i || compare_keys(order[i - 1], order[i]) != 0;
	free(order);
	printf("%u events, %u keys%s; ", build.count, keys, with_place ? " and places" : "");
	return build.count - keys;
}

static void test_recording(void)
{
	unsigned i;

	CU_ASSERT(build.count > 10000);
	for (i = 0; i < build.count; i++) {
		uint32_t len = 0;
		const char *path = vex_record_attr(build.records[i], VEX_ATTR_PATH, &len);

		/* nothing of the machine that recorded it */
		if (path && (len < 10 || memcmp(path, "/srv/build", 10) != 0))
			CU_FAIL_FATAL("a path that is not below /srv/build");
	}
}

static uint64_t hits(bool plain)
{
	struct rule_worker_counts counts = {0};

	CU_ASSERT_EQUAL_FATAL(rule_rate_measure(&build, plain, &counts), 0);
	CU_ASSERT_EQUAL(counts.events, build.count);
	CU_ASSERT_EQUAL(counts.cache_flushes, 0);
	return counts.cache_hits;
}

static void test_plain(void)
{
	CU_ASSERT_EQUAL(hits(true), model_hits(false));
}

/* A processor without AVX-512 does as above. */
static void test_wide(void)
{
	uint64_t found = hits(false);

	CU_ASSERT(found == model_hits(true) || found == model_hits(false));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"recording", test_recording},
		{"hits, plain", test_plain},
		{"hits", test_wide},
		CU_TEST_INFO_NULL,
	};
	int status;

	if (rule_recording_read(&build, VEX_BUILD_PCAP))
		return 1;
	status = unit_run("rule_rate", tests);
	rule_recording_free(&build);
	return status;
}
