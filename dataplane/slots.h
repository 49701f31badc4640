/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which rule counts where. A rule keeps its slot over reloads as long as its fingerprint and its
 * name stay: so do its counters, and what its limits remember. Pure; one thread at a time.
 */
#ifndef VEX_DATAPLANE_SLOTS_H
#define VEX_DATAPLANE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct slots_entry {
	uint64_t fingerprint;
	uint64_t name;  /**< its hash */
	uint64_t state; /**< never given twice; 0: the slot is free */
	uint32_t mark;  /**< of the sweep that kept it last; of a free one the next that is free */
};

/** All zero but max: empty. */
struct slots {
	uint32_t max; /**< up to 2^30 */
	uint32_t used;  /**< slots taken */
	uint32_t known; /**< slots that were ever taken: below it entries are */
	uint32_t free;  /**< slot + 1 of the first free one below known; 0: none */
	uint32_t room;  /**< entries that there is memory for */
	uint32_t mask;  /**< of index, which has a power of two of places, or none */
	uint32_t sweeps;
	uint64_t states; /**< given so far */
	struct slots_entry *entries; /**< by slot */
	uint32_t *index; /**< slot + 1, by linear probing; 0: nothing */
};

void slots_free(struct slots *slots);

/**
 * The slot of a rule; a free one where it has none yet: *second_hand where another rule had that
 * before. Returns 0, -ENOSPC where all are taken, or -ENOMEM.
 */
int slots_take(struct slots *slots, uint64_t fingerprint, uint64_t name, uint32_t *slot,
		bool *second_hand);

/** Frees those of a list that are not among keep. */
void slots_sweep(struct slots *slots, const uint32_t *list, uint32_t count, const uint32_t *keep,
		uint32_t keep_count);

#endif
