/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"
#include "clock.h"

#define PAUSE_NS 20000
#define STALL_SECONDS 10.0

static void nap(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

static uint64_t under_way(const struct stream *stream)
{
	return stream->sent - VEX_LOAD_ACQUIRE(&stream->received);
}

static int wait_below(struct stream *stream, const struct bench_env *env, uint64_t bound)
{
	uint64_t until = cycles_now() + (uint64_t)(STALL_SECONDS * env->tsc_hz);

	while (under_way(stream) > bound) {
		int error = VEX_LOAD_RELAXED(&stream->error);

		if (error)
			return error;
		if (cycles_now() > until) {
			vex_error("%s: %lu of %lu messages did not arrive in %.0f s", stream->name,
					(unsigned long)under_way(stream),
					(unsigned long)stream->sent, STALL_SECONDS);
			return -ETIMEDOUT;
		}
		nap();
	}
	return 0;
}

static int pump(struct stream *stream, const struct bench_env *env, uint64_t span)
{
	uint64_t begin = cycles_now();
	int error = 0;

	while (!error && cycles_now() - begin < span) {
		error = wait_below(stream, env, STREAM_WINDOW - stream->batch);
		if (!error)
			error = stream->send(stream->arg, stream->batch);
		stream->sent += stream->batch;
	}
	if (!error && stream->flush)
		error = stream->flush(stream->arg);
	return error ? error : wait_below(stream, env, 0);
}

int stream_measure(struct stream *stream, const struct bench_env *env, double *rate)
{
	uint64_t begin, first;
	int error = pump(stream, env, bench_span(env, 0.2));

	if (error)
		return error;
	first = stream->sent;
	begin = cycles_now();
	error = pump(stream, env, bench_span(env, 1));
	*rate = (double)(stream->sent - first) * env->tsc_hz / (double)(cycles_now() - begin);
	return error;
}
