/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules as a worker has them before it: compiled, with a reader; and records to ask with. */
#ifndef VEX_TESTS_SUPPORT_RULE_LIMITS_H
#define VEX_TESTS_SUPPORT_RULE_LIMITS_H

#include "rule/compile.h"
#include "rule/place.h"

struct compiled {
	struct rule_set *set;
	struct rule_image *image;
	size_t size;
	struct rule_reader reader;
};

/** Aborts where the text is wrong. */
void compiled_from(struct compiled *compiled, const char *text);
void compiled_free(struct compiled *compiled);

/** Of the i-th rule. */
const struct rule_image_limit *compiled_limit(const struct compiled *compiled, uint32_t i);
const struct rule_image_redact *compiled_redacts(const struct compiled *compiled, uint32_t i,
		uint32_t *count);

/** Encodes an event; to be freed with free(). Aborts where it is none. */
struct vex_record *record_of(const struct vex_event *event);

/** The next of a row of numbers that a seed begins. */
uint64_t next_random(uint64_t *state);

#endif
