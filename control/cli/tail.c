/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "cli/stream.h"
#include "event/format.h"

/* Written at the end of a batch, or where the next line might not find room. */
#define BUFFER (2 * VEX_FORMAT_MAX)
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

static int print_event(void *context, const struct vex_record *record,
		const struct vex_event *event)
{
	struct tail *tail = context;
	bool stand_out = vexctl.color && event->type == VEX_GAP && tail->format == vex_format_text;
	ssize_t len;
	int ret;

	(void)record;
	if (BUFFER - tail->used < VEX_FORMAT_MAX + 32) {
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
	int ret = 0;
	int option;

	opterr = 0;
	optind = 0;
	while (!ret && (option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'f')
			format = optarg;
		else if (option == '?')
			return stream_usage(&tail->options, argv);
		else
			ret = stream_option(&tail->options, option, optarg);
	}
	if (!ret && argv[optind])
		return stream_usage(&tail->options, argv);
	return ret ? ret : choose_format(tail, format);
}

static int follow(struct tail *tail)
{
	struct stream_sink sink = {.context = tail, .event = print_event, .batch = end_batch};
	int ret;

	tail->buffer = malloc(BUFFER);
	if (!tail->buffer) {
		vex_error("tail: out of memory");
		return VEX_EXIT_FAILED;
	}
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
