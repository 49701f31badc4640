/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"
#include "cli/rpc.h"
#include "cli/table.h"

#include <stdio.h>

#define COUNT_OF(array) (unsigned)(sizeof(array) / sizeof((array)[0]))

static int show(int argc, char **argv, const char *method, const char *key,
		const struct table_column *columns, unsigned count)
{
	json_t *result;

	if (rpc_no_arguments(argc, argv))
		return VEX_EXIT_USAGE;
	result = rpc_call(method, NULL);
	if (!result)
		return VEX_EXIT_FAILED;
	if (vexctl.json)
		rpc_print(result);
	else
		table_print(json_object_get(result, key), columns, count);
	json_decref(result);
	return VEX_EXIT_OK;
}

int vexctl_ports(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"PORT", "port", TABLE_ID},
		{"NAME", "name", TABLE_TEXT},
		{"BOUNDARY", "boundary", TABLE_TEXT},
		{"QOS", "qos", TABLE_TEXT},
		{"STATE", "state", TABLE_TEXT},
		{"PID", "pid", TABLE_ID},
		{"UID", "uid", TABLE_ID},
		{"WORKER", "worker", TABLE_ID},
		{"LANES", "lanes", TABLE_ID},
		{"RECEIVED", "received", TABLE_COUNT},
		{"DELIVERED", "delivered", TABLE_COUNT},
		{"DROPPED", "dropped", TABLE_COUNT},
		{"REJECTED", "rejected", TABLE_COUNT},
		{"HELD", "held", TABLE_COUNT},
		{"LOST", "lost", TABLE_COUNT},
		{"BYTES", "bytes", TABLE_BYTES},
	};

	return show(argc, argv, "ports.list", "ports", columns, COUNT_OF(columns));
}

int vexctl_lanes(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"PORT", "port", TABLE_ID},
		{"LANE", "lane", TABLE_ID},
		{"STATE", "state", TABLE_TEXT},
		{"RING", "ring_size", TABLE_BYTES},
		{"WAITING", "waiting", TABLE_BYTES},
		{"RECEIVED", "received", TABLE_COUNT},
		{"REJECTED", "rejected", TABLE_COUNT},
		{"ABANDONED", "abandoned", TABLE_COUNT},
		{"BYTES", "bytes", TABLE_BYTES},
	};

	return show(argc, argv, "lanes.list", "lanes", columns, COUNT_OF(columns));
}

int vexctl_workers(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"WORKER", "worker", TABLE_ID},
		{"LCORE", "lcore", TABLE_ID},
		{"CPU", "cpu", TABLE_ID},
		{"SOCKET", "socket", TABLE_ID},
		{"PORTS", "ports", TABLE_ID},
		{"SLEEPING", "sleeping", TABLE_YES},
		{"ROUNDS", "rounds", TABLE_COUNT},
		{"RECEIVED", "received", TABLE_COUNT},
		{"DELIVERED", "delivered", TABLE_COUNT},
		{"COPIES", "copies", TABLE_COUNT},
		{"SLEEPS", "sleeps", TABLE_COUNT},
		{"STALLS", "stalls", TABLE_COUNT},
		{"PER BURST", "events_per_burst", TABLE_RATIO},
		{"CYCLES/EVENT", "cycles_per_event", TABLE_RATIO},
		{"NS/EVENT", "ns_per_event", TABLE_RATIO},
	};

	return show(argc, argv, "workers.list", "workers", columns, COUNT_OF(columns));
}

int vexctl_stages(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"WORKER", "worker", TABLE_ID},
		{"STAGE", "stage", TABLE_TEXT},
		{"IN", "in", TABLE_COUNT},
		{"OUT", "out", TABLE_COUNT},
		{"BURSTS", "bursts", TABLE_COUNT},
		{"PER BURST", "events_per_burst", TABLE_RATIO},
		{"CYCLES/EVENT", "cycles_per_event", TABLE_RATIO},
		{"NS/EVENT", "ns_per_event", TABLE_RATIO},
	};

	return show(argc, argv, "stages.list", "stages", columns, COUNT_OF(columns));
}

