/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys of a rule image's index. The compiler enters a rule under them, the runtime looks an
 * event's up: a match is never missed, and each is made sure of by the tests themselves, so that
 * two things of one hash do no harm. Private to lib/rule.
 */
#ifndef VEX_RULE_INDEX_KEY_H
#define VEX_RULE_INDEX_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/** What a key is of; of the second path as many again. */
enum rule_key_kind {
	RULE_KEY_SUBTREE,  /**< the first components of a path */
	RULE_KEY_EXACT,    /**< all of them */
	RULE_KEY_DIRECTORY, /**< all but what stands behind the last slash */
	RULE_KEY_FILENAME, /**< what does */
	RULE_KEY_SUFFIX,   /**< of that what follows its last dot, with the dot */
	RULE_KEY_PATH2,    /**< added to the above for the second path */
	RULE_KEY_NAME = 10, /**< of a process */
	RULE_KEY_NUMBER,   /**< added to it the field */
};

static inline uint64_t rule_key_mix(uint64_t hash, uint64_t with)
{
	hash = (hash ^ with) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

static inline uint64_t rule_key_bytes(unsigned kind, const void *data, size_t len)
{
	return rule_key_mix(XXH3_64bits(data, len), kind + 1);
}

static inline uint64_t rule_key_number(unsigned field, uint64_t value)
{
	return rule_key_mix(rule_key_mix(value, RULE_KEY_NUMBER + field), 0x51ed27);
}

/** A path's components, one after the other; slashes in a row are one. */
struct rule_components {
	const char *at;
	const char *end;
	uint64_t hash; /**< of those so far */
	unsigned depth;
};

/** Takes the next component in; false where there is none. */
static inline bool rule_components_next(struct rule_components *walk)
{
	const char *start;

	while (walk->at < walk->end && *walk->at == '/')
		walk->at++;
	if (walk->at == walk->end)
		return false;
	start = walk->at;
	walk->at = memchr(start, '/', (size_t)(walk->end - start));
	if (!walk->at)
		walk->at = walk->end;
	walk->hash = rule_key_mix(XXH3_64bits(start, (size_t)(walk->at - start)), walk->hash + 1);
	walk->depth++;
	return true;
}

/** The key of a path of components with that hash. */
static inline uint64_t rule_key_path(unsigned kind, uint64_t components)
{
	return rule_key_mix(components, kind + 1);
}

#endif
