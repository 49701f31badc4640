/* SPDX-License-Identifier: BSD-3-Clause */
/* A set of rules as it is measured: from its text to what matches. */
#ifndef VEX_PERF_RULE_LOADED_H
#define VEX_PERF_RULE_LOADED_H

#include "rule/match.h"
#include "rule_sets.h"

struct rule_loaded {
	struct rule_image *image;
	struct rule_matcher *matcher;
	size_t size;
	double seconds; /* from text to image */
};

/**
 * Compiles a text, beside an image that is there already or NULL, and takes the time of it. 0 or a
 * negative errno, with a log line; so do the next two.
 */
int rule_loaded_compile(const struct rule_text_file *file, const struct rule_image *previous,
		struct rule_loaded *out);

/** Makes the matcher of what was compiled. */
int rule_loaded_load(struct rule_loaded *loaded);

/** Both, of what is written. */
int rule_loaded_make(void (*write)(struct rule_text_file *), struct rule_loaded *out);

void rule_loaded_free(struct rule_loaded *loaded);

#endif
