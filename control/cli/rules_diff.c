/* SPDX-License-Identifier: BSD-3-Clause */
/* vexctl rules diff: what two sets of rules have in common, and what not, rule by rule. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rpc.h"
#include "cli/rules.h"
#include "cli/rules_describe.h"
#include "rule/names.h"

struct diff {
	struct rules_text a;
	struct rules_text b;
	char names[2][40]; /* of the two, for people */
	uint32_t *place;   /* of each rule of b: where it stands in a, or NONE */
	bool *moved;       /* of b */
	bool *kept;        /* of a: it is in b, too */
	json_t *changes;
};

static bool is_version(const char *word)
{
	return *word && !word[strspn(word, "0123456789")];
}

static void add(struct diff *diff, const char *change, struct rule_text name, json_t *keys)
{
	json_array_append_new(diff->changes, json_pack("{s:s, s:o, s:o*}", "change", change, "rule",
			rules_json_text(name.data, name.len), "keys", keys));
}

/* {key: [before, after]} of the keys that differ; NULL where none does. */
static json_t *compare(json_t *a, json_t *b)
{
	json_t *keys = json_object();
	const char *key;
	json_t *value;

	json_object_foreach(a, key, value)
		if (!json_object_get(b, key) || !json_equal(value, json_object_get(b, key)))
			json_object_set_new(keys, key, json_pack("[O, O?]", value,
					json_object_get(b, key)));
	json_object_foreach(b, key, value)
		if (!json_object_get(a, key))
			json_object_set_new(keys, key, json_pack("[n, O]", value));
	if (json_object_size(keys))
		return keys;
	json_decref(keys);
	return NULL;
}

static void compare_rule(struct diff *diff, uint32_t i)
{
	const struct rule *rule = &diff->b.set->rules[i];
	json_t *before;
	json_t *after;
	json_t *keys;

	if (diff->place[i] == RULE_NAMES_NONE) {
		add(diff, "added", rule->name, NULL);
		return;
	}
	before = rules_describe(diff->a.set, &diff->a.set->rules[diff->place[i]]);
	after = rules_describe(diff->b.set, rule);
	keys = compare(before, after);
	if (keys)
		add(diff, "changed", rule->name, keys);
	if (diff->moved[i])
		add(diff, "moved", rule->name, NULL);
	json_decref(before);
	json_decref(after);
}

static int find_places(struct diff *diff)
{
	const struct rule_set *a = diff->a.set;
	const struct rule_set *b = diff->b.set;
	struct rule_names names = {0};
	int error = 0;
	uint32_t i;

	for (i = 0; i < a->count && !error; i++)
		error = rule_names_add(&names, a->rules[i].name, i);
	for (i = 0; i < b->count && !error; i++) {
		diff->place[i] = rule_names_find(&names, b->rules[i].name.data,
				b->rules[i].name.len);
		if (diff->place[i] != RULE_NAMES_NONE)
			diff->kept[diff->place[i]] = true;
	}
	rule_names_free(&names);
	return error;
}

/*
 * Of the rules that both have, those that do not belong to the longest run in the same order were
 * moved: patience sorting, with the best rule so far for each length of a run.
 */
