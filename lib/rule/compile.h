/* SPDX-License-Identifier: BSD-3-Clause */
/* Rule sets to images. */
#ifndef VEX_RULE_COMPILE_H
#define VEX_RULE_COMPILE_H

#include "rule/image.h"
#include "rule/rule.h"

/** What went wrong. */
struct rule_compile_error {
	char text[128];
};

/**
 * Compiles a checked set. previous, which may be NULL, is an image that was verified: databases of
 * patterns that did not change are taken over from it. The image is on the heap, to be freed with
 * free(); *size is its length. Returns 0, -ENOMEM, -E2BIG where it is beyond what an image holds,
 * or -EINVAL where Hyperscan refused an expression; *why tells it then, and *image is NULL.
 * Thread-safe. Takes time; holds up to some times the image's size while it works.
 */
int rule_compile(const struct rule_set *set, const struct rule_image *previous,
		struct rule_image **image, size_t *size, struct rule_compile_error *why);

#endif
