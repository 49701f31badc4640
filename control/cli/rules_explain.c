/* SPDX-License-Identifier: BSD-3-Clause */
/* vexctl rules explain: which rules match an event, and why the others do not. */
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "cli/event_json.h"
#include "cli/options.h"
#include "cli/rpc.h"
#include "cli/rules.h"
#include "cli/table.h"
#include "event/format.h"
#include "rule/compile.h"
#include "rule/disassemble.h"
#include "rule/match.h"
#include "rule/program.h"

#define RULES_MAX 64u
#define EVENT_TEXT_MAX (4u << 20)

struct explain {
	struct rules_text text;
	const char *files[RULES_MAX];
	int file_count;
	bool all;
	struct vex_record *record;
	struct rule_matcher *matcher;
	struct rule_worker *worker;
	struct rule_image *image;
	const struct rule *named; /* of those that match, the first of the highest priority */
};

/* PATH:NUMBER, packets counted from 1. */
static int read_capture(struct explain *explain, const char *event, const char *colon)
{
	uint64_t wanted = strtoull(colon + 1, NULL, 10);
	struct vex_capture_reader *reader;
	const struct vex_record *record;
	char path[4096];
	uint64_t time;
	int ret;

	snprintf(path, sizeof(path), "%.*s", (int)(colon - event), event);
	ret = vex_capture_open(path, &reader);
	if (!ret)
		do
			ret = vex_capture_next(reader, &record, &time);
		while (ret > 0 && vex_capture_packets(reader) < wanted);
	if (ret > 0 && wanted) {
		explain->record = malloc(record->size);
		if (explain->record)
			memcpy(explain->record, record, record->size);
	} else if (ret >= 0) {
		vex_error("rules explain: %s has no packet %s", path, colon + 1);
	} else {
		vex_error("rules explain: %s", vex_capture_error(reader));
	}
	vex_capture_close_reader(reader);
	return explain->record ? VEX_EXIT_OK : VEX_EXIT_FAILED;
}

/* All of a file, up to more than any event has; NULL and errno. */
static char *read_text(const char *path, size_t *len)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = malloc(EVENT_TEXT_MAX);
	bool bad;

	*len = file && text ? fread(text, 1, EVENT_TEXT_MAX, file) : 0;
	bad = !file || !text || ferror(file);
	if (!bad && *len == EVENT_TEXT_MAX) {
		errno = EFBIG;
		bad = true;
	}
	if (file && file != stdin)
		fclose(file);
	if (!bad)
		return text;
	free(text);
	return NULL;
}

static int read_json(struct explain *explain, const char *path)
{
	char why[EVENT_JSON_WHY_MAX];
	json_error_t error = {.line = 0};
	json_t *root;
	size_t len;
	char *text = read_text(path, &len);

	if (!text) {
		vex_error("rules explain: %s: %s", path, strerror(errno));
		return VEX_EXIT_FAILED;
	}
	root = event_json_parse(text, len, &error);
	free(text);
	if (root)
		explain->record = event_from_json(root, why);
	if (!root)
		vex_error("rules explain: %s:%d: %s", path, error.line, error.text);
	else if (!explain->record)
		vex_error("rules explain: %s: %s", path, why);
	json_decref(root);
	return explain->record ? VEX_EXIT_OK : VEX_EXIT_FAILED;
}

