/* SPDX-License-Identifier: BSD-3-Clause */
/* What vexctl top shows of one interval, as text or as JSON. */
#ifndef VEX_CONTROL_CLI_TOP_VIEW_H
#define VEX_CONTROL_CLI_TOP_VIEW_H

#include <stdio.h>

#include "cli/top_table.h"

/** One interval. */
struct top {
	struct top_count all;
	struct top_count types[VEX_TYPE_LIMIT];
	struct top_table *processes;   /**< by pid and name */
	struct top_table *directories; /**< by path */
	uint64_t lost;                 /**< events that GAPs stand for */
	uint64_t elapsed_ns;
};

/** Prints three tables of at most rows each; the tables of top must be sorted. */
void top_print(FILE *out, const struct top *top, unsigned rows);

/** One line of JSON, to be freed; NULL where memory is short. */
char *top_to_json(const struct top *top, unsigned rows);

#endif
