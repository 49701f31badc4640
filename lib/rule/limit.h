/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `sample`, `suppress` and `rate` of rules remember. One table is shared by all workers,
 * without a lock: a set of rules may be replaced by another meanwhile, and what a state number
 * and a key stand for is kept.
 *
 * The table has a fixed size. A key's entry is reused once it says no more than a new one would:
 * the bucket is full again, the time of suppression is over. Where a key finds no room its
 * events pass, and are counted. Nothing here allocates, waits or asks for the time.
 */
#ifndef VEX_RULE_LIMIT_H
#define VEX_RULE_LIMIT_H

#include "rule/place.h"

struct rule_limits;

enum rule_limit_verdict {
	RULE_LIMIT_PASS,
	RULE_LIMIT_SAMPLED,
	RULE_LIMIT_SUPPRESSED,
	RULE_LIMIT_RATE,
};

#define RULE_LIMITS_ENTRIES_MAX (1u << 26)

/**
 * Makes a table for that many keys, rounded up to a power of two, of 48 bytes each. A key has the
 * choice of eight entries: with four times as many as there are keys at once nearly each finds
 * one. seed: random, so that nobody can choose keys that are taken for one. 0, -ENOMEM or -EINVAL.
 */
int rule_limits_new(uint32_t entries, uint64_t seed, struct rule_limits **limits);

/** Nobody may be asking any more. NULL is good. */
void rule_limits_free(struct rule_limits *limits);

/** Where the table has what a suppression holds back. */
struct rule_limit_untold {
	uint64_t key; /**< 0: nowhere */
	uint64_t word;
	uint64_t until_ns; /**< when it is over, by the clock of who asked */
	uint32_t entry;
};

/**
 * Whether a rule leads a record that it matched on, this time. Any thread may ask at any time.
 *
 * state  names the rule, and is the same as long as its fingerprint is.
 * now_ns since 1970. A clock that is set back by more than a second shortens what was still to be
 *        waited for to what it would be from now on; within that workers' clocks may differ.
 * told   of an event that ends a suppression: what was held back since the one before; with a
 *        count of 0 otherwise. All that is held back is told once, or counted as untold; where an
 *        event is held back at the very moment of telling, first and last may be that moment's.
 * untold of an event that `suppress` holds back when nobody of its key was since the last telling;
 *        with a key of 0 otherwise.
 */
enum rule_limit_verdict rule_limit_ask(struct rule_limits *limits, uint64_t state,
		const struct rule_image_limit *limit, const struct rule_reader *reader,
		const struct vex_record *record, uint64_t now_ns, struct vex_attr_suppressed *told,
		struct rule_limit_untold *untold);

/**
 * Takes what is held back there, to be told: a count of 0 where an event has told, or is to tell
 * it, or the key has lost its place. start_ns: of the event that was the first.
 */
struct vex_attr_suppressed rule_limit_take(struct rule_limits *limits,
		const struct rule_limit_untold *untold, uint64_t start_ns);

/** What was taken, or came with a verdict, and is told to nobody after all. */
void rule_limits_leave_untold(struct rule_limits *limits, uint64_t count);

/** Since the table was made. */
struct rule_limits_counts {
	uint64_t full;      /**< events that passed because their key found no entry */
	uint64_t contended; /**< those that passed because others changed the entry all the time */
	uint64_t untold;    /**< suppressed events of which nobody will be told any more */
};
struct rule_limits_counts rule_limits_counts(const struct rule_limits *limits);

#endif
