/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lanes that one data plane gave to a subscription, one a worker. They outlive it until they
 * are read empty. The reader's thread only, but for what is said of lost.
 */
#ifndef VEX_VEX_LANE_SET_H
#define VEX_VEX_LANE_SET_H

#include "base/lane_map.h"
#include "vex/vex.h"

struct target_lane {
	struct vex_lane_reader reader VEX_LINE_ALIGNED;
	struct vex_ring_map ring;
	struct vex_page_map page;
	uint64_t last_word[VEX_GAP_RECORD_SIZE / 8]; /* a GAP that the data plane still owed */
};

struct lane_set {
	uint32_t count;
	bool lost; /* its data plane is gone; stored with release by the link's thread */
	struct target_lane lanes[];
};

/** Lanes without memory yet; NULL where there is none. */
struct lane_set *lane_set_make(uint32_t count);

/** Unmaps them as well. NULL is fine. */
void lane_set_free(struct lane_set *set);

/** Steps over up to count records, in the order in which they ended, and counts them. */
uint32_t lane_set_read(struct lane_set *set, const struct vex_record **records, uint32_t count,
		struct vex_subscription_stats *stats);

/**
 * Once the data plane is gone and all was read: what it had lost and could not announce any more,
 * a GAP a lane at most, each given once; they stay until the set is freed.
 */
uint32_t lane_set_last_words(struct lane_set *set, const struct vex_record **records,
		uint32_t count, struct vex_subscription_stats *stats);

/** Gives the room of all that was read back. */
void lane_set_release(struct lane_set *set);

bool lane_set_empty(const struct lane_set *set);

/** Around a sleep; NULL is fine. */
void lane_set_sleep(struct lane_set *set, bool sleeps);

#endif
