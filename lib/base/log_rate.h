/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines that strangers can cause: so many a second are written, the rest is counted. One thread.
 */
#ifndef VEX_BASE_LOG_RATE_H
#define VEX_BASE_LOG_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define VEX_LOG_RATE 10u /* lines a second */

/** All zero is a fresh one, but for what: the plural of what the lines tell. */
struct vex_log_rate {
	const char *what;
	uint64_t since_ns;
	uint32_t written;
	uint32_t left_out;
};

/** Whether one more line may be written; otherwise it is counted. */
bool vex_log_may(struct vex_log_rate *rate);

/** Tells what was left out, once its second is over; to be called now and then. */
void vex_log_settle(struct vex_log_rate *rate);

#endif
