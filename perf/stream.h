/* SPDX-License-Identifier: BSD-3-Clause */
/* What the brokers have in common: a sender, a receiver that counts, a bound in between. */
#ifndef VEX_PERF_STREAM_H
#define VEX_PERF_STREAM_H

#include "abi/types.h"
#include "bench.h"

#define STREAM_MESSAGE 128u
/** Messages under way at most: keeps every part busy, stays in the caches, drops nothing. */
#define STREAM_WINDOW 8192u

struct stream {
	const char *name;
	/** Sends count messages; 0 or a negative errno after a log line. */
	int (*send)(void *arg, unsigned count);
	/** Sends what is still buffered; may be NULL. */
	int (*flush)(void *arg);
	void *arg;
	unsigned batch;
	uint64_t sent;
	uint64_t received VEX_LINE_ALIGNED; /**< by the receiver: stream_count() */
	int stop;  /**< for the receiver: end */
	int error; /**< by the receiver: a negative errno after a log line */
};

static inline void stream_count(struct stream *stream, uint64_t count)
{
	VEX_STORE_RELEASE(&stream->received, stream->received + count);
}

/**
 * Warms up, then sends for about a second. *rate: messages a second, from the first sent to
 * the last received. 0 or a negative errno, with a log line, also where messages got lost.
 */
int stream_measure(struct stream *stream, const struct bench_env *env, double *rate);

#endif
