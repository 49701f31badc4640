/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules on their way: the files of a set, with whatever else is to be known of them, in one piece
 * of bytes. vexctl sends one to vex-control, which keeps each version as one.
 *
 *     header, then meta (a JSON object), then the texts of the files, one behind the other, then
 *     the objects of programs
 *
 * meta has "files", a list of {name, size, line, column, by} as struct rule_source has them, and
 * "objects", a list of {name, size}, where there are any. A bundle comes from another process or from a disk: nothing in it is believed unchecked.
 */
#ifndef VEX_CONTROL_BUNDLE_H
#define VEX_CONTROL_BUNDLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "rule/rule.h"

#define BUNDLE_VERSION 1u
#define BUNDLE_META_MAX (4u << 20)
#define BUNDLE_WHY_MAX 200u

struct bundle_header {
	char magic[8];
	uint64_t checksum; /**< XXH3, 64 bits, of all that is behind it */
	uint64_t size;     /**< of the whole */
	uint64_t meta_checksum;
	uint32_t version;
	uint32_t meta_size;
};

struct bundle {
	json_t *meta;
	struct rule_files files; /**< its strings point into data and meta */
	void *data;
	size_t size;
	bool mapped;
};

/**
 * Packs files with meta, an object that is borrowed and may be NULL. Returns a heap block of
 * *size bytes, or NULL with a sentence in why.
 */
void *bundle_pack(const struct rule_files *files, const json_t *meta, size_t *size,
		char why[BUNDLE_WHY_MAX]);

/** Takes over data, a heap block, also where it fails: NULL with a sentence in why. */
struct bundle *bundle_open(void *data, size_t size, char why[BUNDLE_WHY_MAX]);

/** Opens a file, whose descriptor stays the caller's and may be closed. */
struct bundle *bundle_map(int fd, char why[BUNDLE_WHY_MAX]);

/** Reads no more than header and meta: a new reference. *size is that of the whole bundle. */
json_t *bundle_read_meta(int fd, uint64_t *size, char why[BUNDLE_WHY_MAX]);

/** The file that switches would stand in. */
#define BUNDLE_SWITCHES "switched by vexctl"

/**
 * Rules that switch others on and off, to stand behind the sources, out of "switched" of a meta:
 * {name: enabled}. To be freed; NULL where memory is short.
 */
char *bundle_switches(const json_t *switched);

void bundle_free(struct bundle *bundle);

#endif
