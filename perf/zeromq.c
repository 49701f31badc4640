/* SPDX-License-Identifier: BSD-3-Clause */
#include "peers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "base/log.h"
#include "janitor.h"
#include "stream.h"

struct zeromq {
	struct stream stream;
	char dir[JANITOR_PATH_MAX];
	void *push_context;
	void *pull_context;
	void *push;
	void *pull;
	pthread_t receiver;
	bool receiving;
};

static int fail(const char *what)
{
	int error = zmq_errno();

	vex_error("zeromq: %s: %s", what, zmq_strerror(error));
	return error ? -error : -EIO;
}

static int send_batch(void *arg, unsigned count)
{
	struct zeromq *z = arg;
	char message[STREAM_MESSAGE];

	memset(message, 'v', sizeof(message));
	for (unsigned i = 0; i < count; i++)
		if (zmq_send(z->push, message, sizeof(message), 0) < 0)
			return fail("send");
	return 0;
}

/* Until its context is shut down. */
static void *receive(void *arg)
{
	struct zeromq *z = arg;
	char message[STREAM_MESSAGE];
	int size;

	while ((size = zmq_recv(z->pull, message, sizeof(message), 0)) >= 0)
		stream_count(&z->stream, size == STREAM_MESSAGE);
	return NULL;
}

static void *open_socket(void *context, int type)
{
	const int unlimited = 0, linger = 0;
	void *socket = zmq_socket(context, type);

	if (!socket)
		return NULL;
	zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof(unlimited));
	zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof(unlimited));
	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
	return socket;
}

static int start(struct zeromq *z)
{
	char address[JANITOR_PATH_MAX + 16];
	int error = janitor_tempdir("/tmp", z->dir);

	if (error)
		return error;
	snprintf(address, sizeof(address), "ipc://%s/zeromq", z->dir);
	z->push_context = zmq_ctx_new();
	z->pull_context = zmq_ctx_new();
	if (!z->push_context || !z->pull_context)
		return fail("context");
	z->push = open_socket(z->push_context, ZMQ_PUSH);
	z->pull = open_socket(z->pull_context, ZMQ_PULL);
	if (!z->push || !z->pull)
		return fail("socket");
	if (zmq_bind(z->pull, address) || zmq_connect(z->push, address))
		return fail(address);
	error = pthread_create(&z->receiver, NULL, receive, z);
	z->receiving = !error;
	return -error;
}

static void stop(struct zeromq *z)
{
	if (z->pull_context)
		zmq_ctx_shutdown(z->pull_context);
	if (z->receiving)
		pthread_join(z->receiver, NULL);
	if (z->push)
		zmq_close(z->push);
	if (z->pull)
		zmq_close(z->pull);
	if (z->push_context)
		zmq_ctx_term(z->push_context);
	if (z->pull_context)
		zmq_ctx_term(z->pull_context);
	janitor_remove(z->dir);
}

int zeromq_throughput(const struct bench_env *env, double *values)
{
	struct zeromq z = {.stream = {.name = "zeromq", .send = send_batch, .batch = 256}};
	int error;

	z.stream.arg = &z;
	error = start(&z);
	if (!error)
		error = stream_measure(&z.stream, env, &values[0]);
	stop(&z);
	return error;
}
