/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/rpc.h"
#include "cli/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_NS 50000000
#define WAIT_MAX 86400.0

struct verify_options {
	bool quiet;
	double wait_s;
};

static int parse_wait(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	if (end != text && !*end && *seconds >= 0 && *seconds <= WAIT_MAX)
		return 0;
	vex_error("verify: --wait takes seconds from 0 to %.0f, not '%s'", WAIT_MAX, text);
	return -1;
}

static int parse_options(int argc, char **argv, struct verify_options *options)
{
	static const struct option longs[] = {
		{"quiet", no_argument, NULL, 'q'},
		{"wait", required_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	bool begun = false;
	int c;

	while ((c = options_next(argc, argv, "q", longs, &begun)) != -1) {
		if (c == 'q')
			options->quiet = true;
		else if (c != 'w' || parse_wait(optarg, &options->wait_s) < 0)
			return -1;
	}
	if (optind == argc)
		return 0;
	vex_error("verify: '%s' is not expected", argv[optind]);
	return -1;
}

/* One copy, one answer; NULL with the failure where none came. */
static json_t *ask(struct wire_failure *failure)
{
	struct wire_client *client = NULL;
	json_t *result = NULL;

	if (!wire_client_open(vexctl.control_socket, RPC_TIMEOUT_MS, &client, failure))
		wire_client_call(client, "verify", NULL, &result, failure);
	wire_client_close(client);
	return result;
}

static bool holds(const json_t *result)
{
	return json_is_true(json_object_get(result, "ok"));
}

static json_int_t held(const json_t *result)
{
	return json_integer_value(json_object_get(result, "held"));
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Asks until all holds and nothing is held, or time is out; the last answer counts. */
static json_t *ask_and_wait(double wait_s, struct wire_failure *failure)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	double end = now_s() + wait_s;
	json_t *result;

	for (;;) {
		result = ask(failure);
		if ((result && holds(result) && !held(result)) || now_s() >= end)
			return result;
		json_decref(result);
		nanosleep(&pause, NULL);
	}
}

static void print_reasons(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *what = json_string_value(json_object_get(row, "what"));
		const char *why = json_string_value(json_object_get(row, "why"));
		char line[320];

		if (json_is_true(json_object_get(row, "ok")))
			continue;
		snprintf(line, sizeof(line), "%s: %s", what ? what : "?", why ? why : "?");
		table_clean(line);
		puts(line);
	}
}

static void print_table(const json_t *result)
{
	static const struct table_column columns[] = {
		{"WHAT", "what", TABLE_TEXT},
		{"RECEIVED", "received", TABLE_COUNT},
		{"DELIVERED", "delivered", TABLE_COUNT},
		{"DROPPED", "dropped", TABLE_COUNT},
		{"HELD", "held", TABLE_COUNT},
		{"MISSING", "missing", TABLE_COUNT},
		{"OK", "ok", TABLE_YES},
	};
	const json_t *rows = json_object_get(result, "rows");
	const char *color = holds(result) ? "\033[32m" : "\033[31m";

	table_print(rows, columns, sizeof(columns) / sizeof(columns[0]));
	putchar('\n');
	print_reasons(rows);
	printf("%s%s%s\n", vexctl.color ? color : "", holds(result) ?
			"holds: every event is accounted for" :
			"DOES NOT HOLD: events are missing or counted twice",
			vexctl.color ? "\033[0m" : "");
}

int vexctl_verify(int argc, char **argv)
{
	struct verify_options options = {.wait_s = -1};
	struct wire_failure failure;
	json_t *result;
	bool good;

	if (parse_options(argc, argv, &options) < 0)
		return VEX_EXIT_USAGE;
	result = options.wait_s < 0 ? ask(&failure) : ask_and_wait(options.wait_s, &failure);
	if (!result) {
		vex_error("%s", failure.text);
		return VEX_EXIT_FAILED;
	}
	if (!options.quiet && vexctl.json)
		rpc_print(result);
	else if (!options.quiet)
		print_table(result);
	good = holds(result) && (options.wait_s < 0 || !held(result));
	if (holds(result) && !good)
		vex_error("verify: %" JSON_INTEGER_FORMAT " events are still held after %g s",
				held(result), options.wait_s);
	json_decref(result);
	return good ? VEX_EXIT_OK : VEX_EXIT_FAILED;
}
