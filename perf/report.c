/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

void report_begin(bool json)
{
	if (!json)
		printf("%-11s %-26s %14s %-6s  %-14s %14s %7s  %s\n", "bench", "metric", "value",
				"unit", "peer", "peer's value", "ratio", "placement");
}

static int decimals(double value)
{
	return value < 1 ? 4 : value < 1000 ? 2 : 0;
}

static void print_row(const struct report_line *line)
{
	printf("%-11s %-26s %14.*f %-6s  ", line->bench, line->metric, decimals(line->value),
			line->value, line->unit);
	if (line->peer)
		printf("%-14s %14.*f %7.3f", line->peer, decimals(line->peer_value),
				line->peer_value, line->value / line->peer_value);
	else
		printf("%-14s %14s %7s", "-", "-", "-");
	printf("  %s\n", line->placement);
}

static int print_json(const struct report_line *line)
{
	json_t *peer_value = line->peer ? json_real(line->peer_value) : json_null();
	json_t *ratio = line->peer ? json_real(line->value / line->peer_value) : json_null();
	json_t *object = json_pack("{s:s, s:s, s:f, s:s, s:s?, s:o, s:o, s:s}", "bench",
			line->bench, "metric", line->metric, "value", line->value, "unit", line->unit,
			"peer", line->peer, "peer_value", peer_value, "ratio", ratio, "placement",
			line->placement);

	if (!object)
		return -ENOMEM;
	json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7));
	putchar('\n');
	json_decref(object);
	return 0;
}

int report_write(const struct report_line *line, bool json)
{
	int error = 0;

	if (json)
		error = print_json(line);
	else
		print_row(line);
	if (!error && (fflush(stdout) || ferror(stdout)))
		error = -EIO;
	return error;
}
