/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"
#include "cli/rpc.h"
#include "cli/table.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "abi/record.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_state(const char *state)
{
	const char *color = strcmp(state, "running") ? "\033[31m" : "\033[32m";

	printf("data plane   %s%s%s", vexctl.color ? color : "", state,
			vexctl.color ? "\033[0m" : "");
}

/* "events       received 1,234, delivered 1,230, ..." */
static void print_counts(const json_t *plane, const char *title, const char *const *keys,
		size_t key_count)
{
	char count[32];
	size_t i;

	printf("%-13s", title);
	for (i = 0; i < key_count; i++) {
		table_format_count(number_of(plane, keys[i]), count, sizeof(count));
		printf("%s%s %s", i ? ", " : "", keys[i], count);
	}
	putchar('\n');
}

static void print_plane(const json_t *plane)
{
	static const char *const served[] = {"workers", "ports", "lanes", "subscribers"};
	static const char *const events[] = {"received", "delivered", "dropped", "rejected",
			"lost"};
	static const char *const limits[] = {"limits_full", "limits_contended", "limits_untold"};
	const char *state = text_of(plane, "state");
	char duration[32];

	print_state(state);
	if (json_object_get(plane, "reason")) {
		printf("\n             %s\n", text_of(plane, "reason"));
		return;
	}
	printf(", pid %" JSON_INTEGER_FORMAT ", up %s, idle strategy %s\n", number_of(plane, "pid"),
			table_format_duration((uint64_t)number_of(plane, "uptime_ns"), duration,
			sizeof(duration)), text_of(plane, "idle"));
	if (strcmp(state, "running"))
		printf("             last heartbeat %s ago\n", table_format_duration(
				(uint64_t)number_of(plane, "heartbeat_age_ns"), duration,
				sizeof(duration)));
	printf("             socket %s\n", text_of(plane, "socket"));
	print_counts(plane, "serves", served, sizeof(served) / sizeof(served[0]));
	print_counts(plane, "events", events, sizeof(events) / sizeof(events[0]));
	if (number_of(plane, limits[0]) || number_of(plane, limits[1]) || number_of(plane, limits[2]))
		print_counts(plane, "rules", limits, sizeof(limits) / sizeof(limits[0]));
}

static void print_control(const json_t *control)
{
	char duration[32];

	printf("vex-control  version %s, pid %" JSON_INTEGER_FORMAT ", up %s\n",
			text_of(control, "version"), number_of(control, "pid"),
			table_format_duration((uint64_t)number_of(control, "uptime_ns"), duration,
			sizeof(duration)));
	printf("             socket %s\n", text_of(control, "socket"));
}

int vexctl_status(int argc, char **argv)
{
	const json_t *plane;
	json_t *result;
	bool running;

	if (rpc_no_arguments(argc, argv))
		return VEX_EXIT_USAGE;
	result = rpc_call("status", NULL);
	if (!result)
		return VEX_EXIT_FAILED;
	plane = json_object_get(result, "data_plane");
	running = !strcmp(text_of(plane, "state"), "running");
	if (vexctl.json) {
		rpc_print(result);
	} else {
		print_plane(plane);
		print_control(json_object_get(result, "control"));
	}
	json_decref(result);
	return running ? VEX_EXIT_OK : VEX_EXIT_FAILED;
}

/* The client's version is an answer already: a daemon that is away is no failure here. */
int vexctl_version(int argc, char **argv)
{
	struct wire_client *client = NULL;
	struct wire_failure failure;
	json_t *daemon = NULL;
	json_t *all;

	if (rpc_no_arguments(argc, argv))
		return VEX_EXIT_USAGE;
	if (!wire_client_open(vexctl.control_socket, RPC_TIMEOUT_MS, &client, &failure))
		wire_client_call(client, "version", NULL, &daemon, &failure);
	wire_client_close(client);
	all = json_pack("{s:{s:s, s:i}, s:o?}", "vexctl", "version", VEX_VERSION, "abi",
			VEX_ABI_VERSION, "control", daemon);
	if (vexctl.json) {
		rpc_print(all);
	} else {
		printf("vexctl       %s (abi %u)\n", VEX_VERSION, VEX_ABI_VERSION);
		if (daemon)
			printf("vex-control  %s (abi %" JSON_INTEGER_FORMAT ")\n",
					text_of(daemon, "version"), number_of(daemon, "abi"));
		else
			printf("vex-control  no answer: %s\n", failure.text);
	}
	json_decref(all);
	return VEX_EXIT_OK;
}
