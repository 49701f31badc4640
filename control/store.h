/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Versions of the rules, on disk: a folder with one file for each, a bundle (bundle.h) named by
 * its number. The newest that is whole is the one in force. A version is written beside the
 * others first, flushed, and takes its name only when it is in force: it is there or not.
 *
 * One program at a time holds a store. All functions are thread-safe, but for writing and
 * committing, which are one thread's at a time. Those that read or write versions may block.
 */
#ifndef VEX_CONTROL_STORE_H
#define VEX_CONTROL_STORE_H

#include "bundle.h"

#define STORE_VERSIONS_MAX 10000u
#define STORE_WHY_MAX 400u
#define STORE_LIST_BYTES (512u << 10)

struct store;

/**
 * Opens "rules" in the folder; both are made where need be, and what an interrupted write left is
 * cleared away. Returns 0 or a negative errno with a sentence in why.
 */
int store_open(const char *folder, struct store **store, char why[STORE_WHY_MAX]);
void store_close(struct store *store);

/**
 * What is known of versions without reading all of them, oldest first: their meta without "files",
 * and "version", "bytes"; of a damaged one "damaged", how, instead. Begins with the version from, or
 * the next one, and ends where the answer would be larger than STORE_LIST_BYTES; *next is where to
 * go on, 0 where that was all.
 */
json_t *store_list(struct store *store, uint64_t from, uint64_t *next);

/** The newest version below this number that was not found damaged so far; 0: none. */
uint64_t store_newest(struct store *store, uint64_t below);

/** The highest number of any version that is or was here, damaged or not; 0: none. */
uint64_t store_last(struct store *store);

/** Writes and flushes a bundle that no version is yet, in place of an earlier such one. */
int store_write(struct store *store, const void *data, size_t size, char why[STORE_WHY_MAX]);

/**
 * Makes what was written that version, whose number is above store_last(), and removes the oldest
 * beyond keep versions or keep_bytes, but never this one.
 */
int store_commit(struct store *store, uint64_t number, unsigned keep, uint64_t keep_bytes,
		char why[STORE_WHY_MAX]);

/** Forgets what was written. */
void store_discard(struct store *store);

/** Reads a version and checks all of it. NULL with a sentence in why; it is named damaged then. */
struct bundle *store_read(struct store *store, uint64_t number, char why[STORE_WHY_MAX]);

/** Reads up to size bytes of a version's file at an offset; what there is, or a negative errno. */
ssize_t store_read_part(struct store *store, uint64_t number, uint64_t offset, void *data,
		size_t size);

#endif
