/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules that suppress, and summaries of what they held back. */
#ifndef VEX_TESTS_SUMMARIES_H
#define VEX_TESTS_SUMMARIES_H

#include <string.h>

#include "load_rules.h"

#define SOON "- rule: once\n  condition: evt.type = open\n  suppress: {for: 50ms, by: fd.name}\n"
#define LATE "- rule: once\n  condition: evt.type = open\n  suppress: {for: 1h, by: fd.name}\n"
#define OTHER "- rule: other\n  condition: fd.name = /other\n"

static struct vex_event last;
static struct vex_event_space space;
static uint64_t told; /* events, by all that was read */

static inline void publish_by(struct producer *by, const char *path, uint64_t start_ns)
{
	struct vex_event event = sample(VEX_OPEN, path);

	event.start_ns = start_ns;
	CU_ASSERT_FATAL(harness_publish(by, &event));
}

static inline void publish(const char *path, unsigned count)
{
	for (unsigned i = 1; i <= count; i++)
		publish_by(&producer, path, 1000 * i);
}

/* How many a subscriber has waiting; the last one is decoded. */
static inline unsigned count(struct consumer *of)
{
	const struct vex_record *record;
	unsigned n = 0;

	for (; (record = harness_read(of)); n++) {
		vex_event_decode(record, &last, &space);
		told += last.has & VEX_HAS_SUPPRESSED ? last.suppressed.count : 0;
	}
	return n;
}

static inline uint32_t pending(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < plane->worker_count; i++)
		n += plane->workers[i].summaries.count;
	return n;
}

static inline uint64_t sent(void)
{
	return plane->workers[0].stat->summaries + plane->workers[1].stat->summaries;
}

/* What is pending is due now, whenever its suppression ends. */
static inline void expire(void)
{
	for (uint32_t i = 0; i < plane->worker_count; i++)
		for (uint32_t k = 0; k < plane->workers[i].summaries.count; k++)
			plane->workers[i].summaries.heap[k].due_ns = 0;
	while (pending())
		harness_round(plane);
}

/* Objects that are free, of both pools. */
static inline unsigned available(void)
{
	return rte_mempool_avail_count(plane->workers[0].objects) +
			rte_mempool_avail_count(plane->workers[0].long_objects);
}

static inline void expect_summary(const char *path, uint64_t n)
{
	CU_ASSERT(vex_event_is_summary(&last));
	CU_ASSERT_EQUAL(last.suppressed.count, n);
	CU_ASSERT_EQUAL_FATAL(last.path.len, strlen(path));
	CU_ASSERT(!memcmp(last.path.data, path, last.path.len));
}

#endif
