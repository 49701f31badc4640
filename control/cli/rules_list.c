/* SPDX-License-Identifier: BSD-3-Clause */
/* vexctl rules status, list, history, text. */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/options.h"
#include "cli/rpc.h"
#include "cli/rules.h"
#include "cli/table.h"

#define COUNT_OF(array) (unsigned)(sizeof(array) / sizeof((array)[0]))

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_change(const json_t *change)
{
	const char *action = json_string_value(json_object_get(change, "action"));
	const char *phase = json_string_value(json_object_get(change, "phase"));

	if (action && phase)
		printf("under way: %s, %s for %.1f s, by user %" JSON_INTEGER_FORMAT "\n", action,
				phase, (double)number(change, "elapsed_ms") / 1e3,
				number(change, "uid"));
}

static void print_status(const json_t *status)
{
	const char *state = json_string_value(json_object_get(status, "state"));
	const char *reason = json_string_value(json_object_get(status, "reason"));
	const char *store = json_string_value(json_object_get(status, "store"));
	bool good = state && !strcmp(state, "in force");
	char bytes[32];

	if (!number(status, "version"))
		puts("no rules");
	else
		printf("version %" JSON_INTEGER_FORMAT ": %s%s%s, %" JSON_INTEGER_FORMAT
				" rules, %s\n", number(status, "version"),
				!vexctl.color ? "" : good ? "\033[32m" : "\033[31m",
				state ? state : "?", vexctl.color ? "\033[0m" : "",
				number(status, "rules"),
				table_format_bytes((uint64_t)number(status, "image_bytes"), bytes,
				sizeof(bytes)));
	if (reason)
		printf("reason: %s\n", reason);
	if (store)
		printf("rules can't be changed: %s\n", store);
	print_change(json_object_get(status, "change"));
}

int vexctl_rules_status(int argc, char **argv)
{
	json_t *status;

	if (rpc_no_arguments(argc, argv))
		return VEX_EXIT_USAGE;
	status = rpc_call("rules.status", NULL);
	if (!status)
		return VEX_EXIT_FAILED;
	if (vexctl.json)
		rpc_print(status);
	else
		print_status(status);
	json_decref(status);
	return VEX_EXIT_OK;
}

/* "2026-11-21 15:04:05", local time; "-" for 0. */
static json_t *format_time(json_int_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	char text[40] = "-";
	struct tm tm;

	if (ns && localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return json_string(text);
}

/* Puts together what comes in several answers; names may be NULL. */
static json_t *fetch_all(const char *method, const char *key, const json_t *names)
{
	json_t *all = json_array();
	json_int_t from = 0;
	json_t *answer;

	do {
		answer = rpc_call(method, json_pack("{s:I, s:O*}", "from", from, "names", names));
		if (!answer) {
			json_decref(all);
			return NULL;
		}
		json_array_extend(all, json_object_get(answer, key));
		from = number(answer, "next");
		json_decref(answer);
	} while (from);
	return all;
}

json_t *rules_list(const json_t *names)
{
	return fetch_all("rules.list", "rules", names);
}

json_t *rules_history(void)
{
	return fetch_all("rules.history", "versions", NULL);
}

static void print_list(const json_t *rules)
{
	static const struct table_column columns[] = {
		{"RULE", "name", TABLE_TEXT},
		{"STATE", "state", TABLE_TEXT},
		{"PRIORITY", "priority", TABLE_TEXT},
		{"CLASS", "qos", TABLE_TEXT},
		{"MATCHED", "matched", TABLE_COUNT},
		{"ROUTED", "routed", TABLE_COUNT},
		{"LIMITED", "limited", TABLE_COUNT},
		{"LAST", "last", TABLE_TEXT},
		{"TARGETS", "to", TABLE_TEXT},
	};
	json_t *rule;
	json_t *item;
	size_t i;
	size_t j;

	json_array_foreach(rules, i, rule) {
		char to[160] = "default";
		size_t n = 0;

		json_array_foreach(json_object_get(rule, "targets"), j, item)
			if (n < sizeof(to))
				n += (size_t)snprintf(to + n, sizeof(to) - n, "%s%s", n ? ", " : "",
						json_string_value(item));
		json_object_set_new(rule, "to", json_string(to));
		json_object_set_new(rule, "last", format_time(number(rule, "last_ns")));
	}
	table_print(rules, columns, COUNT_OF(columns));
}

/* NULL: all. There are no options, but a name may stand behind --. */
static int read_names(int argc, char **argv, json_t **names)
{
	static const struct option none[] = {{NULL, 0, NULL, 0}};
	bool begun = false;
	int i;

	*names = NULL;
	if (options_next(argc, argv, "", none, &begun) != -1)
		return VEX_EXIT_USAGE;
	for (i = optind; i < argc; i++) {
		*names = *names ? *names : json_array();
		json_array_append_new(*names, json_string(argv[i]));
	}
	return VEX_EXIT_OK;
}

static bool is_listed(const json_t *rules, const char *name)
{
	const json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
		if (!strcmp(json_string_value(json_object_get(rule, "name")), name))
			return true;
	return false;
}

/* Says which names are of no rule. */
static int check_names(const json_t *names, const json_t *rules)
{
	int ret = VEX_EXIT_OK;
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
		if (!is_listed(rules, json_string_value(name))) {
			vex_error("rules list: there is no rule '%s' in force",
					json_string_value(name));
			ret = VEX_EXIT_FAILED;
		}
	return ret;
}

int vexctl_rules_list(int argc, char **argv)
{
	json_t *names;
	json_t *rules;
	int ret = read_names(argc, argv, &names);

	if (ret)
		return ret;
	rules = rules_list(names);
	ret = rules ? check_names(names, rules) : VEX_EXIT_FAILED;
	if (!ret && vexctl.json) {
		json_t *o = json_pack("{s:O}", "rules", rules);

		rpc_print(o);
		json_decref(o);
	} else if (!ret) {
		print_list(rules);
	}
	json_decref(names);
	json_decref(rules);
	return ret;
}

/* With the rules that it switched. */
static json_t *whole_message(const json_t *version)
{
	const char *message = json_string_value(json_object_get(version, "message"));
	const json_t *names = json_object_get(version, "names");
	const json_t *name;
	char text[1024] = "";
	size_t len = 0;
	size_t i;

	json_array_foreach(names, i, name) {
		const char *one = json_string_value(name);

		if (!one || len + strlen(one) + sizeof(", ...") > sizeof(text))
			one = "...";
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "", one);
		if (!strcmp(one, "..."))
			break;
	}
	if (!len || !message || !*message)
		return json_string(len ? text : message ? message : "");
	return json_sprintf("%s (%s)", message, text);
}