static int find_moved(struct diff *diff)
{
	uint32_t count = diff->b.set->count;
	uint32_t *best = calloc(count + 1, sizeof(*best));
	uint32_t *before = calloc(count + 1, sizeof(*before));
	uint32_t longest = 0;
	uint32_t i;

	for (i = 0; best && before && i < count; i++) {
		uint32_t low = 0;
		uint32_t high = longest;

		if (diff->place[i] == RULE_NAMES_NONE)
			continue;
		while (low < high) {
			uint32_t middle = (low + high) / 2;

			if (diff->place[best[middle]] < diff->place[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? best[low - 1] : RULE_NAMES_NONE;
		best[low] = i;
		longest += low == longest;
		diff->moved[i] = true;
	}
	for (i = longest ? best[longest - 1] : RULE_NAMES_NONE; i != RULE_NAMES_NONE; i = before[i])
		diff->moved[i] = false;
	free(best);
	free(before);
	return best && before ? 0 : -1;
}

static void compare_others(struct diff *diff)
{
	json_t *a = rules_describe_others(diff->a.set);
	json_t *b = rules_describe_others(diff->b.set);
	json_t *keys = compare(a, b);
	const char *name;
	json_t *pair;

	json_object_foreach(keys, name, pair) {
		json_t *before = json_array_get(pair, 0);
		json_t *after = json_array_get(pair, 1);
		bool both = !json_is_null(before) && !json_is_null(after);

		json_array_append_new(diff->changes, json_pack("{s:s, s:s, s:o*}", "change", both
				? "changed" : json_is_null(before) ? "added" : "removed",
				"definition", name, "keys", both ? compare(before, after) : NULL));
	}
	json_decref(keys);
	json_decref(a);
	json_decref(b);
}

static int compare_sets(struct diff *diff)
{
	uint32_t i;

	diff->place = calloc(diff->b.set->count + 1, sizeof(*diff->place));
	diff->moved = calloc(diff->b.set->count + 1, sizeof(*diff->moved));
	diff->kept = calloc(diff->a.set->count + 1, sizeof(*diff->kept));
	if (!diff->place || !diff->moved || !diff->kept || find_places(diff) || find_moved(diff))
		return -1;
	for (i = 0; i < diff->a.set->count; i++)
		if (!diff->kept[i])
			add(diff, "removed", diff->a.set->rules[i].name, NULL);
	for (i = 0; i < diff->b.set->count; i++)
		compare_rule(diff, i);
	compare_others(diff);
	return 0;
}

static void print_keys(json_t *keys)
{
	const char *key;
	json_t *pair;
	size_t i;

	json_object_foreach(keys, key, pair) {
		printf("    %s:\n", key);
		for (i = 0; i < 2; i++) {
			char *text = json_is_null(json_array_get(pair, i)) ? NULL : json_dumps(
					json_array_get(pair, i), JSON_ENCODE_ANY | JSON_COMPACT);

			if (text)
				printf("      %s%c %s%s\n", !vexctl.color ? "" : i ? "\033[32m"
						: "\033[31m", i ? '+' : '-', text,
						vexctl.color ? "\033[0m" : "");
			free(text);
		}
	}
}

static void print_changes(const struct diff *diff)
{
	json_t *change;
	size_t i;

	printf("from %s to %s: %s\n", diff->names[0], diff->names[1],
			json_array_size(diff->changes) ? "" : "no difference");
	json_array_foreach(diff->changes, i, change) {
		const char *rule = json_string_value(json_object_get(change, "rule"));
		const char *other = json_string_value(json_object_get(change, "definition"));

		printf("  %s %s", json_string_value(json_object_get(change, "change")),
				rule ? "rule " : "");
		rules_print_name(rule ? rule : other);
		putchar('\n');
		print_keys(json_object_get(change, "keys"));
	}
}

/* The one before the one in force, of those that are whole; 0 where there is none. */
static uint32_t previous_version(void)
{
	json_t *history = rules_history();
	json_t *version;
	uint32_t previous = 0;
	size_t i;

	json_array_foreach(history, i, version) {
		if (json_is_true(json_object_get(version, "current")))
			break;
		if (!json_object_get(version, "damaged"))
			previous = (uint32_t)json_integer_value(json_object_get(version, "version"));
	}
	if (history && !previous)
		vex_error("rules diff: there is no version before the one in force");
	json_decref(history);
	return previous;
}

static int fetch(struct diff *diff, int which, uint32_t version)
{
	if (version)
		snprintf(diff->names[which], sizeof(diff->names[which]), "version %u", version);
	else
		snprintf(diff->names[which], sizeof(diff->names[which]), "what is in force");
	return rules_text_fetch(which ? &diff->b : &diff->a, version);
}

static int read_versions(struct diff *diff, int argc, char **argv)
{
	uint32_t versions[2] = {0, 0};
	int i;

	for (i = 1; i < argc; i++)
		if (!rules_read_version(argv[i], &versions[i - 1])) {
			vex_error("rules diff: '%s' is no version", argv[i]);
			return VEX_EXIT_USAGE;
		}
	if (argc == 1)
		versions[0] = previous_version();
	if (!versions[0] || fetch(diff, 0, versions[0]))
		return VEX_EXIT_FAILED;
	return fetch(diff, 1, versions[1]);
}

/* With a version before them, or with what is in force. */
static int read_files(struct diff *diff, int argc, char **argv)
{
	uint32_t version = 0;
	int first = rules_read_version(argv[1], &version) ? 2 : 1;
	int ret = fetch(diff, 0, version);

	if (ret)
		return ret;
	snprintf(diff->names[1], sizeof(diff->names[1]), "the files");
	ret = rules_text_load(&diff->b, argv + first, argc - first);
	if (ret)
		rules_print_wrong(&diff->b, "");
	return ret;
}

static int read_sets(struct diff *diff, int argc, char **argv)
{
	if (argc <= 3 && (argc < 2 || is_version(argv[1])) && (argc < 3 || is_version(argv[2])))
		return read_versions(diff, argc, argv);
	return read_files(diff, argc, argv);
}

static void clear(struct diff *diff)
{
	free(diff->place);
	free(diff->moved);
	free(diff->kept);
	json_decref(diff->changes);
	rules_text_clear(&diff->a);
	rules_text_clear(&diff->b);
}

int vexctl_rules_diff(int argc, char **argv)
{
	struct diff diff = {.changes = json_array()};
	int ret;

	if (argc > 1 && argv[1][0] == '-' && argv[1][1]) {
		vex_error("rules diff: unknown option %s; try 'vexctl rules diff --help'", argv[1]);
		clear(&diff);
		return VEX_EXIT_USAGE;
	}
	ret = read_sets(&diff, argc, argv);
	if (!ret && compare_sets(&diff)) {
		vex_error("rules diff: out of memory");
		ret = VEX_EXIT_FAILED;
	}
	if (!ret && vexctl.json) {
		json_t *o = json_pack("{s:s, s:s, s:O}", "from", diff.names[0], "to", diff.names[1],
				"changes", diff.changes);

		rpc_print(o);
		json_decref(o);
	} else if (!ret) {
		print_changes(&diff);
	}
	clear(&diff);
	return ret;
}
