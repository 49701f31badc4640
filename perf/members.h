/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of a group, "a" and "b": processes that read their lanes until they are killed, and
 * note when they read which event. Their events bear numbers as their results.
 */
#ifndef VEX_PERF_MEMBERS_H
#define VEX_PERF_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MEMBERS 2u
#define MEMBERS_EVENTS_MAX (1u << 20)
#define MEMBERS_LANE_BYTES 65536u

struct members_shared;

/** One thread's: members die with it. */
struct members {
	const char *socket; /**< of the data plane; the caller's */
	struct members_shared *shared;
	pid_t pid[MEMBERS]; /**< 0: it does not run */
};

/** 0 or -ENOMEM; members_free() is due in either case, after all have ended. */
int members_init(struct members *members);
void members_free(struct members *members);

/** Starts one, on the processors of the calling thread, and waits until it has subscribed. */
int members_start(struct members *members, uint32_t member);

/** Kills one and does not wait. members_end() is due; that kills one that lives, too. */
void members_kill(const struct members *members, uint32_t member);
void members_end(struct members *members, uint32_t member);

/** Tells one to stop reading, or to go on, and waits until it has. 0 or -ETIMEDOUT. */
int members_hold(struct members *members, uint32_t member, bool hold);

/** When an event was first read, by any of them, in cycles; 0: not yet. */
uint64_t members_read_at(const struct members *members, uint32_t event);

/** Lets the others run for a moment. */
void members_pause(void);

#endif
