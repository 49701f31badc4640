/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entries by key, without a lock. What must not be is one key with two entries, as each would let
 * its event pass. So an entry is first claimed, and settled only by who has seen the claim and
 * then no other entry of that key: of two who both saw none, the one that claimed later would have
 * seen the other's claim. Anybody who meets a claim of his key settles it, so nobody waits. All of
 * this is sequentially consistent, and rare: an entry that is there is found by loads alone.
 */
#include "rule/limit_table.h"

#include <errno.h>

#include "base/alloc.h"

#define CLAIM 1u
#define KIND_SHIFT 1u
#define LOW_BITS 7u

/* What nobody was told of is kept that long; who looked at the entry before is through with it. */
#define GRACE (1000000000ull * LIMIT_TICKS)

int rule_limits_new(uint32_t entries, uint64_t seed, struct rule_limits **out)
{
	struct rule_limits *limits;
	uint64_t lines = 2;

	*out = NULL;
	if (!entries || entries > RULE_LIMITS_ENTRIES_MAX)
		return -EINVAL;
	while (lines * LIMIT_WAYS < entries)
		lines *= 2;
	limits = vex_alloc_lines(sizeof(*limits));
	if (!limits)
		return -ENOMEM;
	limits->line_mask = lines - 1;
	limits->seed = seed;
	limits->lines = vex_alloc_lines(lines * sizeof(*limits->lines));
	limits->tallies = vex_alloc_lines(lines * LIMIT_WAYS * sizeof(*limits->tallies));
	if (!limits->lines || !limits->tallies) {
		rule_limits_free(limits);
		return -ENOMEM;
	}
	*out = limits;
	return 0;
}

void rule_limits_free(struct rule_limits *limits)
{
	if (!limits)
		return;
	free(limits->lines);
	free(limits->tallies);
	free(limits);
}

struct rule_limits_counts rule_limits_counts(const struct rule_limits *limits)
{
	return (struct rule_limits_counts){
		.full = VEX_LOAD_RELAXED(&limits->counts.full),
		.contended = VEX_LOAD_RELAXED(&limits->counts.contended),
		.untold = VEX_LOAD_RELAXED(&limits->counts.untold),
	};
}

void rule_limits_leave_untold(struct rule_limits *limits, uint64_t count)
{
	limit_count(&limits->counts.untold, count);
}

/* -- tallies -- */

static void lift(uint64_t *at, uint64_t to)
{
	uint64_t seen = VEX_LOAD_RELAXED(at);
	unsigned i;

	for (i = 0; i < LIMIT_TRIES && seen < to; i++)
		if (limit_swap(at, &seen, to))
			break;
}

/* The count comes last, and is taken first: first and last of what is counted are there. */
uint64_t limit_add(struct limit_tally *tally, const struct vex_attr_suppressed *more)
{
	lift(&tally->not_first, ~more->first_ns);
	lift(&tally->last, more->last_ns);
	return __atomic_fetch_add(&tally->count, more->count, __ATOMIC_SEQ_CST);
}

struct vex_attr_suppressed limit_take(struct limit_tally *tally)
{
	struct vex_attr_suppressed taken = {0};

	if (!VEX_LOAD_ACQUIRE(&tally->count))
		return taken;
	taken.count = __atomic_exchange_n(&tally->count, 0, __ATOMIC_SEQ_CST);
	taken.first_ns = ~__atomic_exchange_n(&tally->not_first, 0, __ATOMIC_SEQ_CST);
	taken.last_ns = __atomic_exchange_n(&tally->last, 0, __ATOMIC_SEQ_CST);
	if (taken.first_ns > taken.last_ns)
		taken.first_ns = taken.last_ns;
	return taken;
}

/* -- entries -- */

static struct limit_entry entry_at(struct rule_limits *limits, uint64_t line, unsigned choice)
{
	uint64_t at = line ^ choice / LIMIT_WAYS;
	unsigned way = choice % LIMIT_WAYS;

	return (struct limit_entry){.where = &limits->lines[at].key[way],
			.word = &limits->lines[at].word[way],
			.tally = &limits->tallies[at * LIMIT_WAYS + way]};
}

uint32_t limit_number(const struct rule_limits *limits, const struct limit_entry *entry)
{
	return (uint32_t)(entry->tally - limits->tallies);
}

struct limit_entry limit_numbered(struct rule_limits *limits, uint32_t number)
{
	return entry_at(limits, number / LIMIT_WAYS, number % LIMIT_WAYS);
}

/* Where the key is settled, or LIMIT_CHOICE. */
static unsigned find(struct rule_limits *limits, uint64_t line, uint64_t key)
{
	unsigned choice;

	for (choice = 0; choice < LIMIT_CHOICE; choice++)
		if (__atomic_load_n(entry_at(limits, line, choice).where, __ATOMIC_SEQ_CST) == key)
			break;
	return choice;
}

