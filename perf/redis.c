/* SPDX-License-Identifier: BSD-3-Clause */
#include "peers.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "janitor.h"
#include "stream.h"

#define BATCH 512
#define START_TRIES 500
#define TRY_NS 10000000
#define ID_MAX 64

struct redis {
	struct stream stream;
	char dir[JANITOR_PATH_MAX];
	char log[JANITOR_PATH_MAX + 16];
	char socket[JANITOR_PATH_MAX + 16];
	pid_t server;
	redisContext *out;
	redisContext *in;
	pthread_t receiver;
	bool receiving;
	char last[ID_MAX]; /* id of the last entry read */
};

static int fail(const redisContext *context, const redisReply *reply)
{
	vex_error("redis: %s", reply && reply->type == REDIS_REPLY_ERROR ? reply->str :
			context && context->err ? context->errstr : "an answer of the wrong kind");
	return -EIO;
}

static int start_server(struct redis *r)
{
	const char *argv[] = {"redis-server", "--port", "0", "--unixsocket", r->socket, "--save",
		"", "--appendonly", "no", "--dir", r->dir, NULL};
	const struct timespec pause = {.tv_nsec = TRY_NS};

	r->server = janitor_spawn(argv, r->log);
	if (r->server < 0)
		return r->server;
	for (int i = 0; i < START_TRIES && janitor_alive(r->server); i++) {
		r->out = redisConnectUnix(r->socket);
		if (r->out && !r->out->err)
			return 0;
		redisFree(r->out);
		r->out = NULL;
		nanosleep(&pause, NULL);
	}
	vex_error("redis-server did not start (Debian package redis-server); its last words:");
	janitor_show_log(r->log);
	return -ECONNREFUSED;
}

/* A pipeline: all commands in one write, then all answers. */
static int send_batch(void *arg, unsigned count)
{
	struct redis *r = arg;
	char message[STREAM_MESSAGE];
	redisReply *reply;
	char *command;
	int length, error = 0;

	memset(message, 'v', sizeof(message));
	length = redisFormatCommand(&command, "XADD vex MAXLEN ~ %d * e %b", 2 * STREAM_WINDOW,
			message, sizeof(message));
	if (length < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		redisAppendFormattedCommand(r->out, command, (size_t)length);
	redisFreeCommand(command);
	for (unsigned i = 0; i < count && !error; i++) {
		reply = NULL;
		if (redisGetReply(r->out, (void **)&reply) || reply->type == REDIS_REPLY_ERROR)
			error = fail(r->out, reply);
		freeReplyObject(reply);
	}
	return error;
}

/* [[stream, [[id, [field, value]], ...]]]; the number of entries, or a negative errno. */
static int take_entries(struct redis *r, const redisReply *reply)
{
	const redisReply *entries, *last;

	if (reply->type == REDIS_REPLY_NIL)
		return 0;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 ||
			reply->element[0]->elements != 2)
		return -EPROTO;
	entries = reply->element[0]->element[1];
	if (!entries->elements)
		return 0;
	last = entries->element[entries->elements - 1];
	if (last->elements != 2 || last->element[1]->elements != 2 ||
			last->element[1]->element[1]->len != STREAM_MESSAGE)
		return -EPROTO;
	snprintf(r->last, sizeof(r->last), "%s", last->element[0]->str);
	return (int)entries->elements;
}

static void *receive(void *arg)
{
	struct redis *r = arg;
	int count = 0;

	while (count >= 0 && !VEX_LOAD_RELAXED(&r->stream.stop)) {
		redisReply *reply = redisCommand(r->in, "XREAD COUNT %d BLOCK 100 STREAMS vex %s",
				BATCH, r->last);

		count = reply ? take_entries(r, reply) : -EIO;
		if (count < 0)
			VEX_STORE_RELAXED(&r->stream.error, fail(r->in, reply));
		else
			stream_count(&r->stream, (uint64_t)count);
		freeReplyObject(reply);
	}
	return NULL;
}

static int start(struct redis *r)
{
	int error = janitor_tempdir("/tmp", r->dir);

	if (error)
		return error;
	snprintf(r->log, sizeof(r->log), "%s/redis.log", r->dir);
	snprintf(r->socket, sizeof(r->socket), "%s/redis.sock", r->dir);
	error = start_server(r);
	if (error)
		return error;
	r->in = redisConnectUnix(r->socket);
	if (!r->in || r->in->err)
		return fail(r->in, NULL);
	error = pthread_create(&r->receiver, NULL, receive, r);
	r->receiving = !error;
	return -error;
}

static void stop(struct redis *r)
{
	VEX_STORE_RELAXED(&r->stream.stop, 1);
	if (r->receiving)
		pthread_join(r->receiver, NULL);
	redisFree(r->in);
	redisFree(r->out);
	janitor_stop(r->server);
	janitor_remove(r->dir);
}

int redis_throughput(const struct bench_env *env, double *values)
{
	struct redis r = {.stream = {.name = "redis_streams", .send = send_batch,
				  .batch = BATCH}, .last = "0"};
	int error;

	r.stream.arg = &r;
	error = start(&r);
	if (!error)
		error = stream_measure(&r.stream, env, &values[0]);
	stop(&r);
	return error;
}
