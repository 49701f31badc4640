/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and the number that each was given: a hash table. Not thread-safe. */
#ifndef VEX_RULE_NAMES_H
#define VEX_RULE_NAMES_H

#include "rule/ast.h"

#define RULE_NAMES_NONE UINT32_MAX

struct rule_names_slot {
	struct rule_text name;
	uint32_t number;
	uint32_t hash;
};

/** Zeroed: empty. Names are not copied: they must outlive the table. */
struct rule_names {
	struct rule_names_slot *slots;
	size_t capacity; /**< a power of two, or 0 */
	size_t count;
};

/** The number of a name, or RULE_NAMES_NONE. */
uint32_t rule_names_find(const struct rule_names *names, const char *name, size_t len);

/** Adds a name that is not there yet. Returns 0 or -ENOMEM. */
int rule_names_add(struct rule_names *names, struct rule_text name, uint32_t number);

void rule_names_free(struct rule_names *names);

#endif
