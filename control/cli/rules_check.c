/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/rpc.h"
#include "cli/rules.h"
#include "cli/table.h"
#include "rule/compile.h"

struct check {
	struct rules_text text;
	size_t image_bytes;
	uint64_t took_ns;
	struct rule_compile_error error;
	unsigned states[RULE_UNSUPPORTED + 1];
};

static int compile(struct check *check)
{
	struct rule_image *image;
	int error = rule_compile(check->text.set, NULL, &image, &check->image_bytes, &check->error);

	free(image);
	if (!error)
		return VEX_EXIT_OK;
	return error == -ENOMEM ? VEX_EXIT_FAILED : VEX_EXIT_CONFIG;
}

static void count_states(struct check *check)
{
	uint32_t i;

	for (i = 0; check->text.set && i < check->text.set->count; i++)
		check->states[check->text.set->rules[i].state]++;
}

static void print_json(const struct check *check, bool good)
{
	json_t *o = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "ok", good,
			"errors", (json_int_t)check->text.diags.errors + (*check->error.text != 0),
			"warnings", (json_int_t)check->text.diags.warnings, "files",
			(json_int_t)check->text.files.count, "active",
			(json_int_t)check->states[RULE_ACTIVE], "disabled",
			(json_int_t)check->states[RULE_DISABLED], "unsupported",
			(json_int_t)check->states[RULE_UNSUPPORTED], "image_bytes",
			(json_int_t)check->image_bytes, "took_ns", (json_int_t)check->took_ns,
			"diagnostics", rules_diags_json(&check->text.diags));

	if (*check->error.text)
		json_object_set_new(o, "error", json_string(check->error.text));
	rpc_print(o);
	json_decref(o);
}

static void print_text(const struct check *check, bool good)
{
	const unsigned *states = check->states;
	char bytes[32];

	rules_print_diags(&check->text.diags);
	if (*check->error.text)
		vex_error("rules check: %s", check->error.text);
	if (!good) {
		printf("%zu files: %zu errors, %zu warnings\n", check->text.files.count,
				check->text.diags.errors + (*check->error.text != 0),
				check->text.diags.warnings);
		return;
	}
	printf("%sgood%s: %u rules in %zu files", vexctl.color ? "\033[32m" : "",
			vexctl.color ? "\033[0m" : "", check->text.set->count,
			check->text.files.count);
	printf(" (%u active, %u disabled, %u unsupported), %zu warnings; %s in %.3f s\n",
			states[RULE_ACTIVE], states[RULE_DISABLED], states[RULE_UNSUPPORTED],
			check->text.diags.warnings,
			table_format_bytes(check->image_bytes, bytes, sizeof(bytes)),
			(double)check->took_ns / 1e9);
}

int vexctl_rules_check(int argc, char **argv)
{
	struct check check = {0};
	uint64_t start = rules_now_ns();
	int ret;

	if (argc < 2 || argv[1][0] == '-') {
		vex_error("rules check: %s%s; try 'vexctl rules check --help'",
				argc < 2 ? "which files?" : "unknown option ",
				argc < 2 ? "" : argv[1]);
		return VEX_EXIT_USAGE;
	}
	ret = rules_text_load(&check.text, argv + 1, argc - 1);
	count_states(&check);
	if (!ret)
		ret = compile(&check);
	check.took_ns = rules_now_ns() - start;
	if (vexctl.json)
		print_json(&check, !ret);
	else
		print_text(&check, !ret);
	rules_text_clear(&check.text);
	return ret;
}