static void print_history(const json_t *versions)
{
	static const struct table_column columns[] = {
		{"VERSION", "version", TABLE_ID},
		{"CURRENT", "current", TABLE_YES},
		{"TIME", "when", TABLE_TEXT},
		{"USER", "user", TABLE_TEXT},
		{"ACTION", "action", TABLE_TEXT},
		{"ACTIVE", "active", TABLE_COUNT},
		{"BYTES", "bytes", TABLE_BYTES},
		{"MESSAGE", "message", TABLE_TEXT},
	};
	json_t *version;
	size_t i;

	json_array_foreach(versions, i, version) {
		const char *damaged = json_string_value(json_object_get(version, "damaged"));

		json_object_set_new(version, "when", format_time(number(version, "time_ns")));
		if (damaged) {
			json_object_set_new(version, "ok", json_false());
			json_object_set_new(version, "message", json_sprintf("damaged: %s", damaged));
		} else {
			json_object_set_new(version, "message", whole_message(version));
		}
	}
	table_print(versions, columns, COUNT_OF(columns));
}

int vexctl_rules_history(int argc, char **argv)
{
	json_t *versions;

	if (rpc_no_arguments(argc, argv))
		return VEX_EXIT_USAGE;
	versions = rules_history();
	if (!versions)
		return VEX_EXIT_FAILED;
	if (vexctl.json) {
		json_t *o = json_pack("{s:O}", "versions", versions);

		rpc_print(o);
		json_decref(o);
	} else {
		print_history(versions);
	}
	json_decref(versions);
	return VEX_EXIT_OK;
}

int vexctl_rules_text(int argc, char **argv)
{
	struct bundle *bundle;
	uint32_t version = 0;
	size_t i;

	if (argc > 2 || (argc == 2 && !rules_read_version(argv[1], &version))) {
		vex_error("rules text: VERSION is a number as 'vexctl rules history' prints it");
		return VEX_EXIT_USAGE;
	}
	bundle = rules_fetch(version);
	if (!bundle)
		return VEX_EXIT_FAILED;
	if (vexctl.json) {
		json_t *files = json_array();
		json_t *o;

		for (i = 0; i < bundle->files.count; i++)
			json_array_append_new(files, json_pack("{s:s, s:o}", "name",
					bundle->files.items[i].name, "text", rules_json_text(
					bundle->files.items[i].text, bundle->files.items[i].len)));
		o = json_pack("{s:o, s:O*}", "files", files, "switched",
				json_object_get(bundle->meta, "switched"));
		rpc_print(o);
		json_decref(o);
	}
	for (i = 0; !vexctl.json && i < bundle->files.count; i++) {
		printf("# %s\n", bundle->files.items[i].name);
		fwrite(bundle->files.items[i].text, 1, bundle->files.items[i].len, stdout);
	}
	bundle_free(bundle);
	return VEX_EXIT_OK;
}