/* The same, and where it is claimed, a bit each: all of it seen in one go. */
static unsigned look(struct rule_limits *limits, uint64_t line, uint64_t key, unsigned *claims)
{
	unsigned settled = LIMIT_CHOICE;
	unsigned choice;

	*claims = 0;
	for (choice = 0; choice < LIMIT_CHOICE; choice++) {
		struct limit_entry entry = entry_at(limits, line, choice);
		uint64_t found = __atomic_load_n(entry.where, __ATOMIC_SEQ_CST);

		if (found == key)
			settled = choice;
		*claims |= (unsigned)(found == (key | CLAIM)) << choice;
	}
	return settled;
}

static void drop(struct rule_limits *limits, uint64_t line, uint64_t key, unsigned claims)
{
	for (; claims; claims &= claims - 1) {
		unsigned choice = (unsigned)__builtin_ctz(claims);
		uint64_t expected = key | CLAIM;

		limit_swap(entry_at(limits, line, choice).where, &expected, 0);
	}
}

/*
 * Of the claims of a key the first is settled, once it is the only one. The word changes first, so
 * that who still has the key before this one in mind fails; but only while the claim stands.
 */
static void settle(struct rule_limits *limits, uint64_t line, uint64_t key, unsigned claims,
		uint64_t now)
{
	unsigned first = (unsigned)__builtin_ctz(claims);
	struct limit_entry entry = entry_at(limits, line, first);
	uint64_t word = __atomic_load_n(entry.word, __ATOMIC_SEQ_CST);
	uint64_t expected = key | CLAIM;

	drop(limits, line, key, claims & ~(1u << first));
	if (__atomic_load_n(entry.where, __ATOMIC_SEQ_CST) != (key | CLAIM) ||
			!limit_swap(entry.word, &word, now - 1 - (word == now - 1)))
		return;
	if (look(limits, line, key, &claims) == LIMIT_CHOICE && claims == 1u << first)
		limit_swap(entry.where, &expected, key);
}

static bool is_suppress(uint64_t key)
{
	return (key >> KIND_SHIFT & 3) == LIMIT_SUPPRESS;
}

/* Whether an entry says no more than a new one would; where it holds a tally, after a while. */
static bool is_over(const struct limit_entry *entry, uint64_t key, uint64_t now)
{
	int64_t ahead = limit_ahead(VEX_LOAD_RELAXED(entry->word), now);

	if ((key & CLAIM) || ahead > 0)
		return false;
	return ahead < -(int64_t)GRACE || !is_suppress(key) ||
			!VEX_LOAD_RELAXED(&entry->tally->count);
}

/* Puts a claim in the place of what was there, unless that has changed. */
static void replace(struct rule_limits *limits, const struct limit_entry *entry, uint64_t old,
		uint64_t key)
{
	struct vex_attr_suppressed taken = limit_take(entry->tally);

	if (limit_swap(entry->where, &old, key | CLAIM)) {
		if (is_suppress(old))
			limit_count(&limits->counts.untold, taken.count);
	} else if (taken.count) {
		limit_add(entry->tally, &taken);
	}
}

/* False where there is no room. */
static bool claim(struct rule_limits *limits, uint64_t line, uint64_t key, uint64_t now)
{
	struct limit_entry best = {.where = NULL};
	uint64_t old = CLAIM;
	unsigned choice;

	for (choice = 0; choice < LIMIT_CHOICE && old; choice++) {
		struct limit_entry entry = entry_at(limits, line, choice);
		uint64_t found = __atomic_load_n(entry.where, __ATOMIC_SEQ_CST);

		if (!found || (!best.where && is_over(&entry, found, now))) {
			best = entry;
			old = found;
		}
	}
	if (best.where)
		replace(limits, &best, old, key);
	return best.where;
}

/* Enters a key that was not there. */
static unsigned make(struct rule_limits *limits, uint64_t line, uint64_t key, uint64_t now)
{
	unsigned claims = 0;
	unsigned i;

	for (i = 0; i < LIMIT_TRIES; i++) {
		unsigned choice = look(limits, line, key, &claims);

		if (choice < LIMIT_CHOICE) {
			drop(limits, line, key, claims);
			return choice;
		}
		if (claims) {
			settle(limits, line, key, claims, now);
		} else if (!claim(limits, line, key, now)) {
			limit_count(&limits->counts.full, 1);
			return LIMIT_CHOICE;
		}
	}
	drop(limits, line, key, claims);
	limit_count(&limits->counts.contended, 1);
	return LIMIT_CHOICE;
}

struct limit_entry limit_enter(struct rule_limits *limits, enum limit_kind kind, uint64_t hash,
		uint64_t now)
{
	uint64_t key = (hash & ~(uint64_t)LOW_BITS) | (uint64_t)kind << KIND_SHIFT;
	uint64_t line = hash >> 32 & limits->line_mask;
	unsigned choice = find(limits, line, key);
	struct limit_entry entry;

	if (choice == LIMIT_CHOICE)
		choice = make(limits, line, key, now);
	if (choice == LIMIT_CHOICE)
		return (struct limit_entry){.where = NULL};
	entry = entry_at(limits, line, choice);
	entry.key = key;
	return entry;
}
