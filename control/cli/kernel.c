/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands about the kernel module; those that order it are with all others, in order.c. */
#include "cli/commands.h"
#include "cli/rpc.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

#include "tap/select.h"

#define COUNT_OF(array) (unsigned)(sizeof(array) / sizeof((array)[0]))

/* The answer, printed already where JSON is wanted; NULL where there is no more to do. */
static json_t *ask(int argc, char **argv, const char *method, int *status)
{
	json_t *result = NULL;

	*status = rpc_no_arguments(argc, argv);
	if (*status)
		return NULL;
	result = rpc_call(method, NULL);
	*status = result ? VEX_EXIT_OK : VEX_EXIT_FAILED;
	if (!result || !vexctl.json)
		return result;
	rpc_print(result);
	json_decref(result);
	return NULL;
}

int vexctl_kernel_types(int argc, char **argv)
{
	static const struct table_column columns[] = {
		{"TYPE", "type", TABLE_TEXT},
		{"SEEN", "seen", TABLE_COUNT},
		{"EMITTED", "emitted", TABLE_COUNT},
		{"FILTERED", "filtered", TABLE_COUNT},
		{"DROPPED", "dropped", TABLE_COUNT},
		{"MIN NS", "hook_min_ns", TABLE_COUNT},
		{"MEAN NS", "hook_mean_ns", TABLE_RATIO},
		{"MAX NS", "hook_max_ns", TABLE_COUNT},
	};
	int status;
	json_t *result = ask(argc, argv, "kernel.types", &status);

	if (result)
		table_print(json_object_get(result, "kernel"), columns, COUNT_OF(columns));
	json_decref(result);
	return status;
}

static void print_counts(const json_t *from, const char *title, const char *const *keys)
{
	char count[32];
	unsigned i;

	printf("%-11s", title);
	for (i = 0; keys[i]; i++)
		printf("%s%s %s", i ? ", " : "", keys[i],
				table_format_count(json_integer_value(json_object_get(from, keys[i])),
						count, sizeof(count)));
	putchar('\n');
}

/* "selected   uid 0, 1000"; a line a key. */
static void print_selection(json_t *selection)
{
	const char *title = "selected";
	const char *key;
	json_t *values, *value;
	size_t i;

	json_object_foreach(selection, key, values) {
		if (!json_array_size(values))
			continue;
		printf("%-11s%s", title, key);
		json_array_foreach(values, i, value)
			printf("%s %s", i ? "," : "", json_string_value(value));
		putchar('\n');
		title = "";
	}
	if (*title)
		printf("%-11severything\n", title);
}

int vexctl_kernel_status(int argc, char **argv)
{
	static const char *const seen[] = {"seen", "emitted", "filtered", "dropped", NULL};
	static const char *const back[] = {"returned", "refused", "limited", "raised", NULL};
	static const char *const hooks[] = {"in_flight", "unnamed", "unhooked", NULL};
	int status;
	json_t *result = ask(argc, argv, "kernel.status", &status);

	if (!result)
		return status;
	printf("%-11s%s\n", "kernel", json_is_true(json_object_get(result, "enabled"))
					? "is listened to" : "disabled: nothing is hooked");
	print_selection(json_object_get(result, "selection"));
	print_counts(result, "operations", seen);
	print_counts(result, "hooks", hooks);
	print_counts(result, "back", back);
	json_decref(result);
	return status;
}

static bool is_key(const char *name, size_t len)
{
	const char *const *key = vex_select_keys;

	while (*key && (strlen(*key) != len || memcmp(*key, name, len)))
		key++;
	return *key != NULL;
}

/* "KEY=VALUE|VALUE" adds to the list of that key. */
static int add_condition(json_t *params, const char *text)
{
	size_t len = strcspn(text, "=");
	const char *value = text + len;
	json_t *list;

	if (!*value || !is_key(text, len)) {
		vex_error("kernel select: '%s': want KEY=VALUE, the key being type, path, device, uid, "
			  "pid or cgroup", text);
		return -1;
	}
	list = json_object_getn(params, text, len);
	if (!list) {
		list = json_array();
		json_object_setn_new(params, text, len, list);
	}
	while (*value) {
		len = strcspn(++value, "|");
		if (json_array_append_new(list, json_stringn(value, len))) {
			vex_error("kernel select: '%s' is not UTF-8", text);
			return -1;
		}
		value += len;
	}
	return 0;
}

/* "all" stands for no condition; saying nothing does not. */
static json_t *read_conditions(int argc, char **argv)
{
	json_t *params = json_object();
	int i;

	if (argc < 2) {
		vex_error("kernel select: what? KEY=VALUE, or all; try 'vexctl kernel select --help'");
		json_decref(params);
		return NULL;
	}
	if (argc == 2 && !strcmp(argv[1], "all"))
		return params;
	for (i = 1; i < argc; i++) {
		if (add_condition(params, argv[i]) < 0) {
			json_decref(params);
			return NULL;
		}
	}
	return params;
}

int vexctl_kernel_select(int argc, char **argv)
{
	json_t *params = read_conditions(argc, argv);
	json_t *result;

	if (!params)
		return VEX_EXIT_USAGE;
	result = rpc_call("kernel.select", params);
	if (!result)
		return VEX_EXIT_FAILED;
	if (vexctl.json)
		rpc_print(result);
	else
		puts("kernel select: done");
	json_decref(result);
	return VEX_EXIT_OK;
}
