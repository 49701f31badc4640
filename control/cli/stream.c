/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/stream.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/event_rule.h"
#include "vex/vex.h"

#define BATCH 256u
/* Bytes a lane: room for what comes while a disk or a terminal is slow. */
#define RING_SIZE (8u << 20)
/* A signal that comes just before the wait is seen after so long. */
#define WAIT_MS 200u
/* Of what had come by the deadline, where we are late to read it: what a lane may hold, and more. */
#define LATE_BATCHES (RING_SIZE / VEX_LINE / BATCH)
#define SECONDS_MAX (10.0 * 366 * 24 * 3600)

static volatile sig_atomic_t interrupted; /* so often */

struct stream {
	const struct stream_options *options;
	const struct stream_sink *sink;
	struct vex_subscription *sub;
	struct vex_event_space space;
	uint64_t deadline; /* UINT64_MAX: none */
	uint64_t next_tick;
	uint64_t last_tick;
	bool gone; /* the data plane is, and that was said */
};

uint64_t stream_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int stream_write(const char *text, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(STDOUT_FILENO, text, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

bool stream_read_seconds(const char *text, uint64_t *ns)
{
	double seconds;
	char *end;

	if ((*text < '0' || *text > '9') && *text != '.')
		return false;
	seconds = strtod(text, &end);
	if (*end || !isfinite(seconds) || seconds < 0.001 || seconds > SECONDS_MAX)
		return false;
	*ns = (uint64_t)(seconds * 1e9);
	return true;
}

static bool read_count(const char *text, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *count;
}

static const char *rule_name(const struct vex_event *event)
{
	const struct rule *rule = event_rule(event);

	return rule ? rule->name.data : NULL;
}

int stream_option(struct stream_options *options, int option, const char *value)
{
	char error[WHERE_ERROR_MAX];

	if (option == 'e') {
		if (!where_add(&options->where, value, error)) {
			options->where.rule_name = rule_name;
			return 0;
		}
		vex_error("%s: --where %s", options->command, error);
	} else if (option == 'n') {
		options->name = value;
		if (*value && strlen(value) < VEX_NAME_MAX)
			return 0;
		vex_error("%s: --name must have 1 to %u bytes", options->command,
				VEX_NAME_MAX - 1);
	} else if (option == 'c') {
		if (read_count(value, &options->count))
			return 0;
		vex_error("%s: --count must be a number from 1, not '%s'", options->command, value);
	} else {
		if (stream_read_seconds(value, &options->timeout_ns))
			return 0;
		vex_error("%s: --timeout must be seconds, such as 10 or 0.5, not '%s'",
				options->command, value);
	}
	return VEX_EXIT_USAGE;
}

int stream_usage(const struct stream_options *options, char **argv)
{
	vex_error("%s: '%s' is not expected; try 'vexctl %s --help'", options->command, argv[optind],
			options->command);
	return VEX_EXIT_USAGE;
}

static void interrupt(int signal)
{
	(void)signal;
	interrupted = interrupted + 1;
}

/* A reader of the output that goes away is an ordinary end, told by EPIPE. */
static void catch_signals(void)
{
	struct sigaction end = {.sa_handler = interrupt};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	interrupted = 0;
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

static int give(struct stream *stream, const struct vex_record *record)
{
	struct vex_event event;

	vex_event_decode(record, &event, &stream->space);
	if (!where_match(&stream->options->where, &event))
		return 0;
	return stream->sink->event(stream->sink->context, record, &event);
}

/* The data plane may come and go: say so once, and wait for it. */
static void tell_connection(struct stream *stream, bool gone)
{
	if (gone != stream->gone)
		vex_warn("%s: the data plane %s", stream->options->command,
				gone ? "is gone; waiting for it" : "is back");
	stream->gone = gone;
}

/* Returns how many records there were, or what ends the loop as -errno, or -ECANCELED for done. */
static int read_batch(struct stream *stream)
{
	const struct vex_record *records[BATCH];
	int count = vex_read(stream->sub, records, BATCH);
	int ret = 0;
	int i;

	if (count < 0 && count != -ENOTCONN)
		return count;
	tell_connection(stream, count < 0);
	for (i = 0; i < count && !ret; i++)
		ret = give(stream, records[i]);
	vex_release(stream->sub);
	if (count > 0 && stream->sink->batch && ret >= 0) {
		int end = stream->sink->batch(stream->sink->context);

		ret = end ? end : ret;
	}
	if (ret)
		return ret > 0 ? -ECANCELED : ret;
	return count < 0 ? 0 : count;
}

static int tick(struct stream *stream, uint64_t now)
{
	uint64_t elapsed = now - stream->last_tick;

	if (!stream->sink->tick || now < stream->next_tick)
		return 0;
	stream->last_tick = now;
	while (stream->next_tick <= now)
		stream->next_tick += stream->sink->tick_ns;
	return stream->sink->tick(stream->sink->context, elapsed);
}

static int wait_ms(const struct stream *stream, uint64_t now)
{
	uint64_t until = stream->deadline < stream->next_tick ? stream->deadline
							       : stream->next_tick;
	uint64_t ms = until > now ? (until - now + 999999) / 1000000 : 0;

	return (int)(ms < WAIT_MS ? ms : WAIT_MS);
}

/* The first Ctrl-C ends what waits to come, not what has: a second one does. */
static bool goes_on(struct stream *stream, uint64_t now)
{
	if (!interrupted)
		return true;
	if (now < stream->deadline)
		stream->deadline = now;
	return stream->sink->drains && interrupted == 1;
}

static int loop(struct stream *stream)
{
	unsigned late = LATE_BATCHES;
	uint64_t now;
	int ret;

	while (now = stream_now_ns(), goes_on(stream, now)) {
		ret = tick(stream, now);
		if (ret)
			return ret;
		ret = read_batch(stream);
		if (now >= stream->deadline && (ret <= 0 || !--late))
			return ret;
		if (ret == 0)
			ret = vex_wait(stream->sub, wait_ms(stream, now));
		if (ret < 0 && ret != -EINTR)
			return ret;
	}
	return 0;
}

static int open_stream(struct stream *stream)
{
	struct vex_subscribe_options options = {
		.socket = vexctl.data_socket,
		.name = stream->options->name ? stream->options->name : stream->options->command,
		.filter = stream->options->where.filter,
		.ring_size = RING_SIZE,
	};

	if (vex_subscribe(&options, &stream->sub) < 0) {
		vex_error("%s: cannot subscribe: %s", stream->options->command, vex_last_error());
		return 1;
	}
	return 0;
}

static int leave(int ret)
{
	return ret > 0 || ret == -ECANCELED || ret == -EPIPE ? 0 : ret;
}

int stream_run(const struct stream_options *options, const struct stream_sink *sink)
{
	struct stream stream = {.options = options, .sink = sink};
	uint64_t now;
	int ret;

	if (options->where.wants_rules)
		event_rule_begin();
	if (open_stream(&stream))
		return 1;
	now = stream_now_ns(); /* attaching may take its time */
	catch_signals(); /* until here Ctrl-C ends the program at once */
	stream.last_tick = now;
	stream.next_tick = sink->tick ? now + sink->tick_ns : UINT64_MAX;
	stream.deadline = options->timeout_ns ? now + options->timeout_ns : UINT64_MAX;
	ret = sink->begin ? sink->begin(sink->context) : 0;
	if (!ret)
		ret = loop(&stream);
	ret = leave(ret);
	vex_unsubscribe(stream.sub);
	event_rule_end();
	return ret;
}
