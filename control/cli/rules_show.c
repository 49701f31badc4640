/* SPDX-License-Identifier: BSD-3-Clause */
/* vexctl rules show: all that is to be known of one rule. */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/rpc.h"
#include "cli/rules.h"
#include "cli/rules_describe.h"
#include "cli/table.h"
#include "rule/compile.h"
#include "rule/disassemble.h"

/* A definition as it stands in its file. */
struct written {
	const char *text;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Back to the line in which the dash of a list's item stands, where there is nothing else in it. */
static const char *item_start(const char *text, const char *at)
{
	const char *start = at;

	while (start > text && is_blank(start[-1]))
		start--;
	if (start == text || start[-1] != '-')
		return at;
	for (start--; start > text && (start[-1] == ' ' || start[-1] == '\t'); start--)
		;
	return start == text || start[-1] == '\n' ? start : at;
}

/* On to the end of the line, where there is no more in it than a comment. */
static const char *item_end(const char *at, const char *end)
{
	const char *rest = at;
	const char *newline;

	while (rest < end && (*rest == ' ' || *rest == '\t' || *rest == '\r'))
		rest++;
	if (rest < end && *rest != '\n' && *rest != '#')
		return at;
	newline = memchr(rest, '\n', (size_t)(end - rest));
	return newline ? newline + 1 : end;
}

static struct written find_item(const struct rule_source *source, struct rule_span span)
{
	const char *end = source->text + source->len;
	const char *start = source->text + span.start;
	const char *last = start + span.len;

	while (last > start && is_blank(last[-1]))
		last--;
	start = item_start(source->text, start);
	last = item_end(last, end);
	return (struct written){start, (size_t)(last - start)};
}

struct show {
	struct rules_text text;
	const struct rule *rule;
	uint32_t index;
	json_t *counters; /* of it, in force */
	char *compiled;
};

static int compile(struct show *show)
{
	struct rule_compile_error error;
	struct rule_image *image;
	size_t size;
	FILE *out;

	if (rule_compile(show->text.set, NULL, &image, &size, &error)) {
		vex_error("rules show: %s", error.text);
		return VEX_EXIT_FAILED;
	}
	out = open_memstream(&show->compiled, &size);
	if (out) {
		rule_image_print_rule(image, show->index, out);
		fclose(out);
	}
	free(image);
	return out ? VEX_EXIT_OK : VEX_EXIT_FAILED;
}

/* What was switched by command stands in no file. */
static const struct rule_source *source_of(const struct show *show, struct rule_pos pos)
{
	return pos.file < show->text.files.count ? &show->text.files.items[pos.file] : NULL;
}

static json_t *place_json(const struct show *show, struct rule_pos pos, struct rule_span span)
{
	const char *name = show->text.set->files[pos.file].data;
	const struct rule_source *source = source_of(show, pos);
	struct written written = {"", 0};

	if (source)
		written = find_item(source, span);
	return json_pack("{s:o, s:I, s:o*}", "file", rules_json_text(name, strlen(name)), "line",
			(json_int_t)pos.line, "text",
			source ? rules_json_text(written.text, written.len) : NULL);
}

static json_t *unsupported_json(const struct rule *rule)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < rule->unsupported_count; i++) {
		const struct rule_unsupported *one = &rule->unsupported[i];

		json_array_append_new(list, json_pack("{s:o, s:s}", "name",
				rules_json_text(one->name.data, one->name.len), "why", one->why));
	}
	return list;
}

static void print_json(const struct show *show)
{
	json_t *o = rules_describe(show->text.set, show->rule);
	json_t *place = place_json(show, show->rule->pos, show->rule->span);
	const struct rule_change *change;
	json_t *changes = json_array();
	const char *key;
	json_t *value;

	json_object_foreach(show->counters, key, value)
		if (!json_object_get(o, key))
			json_object_set(o, key, value);
	json_object_update(o, place);
	json_decref(place);
	for (change = show->rule->changes; change; change = change->next)
		json_array_append_new(changes, place_json(show, change->pos, change->span));
	json_object_set_new(o, "changes", changes);
	if (show->rule->unsupported_count)
		json_object_set_new(o, "unsupported", unsupported_json(show->rule));
	json_object_set_new(o, "compiled", rules_json_text(show->compiled, strlen(show->compiled)));
	rpc_print(o);
	json_decref(o);
}

