/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/rpc.h"
#include "cli/rules.h"
#include "cli/table.h"
#include "rule/compile.h"

struct check {
	const char *command;
	const char *to; /* where the image goes; NULL: nowhere */
	struct rules_text text;
	struct rule_image *image;
	size_t image_bytes;
	uint64_t took_ns;
	struct rule_compile_error error;
	unsigned states[RULE_UNSUPPORTED + 1];
};

static int compile(struct check *check)
{
	int error = rule_compile(check->text.set, NULL, &check->image, &check->image_bytes,
			&check->error);

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
	json_t *o = rules_report_json(&check->text, good, check->error.text);
	json_t *counts = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s*}", "files",
			(json_int_t)check->text.files.count, "active",
			(json_int_t)check->states[RULE_ACTIVE], "disabled",
			(json_int_t)check->states[RULE_DISABLED], "unsupported",
			(json_int_t)check->states[RULE_UNSUPPORTED], "image_bytes",
			(json_int_t)check->image_bytes, "took_ns", (json_int_t)check->took_ns,
			"image", check->to);

	json_object_update(o, counts);
	json_decref(counts);
	rpc_print(o);
	json_decref(o);
}

static void print_stderr(const struct check *check)
{
	rules_print_diags(&check->text.diags);
	if (*check->error.text)
		vex_error("%s: %s", check->command, check->error.text);
}

static void print_text(const struct check *check, bool good)
{
	const unsigned *states = check->states;
	char bytes[32];

	print_stderr(check);
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

static int write_whole(FILE *file, const struct check *check)
{
	bool good = file && fwrite(check->image, 1, check->image_bytes, file) == check->image_bytes &&
			!fflush(file);

	return good ? 0 : -errno;
}

/* A data plane may have the old one mapped: it is replaced, never written over. */
static int replace_image(const struct check *check)
{
	char path[4096 + 16];
	FILE *file;
	int error;

	snprintf(path, sizeof(path), "%.4095s.%d", check->to, (int)getpid());
	file = fopen(path, "wxe");
	error = write_whole(file, check);
	if (!error && fsync(fileno(file)))
		error = -errno;
	if (file)
		fclose(file);
	if (!error && rename(path, check->to))
		error = -errno;
	if (error && file)
		unlink(path);
	return error;
}

/* A pipe or a device is written to as it is. */
static int write_image(const struct check *check)
{
	bool plain = strcmp(check->to, "-") != 0;
	struct stat st;
	FILE *file;
	int error;

	if (plain && (stat(check->to, &st) || S_ISREG(st.st_mode))) {
		error = replace_image(check);
	} else {
		file = plain ? fopen(check->to, "we") : stdout;
		error = write_whole(file, check);
		if (plain && file)
			fclose(file);
	}
	if (!error)
		return VEX_EXIT_OK;
	vex_error("%s: %s: %s", check->command, check->to, strerror(-error));
	return VEX_EXIT_FAILED;
}

/* Where the image itself goes to standard output, nothing else does. */
static void print(const struct check *check, bool good)
{
	if (check->to && !strcmp(check->to, "-"))
		print_stderr(check);
	else if (vexctl.json)
		print_json(check, good);
	else
		print_text(check, good);
}

static int run(struct check *check, char **paths, int count)
{
	uint64_t start = rules_now_ns();
	int ret = rules_text_load(&check->text, paths, count);

	count_states(check);
	if (!ret)
		ret = compile(check);
	check->took_ns = rules_now_ns() - start;
	if (!ret && check->to && write_image(check))
		ret = VEX_EXIT_FAILED;
	else
		print(check, !ret);
	free(check->image);
	rules_text_clear(&check->text);
	return ret;
}

int vexctl_rules_check(int argc, char **argv)
{
	struct check check = {.command = argv[0]};

	if (argc < 2 || (argv[1][0] == '-' && argv[1][1])) {
		vex_error("rules check: %s%s; try 'vexctl rules check --help'",
				argc < 2 ? "which files?" : "unknown option ",
				argc < 2 ? "" : argv[1]);
		return VEX_EXIT_USAGE;
	}
	return run(&check, argv + 1, argc - 1);
}

int vexctl_rules_compile(int argc, char **argv)
{
	static const struct option none[] = {{NULL, 0, NULL, 0}};
	struct check check = {.command = argv[0]};
	bool begun = false;
	int c;

	while ((c = options_next(argc, argv, "o:", none, &begun)) == 'o')
		check.to = optarg;
	if (c == -1 && check.to && *check.to && optind < argc)
		return run(&check, argv + optind, argc - optind);
	if (c == -1)
		vex_error("rules compile: %s; try 'vexctl rules compile --help'",
				check.to ? "which files?" : "where to? -o IMAGE");
	return VEX_EXIT_USAGE;
}
