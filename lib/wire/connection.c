/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection from the first request to the last answer: what is read, called and written. */
#include "wire/server_work.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_MIN 4096u
#define BUFFER_MAX (WIRE_MESSAGE_MAX + 1) /* a message and its newline */

/* The server is gone where the connection is closed and nothing of it is held any more. */
static void unhold(struct connection *c)
{
	if (c->wanted)
		c->server->held -= c->wanted;
	c->wanted = 0;
}

static void release_bytes(struct connection *c)
{
	unhold(c);
	c->got = 0;
	free(c->bytes);
	c->bytes = NULL;
}

/* A call under way keeps the connection's memory, but nothing else of it. */
static void connection_free(struct connection *c)
{
	if (!c->closed || c->calling)
		return;
	wire_request_clear(&c->request);
	free(c->bytes);
	free(c->in);
	free(c->out);
	free(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	c->closed = true;
	unhold(c);
	wire_server_release(c->server);
	connection_free(c);
}

void wire_connection_close(struct connection *c)
{
	struct wire_server *server = c->server;
	unsigned i;

	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	for (i = 0; i < server->count; i++)
		if (server->connections[i] == c)
			server->connections[i] = server->connections[--server->count];
	uv_close((uv_handle_t *)&c->pipe, on_closed);
}

static void on_written(uv_write_t *write, int status)
{
	struct connection *c = write->data;

	free(c->out);
	c->out = NULL;
	c->active_ms = uv_now(c->pipe.loop);
	if (status < 0 || c->last)
		wire_connection_close(c);
	else
		wire_connection_pump(c);
}

/* Takes over line. */
static void connection_send(struct connection *c, char *line)
{
	uv_buf_t buf;

	wire_request_clear(&c->request);
	release_bytes(c);
	if (!line || uv_is_closing((uv_handle_t *)&c->pipe)) {
		free(line);
		wire_connection_close(c);
		return;
	}
	c->out = line;
	buf = uv_buf_init(line, (unsigned)strlen(line));
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written) < 0)
		wire_connection_close(c);
}

static void connection_call(struct connection *c)
{
	struct wire_server *server = c->server;

	c->calling = true;
	server->ops->call(server->context, &c->call, c->request.method, c->request.params);
}

/* Makes room for what follows the request; false, with the reason, where there is none. */
static bool take_bytes(struct connection *c, struct wire_failure *failure)
{
	struct wire_server *server = c->server;
	size_t bytes = c->request.bytes;

	if (!server->ops->accept) {
		wire_fail(failure, WIRE_INVALID, "no bytes may follow a request");
		return false;
	}
	if (!server->ops->accept(server->context, &c->peer, c->request.method, bytes, failure))
		return false;
	if (bytes <= WIRE_BYTES_MAX - server->held)
		c->bytes = malloc(bytes);
	if (!c->bytes) {
		wire_fail(failure, WIRE_BUSY, "no room for %zu bytes beside those of others", bytes);
		return false;
	}
	c->wanted = bytes;
	server->held += bytes;
	return true;
}

/* What follows on a connection whose bytes nobody wants can't be told from requests: it ends. */
static void connection_begin(struct connection *c, const char *line, size_t len)
{
	struct wire_failure failure;

	c->active_ms = uv_now(c->pipe.loop);
	if (wire_parse_request(line, len, &c->request, &failure) < 0) {
		c->last = json_object_get(c->request.root, "bytes") != NULL;
		connection_send(c, wire_format_failure(c->request.id, &failure));
	} else if (!c->request.bytes) {
		connection_call(c);
	} else if (take_bytes(c, &failure)) {
		wire_connection_pump(c);
	} else {
		c->last = true;
		connection_send(c, wire_format_failure(c->request.id, &failure));
	}
}