static int read_event(struct explain *explain, const char *event)
{
	const char *colon = strrchr(event, ':');

	if (colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")])
		return read_capture(explain, event, colon);
	return read_json(explain, event);
}

static int read_rules(struct explain *explain)
{
	int ret;

	if (!explain->file_count)
		return rules_text_fetch(&explain->text, 0);
	ret = rules_text_load(&explain->text, (char **)explain->files, explain->file_count);
	if (ret)
		rules_print_wrong(&explain->text, "");
	return ret;
}

static int make_worker(struct explain *explain)
{
	struct rule_worker_options options = {.run = rule_program_run};
	const char *why = "out of memory";
	struct rule_compile_error error;
	size_t size;

	if (rule_compile(explain->text.set, NULL, &explain->image, &size, &error)) {
		rules_print_wrong(&explain->text, error.text);
		return VEX_EXIT_CONFIG;
	}
	options.data = explain->image;
	if (rule_matcher_new(explain->image, size, &explain->matcher, &why) ||
			rule_worker_new(explain->matcher, &options, &explain->worker)) {
		vex_error("rules explain: %s", why);
		return VEX_EXIT_FAILED;
	}
	return VEX_EXIT_OK;
}

/* What can't be known of an unsupported rule is known from its text alone. */
static void add_unsupported(const struct rule *rule, char *reason, size_t cap)
{
	size_t n = strlen(reason);
	uint32_t i;

	for (i = 0; rule->state == RULE_UNSUPPORTED && i < rule->unsupported_count && n < cap; i++)
		n += (size_t)snprintf(reason + n, cap - n, "%s %s (%s)", i ? "," : ":",
				rule->unsupported[i].name.data, rule->unsupported[i].why);
}

static void print_line(const struct rule *rule, bool matches, char *reason)
{
	fputs(matches && vexctl.color ? "\033[32m" : "", stdout);
	rules_print_name(rule->name.data);
	table_clean(reason);
	printf(": %s%s\n", reason, matches && vexctl.color ? "\033[0m" : "");
}

static void show_rule(struct explain *explain, const struct rule *rule, const char *says,
		json_t *list)
{
	bool matches = !strcmp(says, "matches");
	char reason[2048];

	snprintf(reason, sizeof(reason), "%s", says);
	add_unsupported(rule, reason, sizeof(reason));
	if (matches && (!explain->named || rule->priority < explain->named->priority))
		explain->named = rule;
	if (list)
		json_array_append_new(list, json_pack("{s:o, s:b, s:o*}", "name",
				rules_json_text(rule->name.data, rule->name.len), "matches", matches,
				"why", matches ? NULL : rules_json_text(reason, strlen(reason))));
	else if (matches || explain->all)
		print_line(rule, matches, reason);
}

/* What rules are never asked of. */
static void show_control(struct explain *explain, json_t *list)
{
	const struct rule_set *set = explain->text.set;
	uint32_t i;

	for (i = 0; i < set->count; i++)
		show_rule(explain, &set->rules[i], "gaps are no business of rules: everyone gets them",
				list);
}

/* A line is the rule's name, which may hold anything, ": ", and what is said of it. */
static int show_lines(struct explain *explain, char *text, json_t *list)
{
	const struct rule_set *set = explain->text.set;
	char *at = text;
	uint32_t i;

	for (i = 0; i < set->count && strlen(at) > set->rules[i].name.len + 2; i++) {
		char *says = at + set->rules[i].name.len + 2;

		at = strchrnul(says, '\n');
		at += *at == '\n';
		if (at > says && at[-1] == '\n')
			at[-1] = '\0';
		show_rule(explain, &set->rules[i], says, list);
	}
	return i == set->count ? VEX_EXIT_OK : VEX_EXIT_FAILED;
}

static void show_json(const struct rule *named, json_t *list)
{
	json_t *o = json_pack("{s:o, s:o*}", "rules", list, "named",
			named ? rules_json_text(named->name.data, named->name.len) : NULL);

	rpc_print(o);
	json_decref(o);
}

static void show_named(const struct rule *named)
{
	if (!named)
		return;
	fputs("The event names: ", stdout);
	rules_print_name(named->name.data);
	putchar('\n');
}

static int show(struct explain *explain)
{
	json_t *list = vexctl.json ? json_array() : NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int ret = VEX_EXIT_FAILED;

	if (vex_type_category(explain->record->type) == VEX_CATEGORY_CONTROL) {
		show_control(explain, list);
		ret = VEX_EXIT_OK;
		if (out)
			fclose(out);
	} else if (out) {
		rule_explain(explain->worker, explain->record, out);
		fclose(out);
		ret = show_lines(explain, text, list);
	}
	free(text);
	if (list)
		show_json(explain->named, list);
	else
		show_named(explain->named);
	return ret;
}

static void show_event(const struct explain *explain)
{
	char *text = malloc(VEX_FORMAT_MAX);
	struct vex_event_space space;
	struct vex_event event;

	vex_event_decode(explain->record, &event, &space);
	if (text && !vexctl.json && vex_format_text(&event, text, VEX_FORMAT_MAX) > 0)
		printf("%s\n", text);
	free(text);
}

static int read_options(struct explain *explain, int argc, char **argv)
{
	static const struct option longs[] = {
		{"rules", required_argument, NULL, 'r'},
		{"matching", no_argument, NULL, 'm'},
		{NULL, 0, NULL, 0},
	};
	bool begun = false;
	int c;

	explain->all = true;
	while ((c = options_next(argc, argv, "", longs, &begun)) != -1) {
		if (c == 'r' && explain->file_count == RULES_MAX)
			vex_error("rules explain: more than %u times --rules", RULES_MAX);
		if (c == 'm')
			explain->all = false;
		else if (c != 'r' || explain->file_count == RULES_MAX)
			return -1;
		else
			explain->files[explain->file_count++] = optarg;
	}
	if (optind + 1 == argc)
		return 0;
	vex_error("rules explain: one event is wanted; try 'vexctl rules explain --help'");
	return -1;
}

int vexctl_rules_explain(int argc, char **argv)
{
	struct explain explain = {0};
	int ret;

	if (read_options(&explain, argc, argv) < 0)
		return VEX_EXIT_USAGE;
	ret = read_event(&explain, argv[optind]);
	if (!ret)
		ret = read_rules(&explain);
	if (!ret)
		ret = make_worker(&explain);
	if (!ret) {
		show_event(&explain);
		ret = show(&explain);
	}
	rule_worker_free(explain.worker);
	rule_matcher_free(explain.matcher);
	free(explain.image);
	free(explain.record);
	rules_text_clear(&explain.text);
	return ret;
}