int vexctl_drops(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"KIND", "kind", TABLE_TEXT},
		{"REASON", "reason", TABLE_TEXT},
		{"COUNT", "count", TABLE_COUNT},
		{"RETIRED", "retired", TABLE_COUNT},
		{"DESCRIPTION", "description", TABLE_TEXT},
	};

	return show(argc, argv, "drops.list", "drops", columns, COUNT_OF(columns));
}

int vexctl_classes(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"CLASS", "class", TABLE_TEXT},
		{"EVENTS", "events", TABLE_COUNT},
		{"DELIVERED", "delivered", TABLE_COUNT},
		{"DROPPED", "dropped", TABLE_COUNT},
		{"HELD", "held", TABLE_COUNT},
		{"MISSED", "missed", TABLE_COUNT},
		{"DISPLACED", "displaced", TABLE_COUNT},
		{"BLOCKS", "blocks", TABLE_COUNT},
		{"BLOCKED NS", "blocked_ns", TABLE_COUNT},
	};

	return show(argc, argv, "classes.list", "classes", columns, COUNT_OF(columns));
}

int vexctl_groups(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"GROUP", "group", TABLE_TEXT},
		{"MEMBER", "member", TABLE_TEXT},
		{"BALANCE", "balance", TABLE_TEXT},
		{"WEIGHT", "weight", TABLE_ID},
		{"STATE", "state", TABLE_TEXT},
		{"CHOSEN", "chosen", TABLE_COUNT},
		{"SKIPPED", "skipped", TABLE_COUNT},
		{"OPENED", "opened", TABLE_COUNT},
		{"RETURNED", "returned", TABLE_COUNT},
		{"LOST", "lost", TABLE_COUNT},
	};

	return show(argc, argv, "groups.list", "groups", columns, COUNT_OF(columns));
}

int vexctl_tenants(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"TENANT", "tenant", TABLE_TEXT},
		{"PASSED", "passed", TABLE_COUNT},
		{"DEMOTED", "demoted", TABLE_COUNT},
		{"DROPPED", "dropped", TABLE_COUNT},
	};

	return show(argc, argv, "tenants.list", "tenants", columns, COUNT_OF(columns));
}

int vexctl_types(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"ID", "id", TABLE_ID},
		{"TYPE", "type", TABLE_TEXT},
		{"CATEGORY", "category", TABLE_TEXT},
		{"COUNT", "count", TABLE_COUNT},
		{"DESCRIPTION", "description", TABLE_TEXT},
	};

	return show(argc, argv, "types.list", "types", columns, COUNT_OF(columns));
}

int vexctl_subscribers(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"SUBSCRIBER", "subscriber", TABLE_ID},
		{"NAME", "name", TABLE_TEXT},
		{"STATE", "state", TABLE_TEXT},
		{"PID", "pid", TABLE_ID},
		{"UID", "uid", TABLE_ID},
		{"RING", "ring_size", TABLE_BYTES},
		{"OFFERED", "offered", TABLE_COUNT},
		{"DELIVERED", "delivered", TABLE_COUNT},
		{"READ", "read", TABLE_COUNT},
		{"MISSED", "target_full", TABLE_COUNT},
		{"LARGE", "too_large", TABLE_COUNT},
		{"HELD", "held", TABLE_COUNT},
		{"GAPS", "gaps", TABLE_COUNT},
		{"BYTES", "bytes", TABLE_BYTES},
		{"BOUNDARIES", "boundaries", TABLE_LIST},
		{"TYPES", "types", TABLE_LIST},
	};

	return show(argc, argv, "subscribers.list", "subscribers", columns, COUNT_OF(columns));
}

int vexctl_calls(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"METHOD", "method", TABLE_TEXT},
		{"ROLE", "role", TABLE_TEXT},
		{"PARAMS", "params", TABLE_KEYS},
		{"DOES", "help", TABLE_TEXT},
	};

	return show(argc, argv, "rpc.list", "calls", columns, COUNT_OF(columns));
}
