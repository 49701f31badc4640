/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor's rules: the mixed ones of rule_sets_mixed(), each under the one key that leads to
 * it, with one filter of a few that they share.
 */
#ifndef VEX_PERF_FLOOR_RULES_H
#define VEX_PERF_FLOOR_RULES_H

#include <stdbool.h>
#include <string.h>

#include "floor.h"

#define FLOOR_SLOTS 4096u /* four times the rules: most are empty */
#define FLOOR_FILTERS 64u
#define FLOOR_PADDING 8u /* bytes behind a path that may be read */

/** What a rule asks of the name below its folder. */
enum floor_pattern {
	FLOOR_ANY,
	FLOOR_GLOB,  /**< begins with what start says, with end somewhere behind it */
	FLOOR_REGEX, /**< begins with a small letter */
};

struct floor_rule {
	uint32_t number;
	uint8_t filter;
	uint8_t pattern; /**< enum floor_pattern */
	uint8_t start_len;
	char start[2];
	char end; /**< 0: none */
};

/** What varies beside the path. */
struct floor_filter {
	uint64_t types; /**< a bit each */
	uint64_t uid_from;
	uint64_t uid_to;
	uint64_t size_from;
};

/** A key, and its rules: rule[first] and those that follow. */
struct floor_slot {
	uint64_t hash;
	const char *key;
	uint32_t len;
	uint16_t first;
	uint16_t count;
};

/** Tags say which slots are worth a look: most keys that are looked for are not there. */
struct floor_table {
	uint32_t tag[FLOOR_SLOTS]; /**< 0: the slot is empty */
	struct floor_slot slot[FLOOR_SLOTS];
};

struct floor_rules {
	struct floor_table below; /**< folders: subtrees, and patterns within them */
	struct floor_table exact;
	struct floor_table suffix; /**< from the last dot on */
	struct floor_rule rule[FLOOR_RULES];
	struct floor_filter filter[FLOOR_FILTERS];
	unsigned filter_count;
};

/** Hashes len bytes into hash, eight at a time; FLOOR_PADDING bytes behind them may be read. */
static inline uint64_t floor_hash(uint64_t hash, const char *at, size_t len)
{
	uint64_t word;

	for (; len > 8; len -= 8, at += 8) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	memcpy(&word, at, sizeof(word));
	word = len ? word << (64 - 8 * len) : 0;
	hash = (hash ^ word ^ len) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static inline uint32_t floor_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1;
}

/** The slot of a key, or the empty one where it is to stand. */
static inline unsigned floor_find(const struct floor_table *table, uint64_t hash, const char *key,
		size_t len)
{
	unsigned i = (unsigned)(hash % FLOOR_SLOTS);

	for (; table->tag[i]; i = (i + 1) % FLOOR_SLOTS) {
		const struct floor_slot *slot = &table->slot[i];

		if (table->tag[i] == floor_tag(hash) && slot->hash == hash && slot->len == len &&
				!memcmp(slot->key, key, len))
			break;
	}
	return i;
}

/** Of globs, which stay. Ends the program where there are not FLOOR_RULES of them. */
void floor_rules_make(struct floor_rules *rules, const struct rule_globs *globs);

#endif
