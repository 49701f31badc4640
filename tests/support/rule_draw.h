/* SPDX-License-Identifier: BSD-3-Clause */
/* What rule_random.c and rule_text.c share. */
#ifndef VEX_TESTS_SUPPORT_RULE_DRAW_H
#define VEX_TESTS_SUPPORT_RULE_DRAW_H

#include "support/rule_random.h"

struct rule_random {
	uint64_t state;
	char **paths; /**< the same for each seed */
	size_t path_count;
	char *text; /**< of a set */
	size_t len;
	size_t cap;
	unsigned macros; /**< that the set has */
	unsigned lists;
};

uint64_t draw_bits(struct rule_random *random);
const char *draw_path(struct rule_random *random);
const char *draw_name(struct rule_random *random);
uint64_t draw_number(struct rule_random *random);
uint64_t draw_time(struct rule_random *random);

static inline size_t draw(struct rule_random *random, size_t below)
{
	return (size_t)(draw_bits(random) % below);
}

static inline bool chance(struct rule_random *random, unsigned percent)
{
	return draw(random, 100) < percent;
}

#endif
