/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/choose.h"

static uint32_t lowest(uint64_t bits)
{
	return (uint32_t)__builtin_ctzll(bits);
}

static uint32_t round_robin(const struct choose_from *from, struct choose_state *state)
{
	uint64_t from_next = from->usable & ~0ull << state->next;
	uint32_t chosen = lowest(from_next ? from_next : from->usable);

	state->next = chosen + 1 < from->count ? chosen + 1 : 0;
	return chosen;
}

/*
 * Smooth weighted round robin: each gains its weight, who has most is chosen and pays for all.
 * So a heavy member's turns are spread among the others'.
 */
static uint32_t weighted(const struct choose_from *from, struct choose_state *state)
{
	uint32_t best = CHOOSE_NONE;
	int64_t total = 0;

	for (uint64_t left = from->usable; left; left &= left - 1) {
		uint32_t i = lowest(left);

		state->credit[i] += from->members[i].weight;
		total += from->members[i].weight;
		if (best == CHOOSE_NONE || state->credit[i] > state->credit[best])
			best = i;
	}
	state->credit[best] -= total;
	return best;
}

/* Of several that have least, each in its turn. */
static uint32_t least_loaded(const struct choose_from *from, struct choose_state *state)
{
	uint64_t least = UINT64_MAX, of_least = 0;
	struct choose_from those = *from;

	for (uint64_t left = from->usable; left; left &= left - 1) {
		uint64_t load = from->load[lowest(left)];

		if (load < least)
			of_least = 0;
		if (load <= least)
			of_least |= left & -left;
		least = load < least ? load : least;
	}
	those.usable = of_least;
	return round_robin(&those, state);
}

/*
 * Rendezvous hashing: the member whose name and the key together give the largest number. Only
 * keys of a member that goes get another one, and only those that a new one wins move to it.
 */
static uint32_t by_hash(const struct choose_from *from)
{
	uint32_t best = CHOOSE_NONE;
	uint64_t largest = 0;

	for (uint64_t left = from->usable; left; left &= left - 1) {
		uint32_t i = lowest(left);
		uint64_t score = choose_mix(from->members[i].hash ^ choose_mix(from->key));

		if (best != CHOOSE_NONE && score <= largest)
			continue;
		best = i;
		largest = score;
	}
	return best;
}

uint32_t choose(const struct choose_from *from, struct choose_state *state)
{
	if (!from->usable)
		return CHOOSE_NONE;
	switch (from->balance) {
	case CHOOSE_WEIGHTED:
		return weighted(from, state);
	case CHOOSE_LEAST_LOADED:
		return least_loaded(from, state);
	case CHOOSE_HASH:
		return by_hash(from);
	default:
		return round_robin(from, state);
	}
}
