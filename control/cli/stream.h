/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the commands that follow the live stream have in common: their options, a subscription
 * through libvex, and the loop that ends at a count, at a time, or by SIGINT or SIGTERM.
 */
#ifndef VEX_CONTROL_CLI_STREAM_H
#define VEX_CONTROL_CLI_STREAM_H

#include <getopt.h>
#include <stdint.h>

#include "cli/where.h"

/** Options of every stream, for the tables of getopt_long(). */
#define STREAM_OPTIONS \
	{"where", required_argument, NULL, 'e'}, {"timeout", required_argument, NULL, 't'}, \
			{"count", required_argument, NULL, 'c'}, \
			{"name", required_argument, NULL, 'n'}

struct stream_options {
	const char *command; /**< argv[0], for messages */
	const char *name;    /**< of the subscriber; NULL: the command's */
	struct where where;
	uint64_t count;      /**< of what the command counts; 0: no bound */
	uint64_t timeout_ns; /**< 0: no bound */
};

/**
 * Called by the loop; each returns 0 to go on, 1 where the command is done, or a negative errno,
 * which ends the loop. Any may be NULL but event.
 */
struct stream_sink {
	void *context;
	uint64_t tick_ns; /**< how often tick is called */
	bool drains;	  /**< what had come before SIGINT or SIGTERM is given, until a second one */
	/** The subscription stands. */
	int (*begin)(void *context);
	/** An event that --where lets pass, or a GAP. */
	int (*event)(void *context, const struct vex_record *record, const struct vex_event *event);
	/** All events that were there were given. */
	int (*batch)(void *context);
	int (*tick)(void *context, uint64_t elapsed_ns);
};

/** Takes one of STREAM_OPTIONS; 0, or an exit code with a message on stderr. */
int stream_option(struct stream_options *options, int option, const char *value);

/** Says what getopt_long() found wrong or left over; returns the exit code. */
int stream_usage(const struct stream_options *options, char **argv);

/** Reads seconds, with a fraction, from 1 ms to 10 years; false where text is none such. */
bool stream_read_seconds(const char *text, uint64_t *ns);

/**
 * Runs until something ends it, SIGINT and SIGTERM among it. 0, also where the reader of the output went away (-EPIPE); or a
 * negative errno of the sink; 1 where there is no data plane, with a message on stderr.
 */
int stream_run(const struct stream_options *options, const struct stream_sink *sink);

/** Writes to standard output, past stdio's buffer: 0 or a negative errno. */
int stream_write(const char *text, size_t len);

/** CLOCK_MONOTONIC. */
uint64_t stream_now_ns(void);

#endif