static void connection_refuse_size(struct connection *c)
{
	struct wire_failure failure;

	wire_fail(&failure, WIRE_INVALID, "the message is larger than %u bytes", WIRE_MESSAGE_MAX);
	c->last = true;
	connection_send(c, wire_format_failure(NULL, &failure));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct connection *c = handle->data;
	size_t cap = c->cap ? c->cap : BUFFER_MIN;
	char *in;

	(void)suggested;
	if (c->wanted) {
		*buf = uv_buf_init(c->bytes + c->got, (unsigned)(c->wanted - c->got));
		return;
	}
	*buf = uv_buf_init(NULL, 0);
	if (c->start) {
		memmove(c->in, c->in + c->start, c->len - c->start);
		c->len -= c->start;
		c->scanned -= c->start;
		c->start = 0;
	}
	if (c->len == c->cap && c->cap)
		cap = c->cap * 2 < BUFFER_MAX ? c->cap * 2 : BUFFER_MAX;
	if (cap != c->cap) {
		in = realloc(c->in, cap);
		if (!in)
			return;
		c->in = in;
		c->cap = cap;
	}
	*buf = uv_buf_init(c->in + c->len, (unsigned)(c->cap - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *c = stream->data;

	(void)buf;
	if (n < 0) {
		wire_connection_close(c);
		return;
	}
	if (c->wanted) {
		c->got += (size_t)n;
		c->active_ms = uv_now(c->pipe.loop);
	} else {
		c->len += (size_t)n;
	}
	wire_connection_pump(c);
}

/* Takes what was read with the request, then waits for the rest of what follows it. */
static void pump_bytes(struct connection *c)
{
	size_t there = c->len - c->start;
	int ret;

	if (there > c->wanted - c->got)
		there = c->wanted - c->got;
	memcpy(c->bytes + c->got, c->in + c->start, there);
	c->got += there;
	c->start += there;
	c->scanned = c->start;
	if (c->got == c->wanted) {
		uv_read_stop((uv_stream_t *)&c->pipe);
		connection_call(c);
		return;
	}
	ret = uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	if (ret < 0 && ret != UV_EALREADY)
		wire_connection_close(c);
}

void wire_connection_pump(struct connection *c)
{
	char *newline = NULL;
	size_t start = c->start;
	int ret;

	if (c->wanted) {
		pump_bytes(c);
		return;
	}
	if (c->len > c->scanned)
		newline = memchr(c->in + c->scanned, '\n', c->len - c->scanned);
	if (newline) {
		c->start = c->scanned = (size_t)(newline - c->in) + 1;
		uv_read_stop((uv_stream_t *)&c->pipe);
		connection_begin(c, c->in + start, (size_t)(newline - c->in) - start);
		return;
	}
	c->scanned = c->len;
	if (c->len - c->start == BUFFER_MAX) {
		uv_read_stop((uv_stream_t *)&c->pipe);
		connection_refuse_size(c);
		return;
	}
	ret = uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	if (ret < 0 && ret != UV_EALREADY)
		wire_connection_close(c);
}

const struct wire_peer *wire_call_peer(const struct wire_call *call)
{
	return &call->connection->peer;
}

void *wire_call_take_bytes(struct wire_call *call, size_t *size)
{
	struct connection *c = call->connection;
	void *bytes = c->bytes;

	*size = c->got;
	c->bytes = NULL;
	unhold(c);
	c->got = 0;
	return bytes;
}

/* The call's memory is its connection's, which may be gone but for it. */
static void call_end(struct wire_call *call, char *line)
{
	struct connection *c = call->connection;

	c->calling = false;
	if (!c->closed) {
		connection_send(c, line);
		return;
	}
	free(line);
	connection_free(c);
}

void wire_reply(struct wire_call *call, json_t *result)
{
	struct wire_failure failure;
	char *line = result ? wire_format_result(call->connection->request.id, result) : NULL;

	json_decref(result);
	if (!line) {
		wire_fail(&failure, WIRE_INTERNAL, "the answer could not be made: out of memory, "
				"or larger than %u bytes", WIRE_MESSAGE_MAX);
		line = wire_format_failure(call->connection->request.id, &failure);
	}
	call_end(call, line);
}

void wire_reply_failure(struct wire_call *call, const struct wire_failure *failure)
{
	call_end(call, wire_format_failure(call->connection->request.id, failure));
}
