/* SPDX-License-Identifier: BSD-3-Clause */
#include "peers.h"

#include <errno.h>
#include <jansson.h>
#include <nats/nats.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "janitor.h"
#include "stream.h"

#define SUBJECT "vex"
#define BATCH 256
/* "PUB vex 128\r\n", the message, "\r\n": a buffer of this size is written a batch at a time. */
#define WIRE_BYTES (13 + (int)STREAM_MESSAGE + 2)
#define FLUSH_MS 5000
#define START_TRIES 500
#define TRY_NS 10000000

struct nats {
	struct stream stream;
	char dir[JANITOR_PATH_MAX];
	char log[JANITOR_PATH_MAX + 16];
	char url[64];
	pid_t server;
	natsConnection *out;
	natsConnection *in;
	natsSubscription *sub;
};

static int fail(const char *what, natsStatus status)
{
	vex_error("nats: %s: %s", what, natsStatus_GetText(status));
	return -EIO;
}

/* The server writes the port it took into a file of its own in the directory. */
static int read_url(struct nats *n)
{
	char path[JANITOR_PATH_MAX + 64];
	json_t *ports;
	const char *url;
	int error = -ENOENT;

	snprintf(path, sizeof(path), "%s/nats-server_%d.ports", n->dir, n->server);
	ports = json_load_file(path, 0, NULL);
	url = json_string_value(json_array_get(json_object_get(ports, "nats"), 0));
	if (url) {
		snprintf(n->url, sizeof(n->url), "%s", url);
		error = 0;
	}
	json_decref(ports);
	return error;
}

static int start_server(struct nats *n)
{
	const char *argv[] = {"nats-server", "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir",
		n->dir, NULL};
	const struct timespec pause = {.tv_nsec = TRY_NS};

	n->server = janitor_spawn(argv, n->log);
	if (n->server < 0)
		return n->server;
	for (int i = 0; i < START_TRIES && janitor_alive(n->server); i++) {
		if (!read_url(n))
			return 0;
		nanosleep(&pause, NULL);
	}
	vex_error("nats-server did not start (Debian package nats-server); its last words:");
	janitor_show_log(n->log);
	return -ECONNREFUSED;
}

static natsStatus connect_to(natsConnection **connection, const char *url)
{
	natsOptions *options = NULL;
	natsStatus status = natsOptions_Create(&options);

	if (status == NATS_OK)
		status = natsOptions_SetURL(options, url);
	if (status == NATS_OK)
		status = natsOptions_SetIOBufSize(options, BATCH * WIRE_BYTES);
	if (status == NATS_OK)
		status = natsConnection_Connect(connection, options);
	natsOptions_Destroy(options);
	return status;
}

static void on_message(natsConnection *connection, natsSubscription *sub, natsMsg *message,
		void *arg)
{
	struct nats *n = arg;

	(void)connection;
	(void)sub;
	stream_count(&n->stream, natsMsg_GetDataLength(message) == STREAM_MESSAGE);
	natsMsg_Destroy(message);
}

static int send_batch(void *arg, unsigned count)
{
	struct nats *n = arg;
	char message[STREAM_MESSAGE];
	natsStatus status = NATS_OK;

	memset(message, 'v', sizeof(message));
	for (unsigned i = 0; i < count && status == NATS_OK; i++)
		status = natsConnection_Publish(n->out, SUBJECT, message, sizeof(message));
	return status == NATS_OK ? 0 : fail("publish", status);
}

static int flush(void *arg)
{
	struct nats *n = arg;
	natsStatus status = natsConnection_FlushTimeout(n->out, FLUSH_MS);

	return status == NATS_OK ? 0 : fail("flush", status);
}

static int start(struct nats *n)
{
	natsStatus status;
	int error = janitor_tempdir("/tmp", n->dir);

	if (error)
		return error;
	snprintf(n->log, sizeof(n->log), "%s/nats.log", n->dir);
	error = start_server(n);
	if (error)
		return error;
	status = connect_to(&n->out, n->url);
	if (status == NATS_OK)
		status = connect_to(&n->in, n->url);
	if (status == NATS_OK)
		status = natsConnection_Subscribe(&n->sub, n->in, SUBJECT, on_message, n);
	if (status == NATS_OK)
		status = natsSubscription_SetPendingLimits(n->sub, -1, -1);
	if (status == NATS_OK)
		status = natsConnection_FlushTimeout(n->in, FLUSH_MS);
	return status == NATS_OK ? 0 : fail(n->url, status);
}

static void stop(struct nats *n)
{
	natsSubscription_Destroy(n->sub);
	natsConnection_Destroy(n->in);
	natsConnection_Destroy(n->out);
	nats_CloseAndWait(FLUSH_MS);
	janitor_stop(n->server);
	janitor_remove(n->dir);
}

int nats_throughput(const struct bench_env *env, double *values)
{
	struct nats n = {.stream = {.name = "nats", .send = send_batch, .flush = flush,
				 .batch = BATCH}};
	int error;

	n.stream.arg = &n;
	error = start(&n);
	if (!error)
		error = stream_measure(&n.stream, env, &values[0]);
	stop(&n);
	return error;
}
