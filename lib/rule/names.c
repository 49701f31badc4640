/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a: names are short, and come from whoever may load rules anyway. */
static uint32_t hash_name(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;

	while (len--)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash;
}

/* The slot of the name, or the empty one where it would stand. */
static struct rule_names_slot *find_slot(const struct rule_names *names, const char *name,
		size_t len, uint32_t hash)
{
	size_t i = hash & (names->capacity - 1);

	for (;; i = (i + 1) & (names->capacity - 1)) {
		struct rule_names_slot *slot = &names->slots[i];

		if (!slot->name.data)
			return slot;
		if (slot->hash == hash && slot->name.len == len &&
				!memcmp(slot->name.data, name, len))
			return slot;
	}
}

uint32_t rule_names_find(const struct rule_names *names, const char *name, size_t len)
{
	const struct rule_names_slot *slot;

	if (!names->capacity)
		return RULE_NAMES_NONE;
	slot = find_slot(names, name, len, hash_name(name, len));
	return slot->name.data ? slot->number : RULE_NAMES_NONE;
}

static int grow(struct rule_names *names)
{
	struct rule_names more = {.capacity = names->capacity ? names->capacity * 2 : 64};
	size_t i;

	more.slots = calloc(more.capacity, sizeof(*more.slots));
	if (!more.slots)
		return -ENOMEM;
	for (i = 0; i < names->capacity; i++) {
		const struct rule_names_slot *slot = &names->slots[i];

		if (slot->name.data)
			*find_slot(&more, slot->name.data, slot->name.len, slot->hash) = *slot;
	}
	more.count = names->count;
	free(names->slots);
	*names = more;
	return 0;
}

int rule_names_add(struct rule_names *names, struct rule_text name, uint32_t number)
{
	uint32_t hash = hash_name(name.data, name.len);

	if (names->count * 4 >= names->capacity * 3 && grow(names))
		return -ENOMEM;
	*find_slot(names, name.data, name.len, hash) =
			(struct rule_names_slot){.name = name, .number = number, .hash = hash};
	names->count++;
	return 0;
}

void rule_names_free(struct rule_names *names)
{
	free(names->slots);
	memset(names, 0, sizeof(*names));
}