static void print_place(const struct show *show, const char *key, struct rule_pos pos)
{
	printf("%-9s ", key);
	rules_print_name(show->text.set->files[pos.file].data);
	printf(":%u\n", pos.line);
}

static void print_written(const struct show *show, struct rule_pos pos, struct rule_span span)
{
	const struct rule_source *source = source_of(show, pos);
	struct written written;

	if (!source)
		return;
	written = find_item(source, span);
	printf("\n%.*s%s", (int)written.len, written.text,
			written.len && written.text[written.len - 1] == '\n' ? "" : "\n");
}

static void print_counter(const struct show *show, const char *key)
{
	const json_t *count = json_object_get(show->counters, key);
	char text[40];

	if (count)
		printf("%-9s %s\n", key, table_format_count(json_integer_value(count), text,
				sizeof(text)));
}

static void print_text(const struct show *show)
{
	const struct rule *rule = show->rule;
	const struct rule_change *change;
	uint32_t i;

	fputs("rule      ", stdout);
	rules_print_name(rule->name.data);
	putchar('\n');
	print_place(show, "file", rule->pos);
	for (change = rule->changes; change; change = change->next)
		print_place(show, source_of(show, change->pos) ? "changed" : "switched", change->pos);
	printf("state     %s\npriority  %s\nclass     %s\n", rule_state_name(rule->state),
			rule_priority_name(rule->priority), rule_qos_name(rule->qos));
	for (i = 0; i < rule->unsupported_count; i++)
		printf("%-9s %s: %s\n", i ? "" : "because", rule->unsupported[i].name.data,
				rule->unsupported[i].why);
	print_counter(show, "matched");
	print_counter(show, "routed");
	print_counter(show, "limited");
	print_written(show, rule->pos, rule->span);
	for (change = rule->changes; change; change = change->next)
		print_written(show, change->pos, change->span);
	printf("\n%s", show->compiled);
}

static int find(struct show *show, const char *name)
{
	show->rule = rule_set_find(show->text.set, name);
	if (!show->rule) {
		vex_error("rules show: there is no rule '%s' in force", name);
		return VEX_EXIT_FAILED;
	}
	show->index = (uint32_t)(show->rule - show->text.set->rules);
	return VEX_EXIT_OK;
}

static int fetch_counters(struct show *show, const char *name)
{
	json_t *names = json_pack("[s]", name);
	json_t *rules = names ? rules_list(names) : NULL;

	show->counters = json_incref(json_array_get(rules, 0));
	json_decref(names);
	json_decref(rules);
	return rules ? VEX_EXIT_OK : VEX_EXIT_FAILED;
}

int vexctl_rules_show(int argc, char **argv)
{
	static const struct option none[] = {{NULL, 0, NULL, 0}};
	struct show show = {0};
	bool begun = false;
	const char *name;
	int ret;

	if (options_next(argc, argv, "", none, &begun) != -1)
		return VEX_EXIT_USAGE;
	if (optind + 1 != argc) {
		vex_error("rules show: one rule's name is wanted; try 'vexctl rules show --help'");
		return VEX_EXIT_USAGE;
	}
	name = argv[optind];
	ret = rules_text_fetch(&show.text, 0);
	if (!ret)
		ret = find(&show, name);
	if (!ret)
		ret = fetch_counters(&show, name);
	if (!ret)
		ret = compile(&show);
	if (!ret && vexctl.json)
		print_json(&show);
	else if (!ret)
		print_text(&show);
	json_decref(show.counters);
	free(show.compiled);
	rules_text_clear(&show.text);
	return ret;
}
