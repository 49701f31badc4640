/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration files: YAML mappings whose keys are declared in a table. An unknown key, a key
 * twice, a value out of range is an error that names file and line; null is an error too, not
 * a default. Not thread-safe.
 */
#ifndef VEX_CONF_CONF_H
#define VEX_CONF_CONF_H

#include <stddef.h>
#include <stdint.h>

enum conf_kind {
	CONF_MAP,   /**< keys: what may stand below */
	CONF_PATH,  /**< to: char[max]; an absolute path */
	CONF_U32,   /**< to: uint32_t, min to max; 0x and 0 prefixes are understood */
	CONF_U64,   /**< to: uint64_t, min to max */
	CONF_U32_OR_0, /**< to: uint32_t; 0, or min to max */
	CONF_POWER,    /**< to: uint64_t; a power of two, min to max */
	CONF_BOOL,  /**< to: bool; true or false */
	CONF_WORD,  /**< to: unsigned; index of the word in words */
	CONF_USERS, /**< to: struct conf_ids; a list of names or numbers */
	CONF_GROUPS,
	CONF_PATHS, /**< to: struct conf_paths; a list of absolute paths */
	CONF_LIST,  /**< a list of words, each given to add, with to */
};

#define CONF_IDS_MAX 32u

struct conf_ids {
	uint32_t count;
	uint32_t ids[CONF_IDS_MAX];
};

#define CONF_PATHS_MAX 16u
#define CONF_PATH_BYTES 256u

struct conf_paths {
	uint32_t count;
	char paths[CONF_PATHS_MAX][CONF_PATH_BYTES];
};

/** Takes one word of a list, for the key of that name. 0, or -1 with a sentence in why. */
typedef int conf_add(void *to, const char *name, const char *word, char *why, size_t cap);

struct conf_key {
	const char *name; /**< NULL ends a table; at most 32 keys in one */
	enum conf_kind kind;
	void *to;
	uint64_t min;
	uint64_t max;
	const char *const *words;    /**< ends in NULL */
	const struct conf_key *keys; /**< ends in a key without name */
	conf_add *add;
};

/**
 * Sets what the file sets and leaves the rest. Returns 0, or -1 with a sentence in why that
 * names file and line; what stood before that line may have been set.
 */
int conf_load(const struct conf_key *keys, const char *file, char *why, size_t cap);

#endif
