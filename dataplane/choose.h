/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which member of a group takes an event. Pure: what is usable and how much waits for each
 * comes as an argument. State is one worker's.
 */
#ifndef VEX_DATAPLANE_CHOOSE_H
#define VEX_DATAPLANE_CHOOSE_H

#include <stdint.h>

#define CHOOSE_MEMBERS_MAX 64u
#define CHOOSE_NONE UINT32_MAX

/** As rules have them (rule/rule.h). */
enum choose_balance {
	CHOOSE_ROUND_ROBIN,
	CHOOSE_WEIGHTED,
	CHOOSE_LEAST_LOADED,
	CHOOSE_HASH,
	CHOOSE_BALANCE_COUNT,
};

struct choose_member {
	uint64_t hash;   /**< of its name: keys go by it, so that order and number don't matter */
	uint32_t weight; /**< from 1 */
};

/** All zero at first. */
struct choose_state {
	uint32_t next;
	int64_t credit[CHOOSE_MEMBERS_MAX];
};

struct choose_from {
	enum choose_balance balance;
	uint32_t count;
	const struct choose_member *members;
	uint64_t usable;      /**< a bit a member */
	const uint64_t *load; /**< by member, for CHOOSE_LEAST_LOADED */
	uint64_t key;         /**< of the event, for CHOOSE_HASH */
};

/** A usable member, or CHOOSE_NONE where there is none. */
uint32_t choose(const struct choose_from *from, struct choose_state *state);

/** XXH64's last mixing: every bit of the result depends on every bit of what comes in. */
static inline uint64_t choose_mix(uint64_t x)
{
	x = (x ^ x >> 33) * 0xc2b2ae3d27d4eb4full;
	x = (x ^ x >> 29) * 0x165667b19e3779f9ull;
	return x ^ x >> 32;
}

#endif
