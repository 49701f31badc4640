/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of rules for the benchmark `rules`, and real paths for them. Ends the program where memory
 * runs out. */
#ifndef VEX_PERF_RULE_SETS_H
#define VEX_PERF_RULE_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

#define RULE_PATHS 40000u

struct rule_paths {
	char *path[RULE_PATHS];
	unsigned count;
	double mean; /**< length */
};

/** Paths of 40 to 95 bytes, evenly out of a tree. */
void rule_paths_take(struct rule_paths *paths, const char *root);
void rule_paths_free(struct rule_paths *paths);

/** Type of the event that is made of a path. */
uint16_t rule_paths_type(unsigned i);

/** Makes *event, zeroed or made so before, the one of path i: an access by one of 100 users. */
void rule_paths_event(const struct rule_paths *paths, unsigned i, struct vex_event *event);

struct rule_text_file {
	char *text;
	size_t len;
	size_t cap;
};

/** A pattern for each of the first rules, as a regular expression and as a glob. */
struct rule_globs {
	char **regex;
	char **glob;
	unsigned count;
};

/**
 * 70 of 100 subtrees, 20 exact paths, 5 extensions, 5 globs (one in ten of them a regular
 * expression) with fields. The first 1,000 are of the paths; all others are of names below them
 * that nobody has, so that a large set matches as much as a small one. globs may be NULL.
 */
void rule_sets_mixed(struct rule_text_file *file, const struct rule_paths *paths, unsigned rules,
		struct rule_globs *globs);

/** Globs that no index can tell apart. globs may be NULL. */
void rule_sets_globs(struct rule_text_file *file, const struct rule_paths *paths, unsigned rules,
		struct rule_globs *globs);

/** 64 filters of sizes, offsets, results and times. */
void rule_sets_filters(struct rule_text_file *file);

void rule_globs_free(struct rule_globs *globs);

#endif
