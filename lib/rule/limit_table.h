/* SPDX-License-Identifier: BSD-3-Clause */
/* The table behind limit.h: entries by key. Private to lib/rule. */
#ifndef VEX_RULE_LIMIT_TABLE_H
#define VEX_RULE_LIMIT_TABLE_H

#include <stdbool.h>

#include "rule/limit.h"

#define LIMIT_WAYS 4u   /* entries of a line */
#define LIMIT_CHOICE 8u /* entries that a key may have: its line's and the neighbour's */
#define LIMIT_TRIES 64u /* each of which fails only because somebody else went on */

/*
 * Times are of 1/64 ns, modulo 2^64, and compared by their difference: two and more years either
 * way. So the intervals of a rate are exact to 1/128 ns, and a clock that wraps does no harm.
 */
#define LIMIT_TICKS 64u
#define LIMIT_SPAN_MAX (1ull << 62)

enum limit_kind { LIMIT_SAMPLE = 1, LIMIT_SUPPRESS, LIMIT_RATE };

/*
 * A key is 0 (free), or 61 bits of a hash, two of its kind, and CLAIM: somebody wants to enter it
 * and must make sure that nobody else does elsewhere. Words are times up to which the entry is
 * needed.
 */
struct limit_line {
	uint64_t key[LIMIT_WAYS];
	uint64_t word[LIMIT_WAYS];
} VEX_LINE_ALIGNED;

/* Of SUPPRESS: what nobody was told of. Of SAMPLE: the count alone, of all events. */
struct limit_tally {
	uint64_t count;
	uint64_t not_first; /* ~first, so that nothing yet is 0 */
	uint64_t last;
	uint64_t zero;
};

struct rule_limits {
	struct limit_line *lines;
	struct limit_tally *tallies; /* of each entry */
	uint64_t line_mask;
	uint64_t seed;
	struct rule_limits_counts counts VEX_LINE_ALIGNED;
};

struct limit_entry {
	uint64_t key;
	uint64_t *where; /* where the key stands; NULL: no room */
	uint64_t *word;
	struct limit_tally *tally;
};

/** Finds or makes the entry of a key. A new one's word is over, and its tally empty. */
struct limit_entry limit_enter(struct rule_limits *limits, enum limit_kind kind, uint64_t hash,
		uint64_t now);

/** What the tally of an entry holds, which is empty then. */
struct vex_attr_suppressed limit_take(struct limit_tally *tally);

/** Adds events, of which the first and the last were then; returns how many there were before. */
uint64_t limit_add(struct limit_tally *tally, const struct vex_attr_suppressed *more);

/** The number of an entry that has room, and the entry of that number, without its key. */
uint32_t limit_number(const struct rule_limits *limits, const struct limit_entry *entry);
struct limit_entry limit_numbered(struct rule_limits *limits, uint32_t number);

static inline int64_t limit_ahead(uint64_t word, uint64_t now)
{
	return (int64_t)(word - now);
}

static inline bool limit_swap(uint64_t *at, uint64_t *expected, uint64_t to)
{
	return __atomic_compare_exchange_n(at, expected, to, false, __ATOMIC_SEQ_CST,
			__ATOMIC_SEQ_CST);
}

static inline void limit_count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

#endif
