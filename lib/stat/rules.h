/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each rule counted: a sealed memfd beside the statistics segment, written by the data plane
 * with plain stores, read by whom it was handed to. It is sparse: only pages of rules that were
 * ever loaded take memory.
 *
 * A rule counts in a slot, which it keeps as long as neither its name nor what it does changes.
 * Each worker has counters of its own for each slot.
 */
#ifndef VEX_STAT_RULES_H
#define VEX_STAT_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/types.h"

#define VEX_RULES_MAGIC 0x72786576u /* "vexr" */
#define VEX_RULES_VERSION 1u

/** By one worker. */
struct vex_rule_stat {
#define VEX_RULE_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
};

struct vex_rules_segment {
	uint32_t magic;
	uint32_t version;
	uint64_t size;
	uint32_t worker_count;
	uint32_t slot_count;
	/** Odd while what follows up to the counters changes; by the main core. */
	uint64_t change VEX_LINE_ALIGNED;
	uint64_t generation; /**< of the set in force; 0: none */
	uint32_t rule_count; /**< of it, in the order of the image */
	uint32_t reserved;
	/* slot_count numbers: the slot of each rule; then the counters, worker by worker. */
	uint32_t slots[] VEX_LINE_ALIGNED;
};

static inline size_t vex_rules_counters_at(uint32_t slot_count)
{
	return (sizeof(struct vex_rules_segment) + 4ull * slot_count + 63) & ~63ull;
}

static inline size_t vex_rules_size(uint32_t worker_count, uint32_t slot_count)
{
	return vex_rules_counters_at(slot_count) +
			(size_t)worker_count * slot_count * sizeof(struct vex_rule_stat);
}

static inline struct vex_rule_stat *vex_rules_counters(const struct vex_rules_segment *segment,
		uint32_t slot_count, uint32_t worker)
{
	return (struct vex_rule_stat *)((uintptr_t)segment + vex_rules_counters_at(slot_count)) +
			(size_t)worker * slot_count;
}

/**
 * Maps a segment that was handed over as fd. Returns NULL with errno set; EPROTO where it is of
 * another version. vex_rules_unmap() accepts NULL.
 */
const struct vex_rules_segment *vex_rules_map(int fd);
void vex_rules_unmap(const struct vex_rules_segment *segment);

/**
 * What count rules of one set, from the first on, counted, all workers together. False where the
 * set in force is not of this generation, or has no such rules: then stats are not to be used.
 * The latest of last_ns is given, the sum of the others.
 */
bool vex_rules_read(const struct vex_rules_segment *segment, uint64_t generation, uint32_t first,
		uint32_t count, struct vex_rule_stat *stats);

#endif
