/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/server_work.h"

#define SWEEP_MS 5000u

void wire_server_release(struct wire_server *server)
{
	if (!--server->handles)
		free(server);
}

static int read_peer(int fd, struct wire_peer *peer)
{
	socklen_t size = sizeof(peer->cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer->cred, &size) < 0)
		return -errno;
	size = sizeof(peer->groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &size) < 0)
		size = 0; /* more groups than fit: the main one still counts */
	peer->group_count = size / sizeof(peer->groups[0]);
	return 0;
}

static bool room_for(const struct wire_server *server, const struct wire_peer *peer,
		struct wire_failure *failure)
{
	unsigned same = 0;
	unsigned i;

	for (i = 0; i < server->count; i++)
		same += server->connections[i]->peer.cred.uid == peer->cred.uid;
	if (server->count < WIRE_CONNECTIONS_MAX &&
			(same < WIRE_USER_CONNECTIONS_MAX || peer->cred.uid == 0))
		return true;
	wire_fail(failure, WIRE_BUSY, "too many connections (at most %u, and %u of one user)",
			WIRE_CONNECTIONS_MAX, WIRE_USER_CONNECTIONS_MAX);
	return false;
}

/* Whoever is refused is told so with the socket's own first bytes of room, and never waited for. */
static void connection_turn_away(struct connection *c, const struct wire_failure *failure)
{
	char *line = wire_format_failure(NULL, failure);
	uv_buf_t buf;

	if (line) {
		buf = uv_buf_init(line, (unsigned)strlen(line));
		uv_try_write((uv_stream_t *)&c->pipe, &buf, 1);
		free(line);
	}
	wire_connection_close(c);
}

static void connection_admit(struct wire_server *server, struct connection *c)
{
	struct wire_failure failure;
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) < 0 || read_peer(fd, &c->peer) < 0) {
		wire_connection_close(c);
		return;
	}
	if (!server->ops->admit(server->context, &c->peer, &failure) ||
			!room_for(server, &c->peer, &failure)) {
		connection_turn_away(c, &failure);
		return;
	}
	server->connections[server->count++] = c;
	c->active_ms = uv_now(c->pipe.loop);
	wire_connection_pump(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct wire_server *server = listener->data;
	struct connection *c;

	if (status < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort(); /* a connection left unaccepted would end all listening, silently */
	c->server = server;
	c->call.connection = c;
	uv_pipe_init(listener->loop, &c->pipe, 0);
	c->pipe.data = c;
	server->handles++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0)
		wire_connection_close(c);
	else
		connection_admit(server, c);
}

static void on_sweep(uv_timer_t *timer)
{
	struct wire_server *server = timer->data;
	uint64_t now = uv_now(timer->loop);
	unsigned i = server->count;

	while (i-- > 0) {
		struct connection *c = server->connections[i];

		if (!c->calling && now - c->active_ms > WIRE_IDLE_MS)
			wire_connection_close(c);
	}
}

static void on_handle_closed(uv_handle_t *handle)
{
	wire_server_release(handle->data);
}

int wire_server_start(uv_loop_t *loop, int fd, const struct wire_server_ops *ops, void *context,
		struct wire_server **result)
{
	struct wire_server *server = calloc(1, sizeof(*server));
	int ret;

	*result = NULL;
	if (!server) {
		close(fd);
		return -ENOMEM;
	}
	server->ops = ops;
	server->context = context;
	uv_pipe_init(loop, &server->listener, 0);
	uv_timer_init(loop, &server->sweeper);
	server->listener.data = server->sweeper.data = server;
	server->handles = 2;
	ret = uv_pipe_open(&server->listener, fd);
	if (ret < 0)
		close(fd);
	else
		ret = uv_listen((uv_stream_t *)&server->listener, SOMAXCONN, on_connection);
	if (ret < 0) {
		wire_server_stop(server);
		return ret;
	}
	uv_timer_start(&server->sweeper, on_sweep, SWEEP_MS, SWEEP_MS);
	*result = server;
	return 0;
}

void wire_server_stop(struct wire_server *server)
{
	if (!server)
		return;
	while (server->count)
		wire_connection_close(server->connections[server->count - 1]);
	uv_close((uv_handle_t *)&server->listener, on_handle_closed);
	uv_close((uv_handle_t *)&server->sweeper, on_handle_closed);
}

unsigned wire_server_connections(const struct wire_server *server)
{
	return server->count;
}
