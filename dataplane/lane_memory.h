/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much memory lanes take, of producers and subscribers together. All of it is made or mapped by
 * the data plane, so whoever asks for lanes spends the host's memory in its name. Main core.
 */
#ifndef VEX_DATAPLANE_LANE_MEMORY_H
#define VEX_DATAPLANE_LANE_MEMORY_H

#include "dataplane/plane.h"

#define LANE_MEMORY_DEFAULT (1ull << 30)
#define LANE_MEMORY_MIN (1ull << 20)
#define LANE_MEMORY_MAX (1ull << 40)

/**
 * Whether this user may have one more lane of so many bytes: 0, or -ENOSPC with a sentence in
 * reason. A quarter is kept for root and our own user, and no other user has more than half.
 */
int lane_memory_check(const struct plane *plane, uint32_t uid, uint64_t size, char *reason);

/** The same of producers' lanes by number, of which there are VEX_LANES_MAX. */
int lane_count_check(const struct plane *plane, uint32_t uid, char *reason);

#endif
