/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor under the data plane with rules: one plain program that does to a burst of records
 * what its stages do - ingest, translate, route, filter, deliver - on one core, for one set of
 * rules that it knows, and nothing else: no lanes, no other process, no accounts, no reloads.
 */
#ifndef VEX_PERF_FLOOR_H
#define VEX_PERF_FLOOR_H

#include "abi/record.h"
#include "rule_sets.h"

#define FLOOR_BURST 32u
#define FLOOR_RULES 1000u

struct floor;

/**
 * For the rules that rule_sets_mixed() wrote, FLOOR_RULES of them, of which globs tells the
 * patterns; globs stays until floor_free(). Ends the program where memory runs out.
 */
struct floor *floor_new(const struct rule_globs *globs);
void floor_free(struct floor *floor);

/** Takes up to FLOOR_BURST records of at most 256 bytes. Not thread-safe. */
void floor_run(struct floor *floor, const struct vex_record *const *records, unsigned count);

/** Since it was made. */
struct floor_counts {
	uint64_t matched[FLOOR_RULES]; /**< events, by rule */
	uint64_t delivered;
	uint64_t refused; /**< records that were no good */
};
const struct floor_counts *floor_counts(const struct floor *floor);

#endif
