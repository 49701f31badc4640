/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Summaries: where a suppression ends and no event of its key comes that would tell what it held
 * back, a copy of the first one held back tells. A worker keeps such copies of what it held back
 * itself until then. Where there is no room for one nothing is sent: the next event tells, if one
 * comes. Part of the polling path.
 */
#ifndef VEX_DATAPLANE_SUMMARY_H
#define VEX_DATAPLANE_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "rule/limit.h"

#define SUMMARIES_MAX 1024u /* a worker */

struct burst;
struct port;
struct vex_object;
struct worker;

/** One to be sent. */
struct summary {
	struct rule_limit_untold untold;
	uint64_t due_ns;
	uint64_t state; /**< of the rule, see struct ruleset */
	struct port *port;
	struct vex_object *object;
	struct vex_record *record; /**< in the object, or in a long one */
};

/** A heap: none is due before the first. */
struct summary_table {
	struct summary *heap;
	uint32_t count;
	uint32_t capacity;
	uint32_t longs; /**< of the count, long ones */
	uint32_t longs_max;
};

/** 0 or -ENOMEM; from the heap. */
int summary_init(struct summary_table *table, uint32_t capacity, uint32_t longs_max);
void summary_free(struct summary_table *table);

/** An event of a burst is the first that a rule's suppression holds back. */
void summary_keep(struct worker *worker, const struct burst *burst, uint32_t event, uint64_t state,
		const struct rule_limit_untold *untold);

/** Sends what is due, some at a time; once a round while there are any. */
void summary_send_due(struct worker *worker);

/** A plan was adopted: sends those of ports that are not the worker's any more, early. */
void summary_adopt_plan(struct worker *worker);

/** Milliseconds that a worker may sleep, max at most. */
int summary_wait_ms(const struct worker *worker, int max);

/** Frees all of them, unsent. */
void summary_forget(struct worker *worker);

#endif
