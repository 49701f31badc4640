/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64u

void slots_free(struct slots *slots)
{
	free(slots->entries);
	free(slots->index);
	*slots = (struct slots){.max = slots->max};
}

static uint32_t place_of(const struct slots *slots, uint64_t fingerprint, uint64_t name)
{
	uint64_t hash = (fingerprint ^ name * 0x9e3779b97f4a7c15ull) * 0xc2b2ae3d27d4eb4full;

	return (uint32_t)(hash >> 32) & slots->mask;
}

static uint32_t home(const struct slots *slots, uint32_t place)
{
	const struct slots_entry *entry = &slots->entries[slots->index[place] - 1];

	return place_of(slots, entry->fingerprint, entry->name);
}

/* The place where the rule stands, or would stand. */
static uint32_t find(const struct slots *slots, uint64_t fingerprint, uint64_t name)
{
	uint32_t place = place_of(slots, fingerprint, name);

	for (; slots->index[place]; place = (place + 1) & slots->mask) {
		const struct slots_entry *entry = &slots->entries[slots->index[place] - 1];

		if (entry->fingerprint == fingerprint && entry->name == name)
			break;
	}
	return place;
}

static void fill_index(struct slots *slots)
{
	for (uint32_t i = 0; i < slots->known; i++) {
		const struct slots_entry *entry = &slots->entries[i];

		if (entry->state)
			slots->index[find(slots, entry->fingerprint, entry->name)] = i + 1;
	}
}

/* The index is at most half full. */
static int grow(struct slots *slots)
{
	uint32_t room = slots->room ? slots->room * 2 : ROOM_MIN;
	struct slots_entry *entries = realloc(slots->entries, room * sizeof(*entries));
	uint32_t *index;

	if (!entries)
		return -ENOMEM;
	slots->entries = entries;
	index = calloc(2ull * room, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(slots->index);
	slots->index = index;
	slots->mask = 2 * room - 1;
	slots->room = room;
	fill_index(slots);
	return 0;
}

static int take_free(struct slots *slots, uint32_t *slot, bool *second_hand)
{
	if (slots->used == slots->max)
		return -ENOSPC;
	*second_hand = slots->free != 0;
	if (*second_hand) {
		*slot = slots->free - 1;
		slots->free = slots->entries[*slot].mark;
	} else {
		if (slots->known == slots->room && grow(slots))
			return -ENOMEM;
		*slot = slots->known++;
		slots->entries[*slot].state = 0;
	}
	slots->used++;
	return 0;
}

int slots_take(struct slots *slots, uint64_t fingerprint, uint64_t name, uint32_t *slot,
		bool *second_hand)
{
	uint32_t place = slots->index ? find(slots, fingerprint, name) : 0;
	int error;

	*second_hand = false;
	if (slots->index && slots->index[place]) {
		*slot = slots->index[place] - 1;
		return 0;
	}
	error = take_free(slots, slot, second_hand);
	if (error)
		return error;
	slots->entries[*slot] = (struct slots_entry){.fingerprint = fingerprint,
			.name = name,
			.state = ++slots->states};
	slots->index[find(slots, fingerprint, name)] = *slot + 1;
	return 0;
}

/* Takes a place out of the index; those behind it that it had pushed on move up. */
static void close_gap(struct slots *slots, uint32_t gap)
{
	uint32_t next = gap;

	for (;;) {
		slots->index[gap] = 0;
		do {
			next = (next + 1) & slots->mask;
			if (!slots->index[next])
				return;
		} while (((next - home(slots, next)) & slots->mask) < ((next - gap) & slots->mask));
		slots->index[gap] = slots->index[next];
		gap = next;
	}
}

void slots_sweep(struct slots *slots, const uint32_t *list, uint32_t count, const uint32_t *keep,
		uint32_t keep_count)
{
	uint32_t mark = ++slots->sweeps;

	for (uint32_t i = 0; i < keep_count; i++)
		slots->entries[keep[i]].mark = mark;
	for (uint32_t i = 0; i < count; i++) {
		struct slots_entry *entry = &slots->entries[list[i]];

		if (!entry->state || entry->mark == mark)
			continue;
		close_gap(slots, find(slots, entry->fingerprint, entry->name));
		*entry = (struct slots_entry){.mark = slots->free};
		slots->free = list[i] + 1;
		slots->used--;
	}
}
