/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is given piece by piece and freed at once. Not thread-safe. */
#ifndef VEX_RULE_MEMORY_H
#define VEX_RULE_MEMORY_H

#include "rule/ast.h"

struct rule_chunk;

/** Zeroed: empty. */
struct rule_memory {
	struct rule_chunk *chunks;
	size_t left;  /**< bytes of the first chunk that were not given */
	size_t total; /**< bytes of all chunks */
};

/** Zeroed bytes, aligned to 8; NULL where there are none. */
void *rule_memory_get(struct rule_memory *memory, size_t size);

/** A copy with a NUL behind it; data is NULL where there is no memory. */
struct rule_text rule_memory_text(struct rule_memory *memory, const char *data, size_t len);

/** A copy of an array; NULL where there is no memory, or nothing in it. */
void *rule_memory_copy(struct rule_memory *memory, const void *data, size_t size);

void rule_memory_free(struct rule_memory *memory);

/**
 * Makes room for one more in an array on the heap. Returns the array, moved perhaps, or NULL
 * where there is no memory; it is as it was then.
 */
void *rule_array_room(void *array, size_t count, size_t *capacity, size_t item);

#endif
