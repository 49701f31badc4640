/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A circuit breaker: keeps events from a member of a group that was found slow or full.
 *
 *   closed --fails--> open --probe_ns later, one event--> half open --was read--> closed
 *                      ^                                      |
 *                      +--------- not read in probe_ns -------+
 *
 * Pure: time comes as an argument. One worker's.
 */
#ifndef VEX_DATAPLANE_BREAKER_H
#define VEX_DATAPLANE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_HALF_OPEN,
};

/** All zero is closed. */
struct breaker {
	enum breaker_state state;
	uint64_t since_ns;  /**< when it went into that state */
	uint64_t probe_end; /**< half open: the lane's position behind the probing event */
};

/** Whether the member may get an event; where the breaker is open, this one would probe it. */
static inline bool breaker_admits(const struct breaker *breaker, uint64_t now_ns, uint64_t probe_ns)
{
	if (breaker->state == BREAKER_OPEN)
		return now_ns - breaker->since_ns >= probe_ns;
	return breaker->state == BREAKER_CLOSED;
}

static inline void breaker_fail(struct breaker *breaker, uint64_t now_ns)
{
	breaker->state = BREAKER_OPEN;
	breaker->since_ns = now_ns;
}

/** The probing event was written; it ends at that position of the lane. */
static inline void breaker_probe(struct breaker *breaker, uint64_t now_ns, uint64_t end)
{
	breaker->state = BREAKER_HALF_OPEN;
	breaker->since_ns = now_ns;
	breaker->probe_end = end;
}

/** Looks after a probe: the member has read its lane up to read. */
static inline void breaker_check(
		struct breaker *breaker, uint64_t now_ns, uint64_t probe_ns, uint64_t read)
{
	if (breaker->state != BREAKER_HALF_OPEN)
		return;
	if (read >= breaker->probe_end)
		*breaker = (struct breaker){.state = BREAKER_CLOSED, .since_ns = now_ns};
	else if (now_ns - breaker->since_ns >= probe_ns)
		breaker_fail(breaker, now_ns);
}

#endif
