/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"
#include "cli/rpc.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_number(const char *command, const char *name, const char *text, json_int_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *number <= UINT32_MAX)
		return 0;
	vex_error("%s: %s must be a number as 'vexctl show' prints it, not '%s'", command, name,
			text);
	return -1;
}

/* One argument for each param that the call declares, in its order. */
static json_t *read_arguments(int argc, char **argv, const char *params)
{
	json_t *object = json_object();
	json_int_t number;
	char name[32];
	int used;
	int i;

	for (i = 1; sscanf(params, " %31[^: ]:%*[^ ]%n", name, &used) == 1; i++, params += used) {
		if (i >= argc) {
			vex_error("%s: %s is missing; try 'vexctl %s --help'", argv[0], name,
					argv[0]);
			break;
		}
		if (read_number(argv[0], name, argv[i], &number) < 0)
			break;
		json_object_set_new(object, name, json_integer(number));
	}
	if (!*params && i == argc)
		return object;
	if (!*params)
		vex_error("%s: '%s' is not expected", argv[0], argv[i]);
	json_decref(object);
	return NULL;
}

static int order(int argc, char **argv, const char *method, const char *params)
{
	json_t *arguments = read_arguments(argc, argv, params);
	json_t *result;
	int i;

	if (!arguments)
		return VEX_EXIT_USAGE;
	result = rpc_call(method, arguments);
	if (!result)
		return VEX_EXIT_FAILED;
	if (vexctl.json) {
		rpc_print(result);
	} else {
		printf("%s", argv[0]);
		for (i = 1; i < argc; i++)
			printf(" %s", argv[i]);
		puts(": done");
	}
	json_decref(result);
	return VEX_EXIT_OK;
}

#define VEX_ORDER(method, handler, MESSAGE, params, words, help) \
	int vexctl_##handler(int argc, char **argv) \
	{ \
		return order(argc, argv, method, params); \
	}
#include "control.def"
