/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/memory.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN 4096u
#define CHUNK_MAX (1u << 20)

struct rule_chunk {
	struct rule_chunk *next;
	size_t size; /* of bytes */
	_Alignas(8) uint8_t bytes[];
};

/* Chunks grow with what is there, so that few are wasted and few are needed. */
static struct rule_chunk *add_chunk(struct rule_memory *memory, size_t size)
{
	size_t want = memory->total < CHUNK_MIN ? CHUNK_MIN : memory->total;
	struct rule_chunk *chunk;

	if (want > CHUNK_MAX)
		want = CHUNK_MAX;
	if (want < size)
		want = size;
	chunk = malloc(sizeof(*chunk) + want);
	if (!chunk)
		return NULL;
	chunk->size = want;
	chunk->next = memory->chunks;
	memory->chunks = chunk;
	memory->left = want;
	memory->total += want;
	return chunk;
}

void *rule_memory_get(struct rule_memory *memory, size_t size)
{
	struct rule_chunk *chunk = memory->chunks;
	size_t whole = (size + 7) & ~(size_t)7;
	uint8_t *at;

	if (whole < size)
		return NULL;
	if (!chunk || memory->left < whole)
		chunk = add_chunk(memory, whole);
	if (!chunk)
		return NULL;
	at = chunk->bytes + (chunk->size - memory->left);
	memory->left -= whole;
	return memset(at, 0, whole);
}

struct rule_text rule_memory_text(struct rule_memory *memory, const char *data, size_t len)
{
	char *copy = rule_memory_get(memory, len + 1);

	if (!copy)
		return (struct rule_text){NULL, 0};
	if (len)
		memcpy(copy, data, len);
	return (struct rule_text){copy, len};
}

void *rule_memory_copy(struct rule_memory *memory, const void *data, size_t size)
{
	void *copy = size ? rule_memory_get(memory, size) : NULL;

	return copy ? memcpy(copy, data, size) : NULL;
}

void rule_memory_free(struct rule_memory *memory)
{
	while (memory->chunks) {
		struct rule_chunk *next = memory->chunks->next;

		free(memory->chunks);
		memory->chunks = next;
	}
	memory->left = 0;
	memory->total = 0;
}

void *rule_array_room(void *array, size_t count, size_t *capacity, size_t item)
{
	size_t more = *capacity ? *capacity * 2 : 16;
	void *moved;

	if (count < *capacity)
		return array;
	moved = reallocarray(array, more, item);
	if (moved)
		*capacity = more;
	return moved;
}
