/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/event_rule.h"
#include "cli/options.h"
#include "cli/stream.h"
#include "cli/table.h"
#include "event/format.h"

/* Written at the end of a batch, or where the next line might not find room. */
#define BUFFER (3 * VEX_FORMAT_MAX)
/* An event, and what its rule says of it. */
#define EVENT_MAX (2 * VEX_FORMAT_MAX)
#define ATTENTION "\033[1;31m"
#define NORMAL "\033[0m"

struct tail {
	struct stream_options options;
	ssize_t (*format)(const struct vex_event *event, char *out, size_t cap);
	char *buffer;
	size_t used;
	uint64_t printed;
};

static int write_all(struct tail *tail)
{
	int ret = stream_write(tail->buffer, tail->used);

	tail->used = 0;
	return ret;
}

static void put(struct tail *tail, const char *text)
{
	size_t len = strlen(text);

	memcpy(tail->buffer + tail->used, text, len);
	tail->used += len;
}

/* Adds a key to an object that ends the buffer. */
static void put_key(struct tail *tail, const char *key, const char *text, size_t len)
{
	json_t *string = json_stringn(text, len);
	char *dump = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

	if (dump) {
		tail->used--;
		put(tail, ",\"");
		put(tail, key);
		put(tail, "\":");
		put(tail, dump);
		put(tail, "}");
	}
	free(dump);
	json_decref(string);
}

/* OCSF has one place for both. */
static void put_message(struct tail *tail, const char *name, const char *output)
{
	char *message;

	if (asprintf(&message, "%s%s%s", name, output ? ": " : "", output ? output : "") < 0)
		return;
	put_key(tail, "message", message, strlen(message));
	free(message);
}

static void put_rule(struct tail *tail, const struct rule *rule, const struct vex_record *record)
{
	char *output = event_rule_output(rule, record);
	char *name = strdup(rule->name.data);

	if (name && tail->format == vex_format_text) {
		table_clean(name);
		put(tail, "  ");
		put(tail, name);
		put(tail, output ? ": " : "");
		put(tail, output ? output : "");
	} else if (name && tail->format == vex_format_json) {
		put_key(tail, "rule_name", name, strlen(name));
		if (output)
			put_key(tail, "message", output, strlen(output));
	} else if (name) {
		put_message(tail, name, output);
	}
	free(output);
	free(name);
}

static int print_event(void *context, const struct vex_record *record,
		const struct vex_event *event)
{
	struct tail *tail = context;
	bool stand_out = vexctl.color && event->type == VEX_GAP && tail->format == vex_format_text;
	const struct rule *rule;
	ssize_t len;
	int ret;

	if (BUFFER - tail->used < EVENT_MAX) {
		ret = write_all(tail);
		if (ret < 0)
			return ret;
	}
	if (stand_out)
		put(tail, ATTENTION);
	len = tail->format(event, tail->buffer + tail->used, VEX_FORMAT_MAX);
	if (len < 0)
		return (int)len;
	tail->used += (size_t)len;
	rule = event_rule(event);
	if (rule)
		put_rule(tail, rule, record);
	if (stand_out)
		put(tail, NORMAL);
	put(tail, "\n");
	tail->printed += event->type != VEX_GAP;
	return tail->options.count && tail->printed >= tail->options.count;
}

static int end_batch(void *context)
{
	return write_all(context);
}

static int choose_format(struct tail *tail, const char *name)
{
	if (!strcmp(name, "text") && !vexctl.json)
		tail->format = vex_format_text;
	else if (!strcmp(name, "json"))
		tail->format = vex_format_json;
	else if (!strcmp(name, "ocsf"))
		tail->format = vex_format_ocsf;
	else if (!strcmp(name, "text"))
		vex_error("tail: --json and --format text exclude each other");
	else
		vex_error("tail: --format must be text, json or ocsf, not '%s'", name);
	return tail->format ? 0 : VEX_EXIT_USAGE;
}

static int read_options(struct tail *tail, int argc, char **argv)
{
	static const struct option longs[] = {
		STREAM_OPTIONS, {"format", required_argument, NULL, 'f'}, {NULL},
	};
	const char *format = vexctl.json ? "json" : "text";
	bool begun = false;
	int ret = 0;
	int option;

	while (!ret && (option = options_next(argc, argv, "", longs, &begun)) != -1) {
		if (option == 'f')
			format = optarg;
		else if (option == '?')
			return VEX_EXIT_USAGE;
		else
			ret = stream_option(&tail->options, option, optarg);
	}
	if (!ret && argv[optind])
		return stream_usage(&tail->options, argv);
	return ret ? ret : choose_format(tail, format);
}

static int follow(struct tail *tail)
{
	struct stream_sink sink = {.context = tail,
			.drains = !isatty(STDOUT_FILENO), /* there the flood is to end */
			.event = print_event,
			.batch = end_batch};
	int ret;

	tail->buffer = malloc(BUFFER);
	if (!tail->buffer) {
		vex_error("tail: out of memory");
		return VEX_EXIT_FAILED;
	}
	event_rule_begin();
	ret = stream_run(&tail->options, &sink);
	free(tail->buffer);
	if (ret < 0)
		vex_error("tail: %s", strerror(-ret));
	return ret ? VEX_EXIT_FAILED : VEX_EXIT_OK;
}

int vexctl_tail(int argc, char **argv)
{
	struct tail tail = {.options.command = argv[0]};
	int ret = read_options(&tail, argc, argv);

	if (!ret)
		ret = follow(&tail);
	where_clear(&tail.options.where);
	return ret;
}
