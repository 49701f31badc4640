/* SPDX-License-Identifier: BSD-3-Clause */
/* vexctl rules load, enable, disable, rollback. */
#include "cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "cli/options.h"
#include "cli/rpc.h"
#include "cli/rules.h"
#include "cli/table.h"

/* Until somebody asks how far it has come. */
#define STEP_MS 500u

struct change {
	const char *command;
	const char *method;
	json_t *params;
	void *bytes;
	size_t size;
	bool dry_run;
};

/* For a person who waits; nobody else is told. */
static void show_progress(uint64_t start)
{
	struct wire_client *client = NULL;
	struct wire_failure failure;
	json_t *status = NULL;
	const char *phase;

	if (!isatty(STDERR_FILENO))
		return;
	if (!wire_client_open(vexctl.control_socket, RPC_TIMEOUT_MS, &client, &failure))
		wire_client_call(client, "rules.status", NULL, &status, &failure);
	wire_client_close(client);
	phase = json_string_value(json_object_get(json_object_get(status, "change"), "phase"));
	if (phase)
		fprintf(stderr, "\r%s ... %.1f s\033[K", phase,
				(double)(rules_now_ns() - start) / 1e9);
	json_decref(status);
}

/* As long as it takes: a large set is compiled for a minute. */
static int ask(const struct change *change, json_t **result)
{
	uint64_t start = rules_now_ns();
	struct wire_client *client = NULL;
	struct wire_failure failure;
	int ret = wire_client_open(vexctl.control_socket, RPC_TIMEOUT_MS, &client, &failure);

	*result = NULL;
	if (!ret)
		ret = wire_client_begin(client, change->method, change->params, change->bytes,
				change->size, &failure);
	if (!ret)
		do {
			ret = wire_client_wait(client, STEP_MS, result, &failure);
			if (ret == -ETIMEDOUT)
				show_progress(start);
		} while (ret == -ETIMEDOUT);
	if (rules_now_ns() - start > STEP_MS * 1000000ull && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	wire_client_close(client);
	if (!ret)
		return VEX_EXIT_OK;
	vex_error("%s: %s", change->command, failure.text);
	return change->bytes && failure.code == WIRE_RULES ? VEX_EXIT_CONFIG : VEX_EXIT_FAILED;
}

static json_int_t number(const json_t *result, const char *key)
{
	return json_integer_value(json_object_get(result, key));
}

static void print_result(const struct change *change, const json_t *result)
{
	char bytes[32];

	if (!json_is_true(json_object_get(result, "changed")) && !change->dry_run) {
		puts("nothing to change");
		return;
	}
	if (change->dry_run)
		printf("good; nothing was loaded");
	else
		printf("version %" JSON_INTEGER_FORMAT " is in force", number(result, "version"));
	printf(": %" JSON_INTEGER_FORMAT " rules active, %" JSON_INTEGER_FORMAT " disabled, %"
			JSON_INTEGER_FORMAT " unsupported; %s", number(result, "active"),
			number(result, "disabled"), number(result, "unsupported"),
			table_format_bytes((uint64_t)number(result, "image_bytes"), bytes,
			sizeof(bytes)));
	printf(", compiled in %.3f s", (double)number(result, "compile_ns") / 1e9);
	if (!change->dry_run)
		printf(", swapped in %.3f ms", (double)number(result, "swap_ns") / 1e6);
	putchar('\n');
}

/* Takes over what the change holds. */
static int carry_out(struct change *change)
{
	json_t *result;
	int ret = ask(change, &result);

	if (!ret && vexctl.json)
		rpc_print(result);
	else if (!ret)
		print_result(change, result);
	json_decref(result);
	json_decref(change->params);
	free(change->bytes);
	return ret;
}

/* Takes --message and --dry-run (where it may stand) into change; optind is behind them. */
static int read_options(struct change *change, int argc, char **argv, bool dry_run)
{
	static const struct option longs[] = {
		{"message", required_argument, NULL, 'm'},
		{"dry-run", no_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	bool begun = false;
	json_t *text;
	int c;

	change->command = argv[0];
	change->params = json_object();
	while ((c = options_next(argc, argv, "m:", longs, &begun)) != -1) {
		text = c == 'm' ? json_string(optarg) : NULL;
		if (c == 'm' && !text)
			vex_error("%s: the message is not UTF-8", argv[0]);
		if (c == 'n' && !dry_run)
			vex_error("%s: option '--dry-run' is unknown; try 'vexctl %s --help'", argv[0],
					argv[0]);
		if (c == 'n' && dry_run)
			change->dry_run = true;
		else if (!text)
			return -1;
		if (text)
			json_object_set_new(change->params, "message", text);
	}
	if (change->dry_run)
		json_object_set_new(change->params, "dry_run", json_true());
	return 0;
}

static int wrong_usage(struct change *change, const char *missing)
{
	if (missing)
		vex_error("%s: %s; try 'vexctl %s --help'", change->command, missing,
				change->command);
	json_decref(change->params);
	return VEX_EXIT_USAGE;
}

/* What is wrong is told here, with its lines; vex-control gets what is good, and checks again. */
static int load(struct change *change, int argc, char **argv)
{
	struct rules_text text = {0};
	char why[BUNDLE_WHY_MAX];
	int ret = rules_text_load(&text, argv + optind, argc - optind);

	if (ret)
		rules_print_wrong(&text, "");
	else if (!vexctl.json)
		rules_print_diags(&text.diags);
	if (!ret) {
		rule_set_free(text.set);
		text.set = NULL;
		change->bytes = bundle_pack(&text.files, NULL, &change->size, why);
		if (!change->bytes)
			vex_error("%s: %s", change->command, why);
		ret = change->bytes ? VEX_EXIT_OK : VEX_EXIT_FAILED;
	} else {
		vex_error("%s: nothing was loaded", change->command);
	}
	rules_text_clear(&text);
	if (!ret)
		return carry_out(change);
	json_decref(change->params);
	return ret;
}

int vexctl_rules_load(int argc, char **argv)
{
	struct change change = {.method = "rules.load"};

	if (read_options(&change, argc, argv, true) < 0)
		return wrong_usage(&change, NULL);
	if (optind == argc)
		return wrong_usage(&change, "which files?");
	return load(&change, argc, argv);
}

static int switch_rules(const char *method, int argc, char **argv)
{
	struct change change = {.method = method};
	json_t *names;
	int i;

	if (read_options(&change, argc, argv, false) < 0)
		return wrong_usage(&change, NULL);
	if (optind == argc)
		return wrong_usage(&change, "which rules?");
	names = json_array();
	for (i = optind; i < argc; i++)
		json_array_append_new(names, json_string(argv[i]));
	json_object_set_new(change.params, "names", names);
	if (json_array_size(names) < (size_t)(argc - optind))
		return wrong_usage(&change, "a name is not UTF-8");
	return carry_out(&change);
}

int vexctl_rules_enable(int argc, char **argv)
{
	return switch_rules("rules.enable", argc, argv);
}

int vexctl_rules_disable(int argc, char **argv)
{
	return switch_rules("rules.disable", argc, argv);
}

int vexctl_rules_rollback(int argc, char **argv)
{
	struct change change = {.method = "rules.rollback"};
	uint32_t version;

	if (read_options(&change, argc, argv, false) < 0)
		return wrong_usage(&change, NULL);
	if (optind + 1 != argc || !rules_read_version(argv[optind], &version))
		return wrong_usage(&change, "to which version? 'vexctl rules history' lists them");
	json_object_set_new(change.params, "version", json_integer(version));
	return carry_out(&change);
}
