/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands about the kernel module. */
#include "cli/commands.h"
#include "cli/rpc.h"
#include "cli/table.h"

#include <stdio.h>

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
