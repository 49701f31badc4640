/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/rpc.h"
#include "cli/table.h"

uint64_t rules_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

json_t *rules_json_text(const char *data, size_t len)
{
	json_t *json = json_stringn(data, len);
	char *clean;
	size_t i;

	if (json)
		return json;
	clean = malloc(len + 1);
	for (i = 0; clean && i < len; i++)
		clean[i] = data[i] & 0x80 ? '?' : data[i];
	json = clean ? json_stringn(clean, len) : NULL;
	free(clean);
	return json;
}

void rules_print_name(const char *name)
{
	char *clean = strdup(name);

	if (clean) {
		table_clean(clean);
		fputs(clean, stdout);
	}
	free(clean);
}

static void put_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(object, key, rules_json_text(text, strlen(text)));
}

static json_t *diags_json(const struct rule_diags *diags)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < diags->count; i++) {
		const struct rule_diag *diag = &diags->items[i];
		json_t *o = json_pack("{s:s, s:s}", "severity",
				diag->severity == RULE_ERROR ? "error" : "warning", "code",
				rule_diag_code_name(diag->code));

		put_text(o, "file", diag->file);
		if (diag->line)
			json_object_set_new(o, "line", json_integer(diag->line));
		if (diag->line && diag->column)
			json_object_set_new(o, "column", json_integer(diag->column));
		put_text(o, "message", diag->message);
		put_text(o, "expected", diag->expected);
		put_text(o, "suggestion", diag->suggestion);
		put_text(o, "source", diag->source);
		if (*diag->source)
			json_object_set_new(o, "source_column", json_integer(diag->source_column));
		json_array_append_new(list, o);
	}
	return list;
}

static bool stderr_color(void)
{
	return vexctl.color && isatty(STDERR_FILENO);
}

static void print_diag(const struct rule_diag *diag)
{
	const char *word = diag->severity == RULE_ERROR ? "error: " : "warning: ";
	size_t len = rule_diag_format(diag, NULL, 0) + 1;
	char *text = malloc(len);
	char *at;

	if (!text)
		return;
	rule_diag_format(diag, text, len);
	at = strstr(text, word);
	if (at && stderr_color())
		fprintf(stderr, "%.*s\033[%sm%s\033[0m%s\n", (int)(at - text), text,
				diag->severity == RULE_ERROR ? "31" : "33", word,
				at + strlen(word));
	else
		fprintf(stderr, "%s\n", text);
	free(text);
}

void rules_print_diags(const struct rule_diags *diags)
{
	size_t left = diags->errors + diags->warnings - diags->count;
	size_t i;

	for (i = 0; i < diags->count; i++)
		print_diag(&diags->items[i]);
	if (left)
		fprintf(stderr, "and %zu more\n", left);
}

json_t *rules_report_json(const struct rules_text *text, bool good, const char *error)
{
	json_t *o = json_pack("{s:b, s:I, s:I, s:o}", "ok", good, "errors",
			(json_int_t)text->diags.errors + (*error != 0), "warnings",
			(json_int_t)text->diags.warnings, "diagnostics", diags_json(&text->diags));

	if (*error)
		json_object_set_new(o, "error", json_string(error));
	return o;
}

void rules_print_wrong(const struct rules_text *text, const char *error)
{
	json_t *o;

	if (!vexctl.json) {
		rules_print_diags(&text->diags);
		if (*error)
			vex_error("%s", error);
		return;
	}
	o = rules_report_json(text, false, error);
	rpc_print(o);
	json_decref(o);
}

/* Where nothing is wrong but that something could not be read, it is no fault of the text. */
static int exit_code(const struct rule_diags *diags)
{
	size_t i;

	for (i = 0; i < diags->count; i++)
		if (diags->items[i].severity == RULE_ERROR && (diags->items[i].line ||
				(diags->items[i].code != RULE_DIAG_IO &&
				diags->items[i].code != RULE_DIAG_MEMORY)))
			return VEX_EXIT_CONFIG;
	return VEX_EXIT_FAILED;
}

int rules_text_load(struct rules_text *text, char **paths, int count)
{
	struct rule_options options = {.files = &text->files};

	if (!rule_set_load((const char *const *)paths, (size_t)count, &options, &text->set,
			&text->diags))
		return VEX_EXIT_OK;
	return exit_code(&text->diags);
}

void rules_text_clear(struct rules_text *text)
{
	rule_set_free(text->set);
	rule_files_clear(&text->files);
	rule_diags_clear(&text->diags);
	memset(text, 0, sizeof(*text));
}
