/* SPDX-License-Identifier: BSD-3-Clause */
/* What is measured, as a table for people or as JSON lines. */
#ifndef VEX_PERF_REPORT_H
#define VEX_PERF_REPORT_H

#include <stdbool.h>

/** One line: a metric of ours beside one peer's. peer is NULL where a metric has none. */
struct report_line {
	const char *bench;
	const char *metric;
	const char *unit;
	double value;
	const char *peer;
	double peer_value;
	const char *placement;
};

/** The head of the table; nothing in JSON. */
void report_begin(bool json);

/** Writes and flushes one line. 0, or a negative errno where stdout can't be written. */
int report_write(const struct report_line *line, bool json);

#endif
