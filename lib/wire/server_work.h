/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may connect (server.c), and what comes of a connection (connection.c). Private to the two. */
#ifndef VEX_WIRE_SERVER_WORK_H
#define VEX_WIRE_SERVER_WORK_H

#include "wire/server.h"

struct connection;

struct wire_call {
	struct connection *connection;
};

struct connection {
	uv_pipe_t pipe;
	uv_write_t write;
	struct wire_server *server;
	struct wire_peer peer;
	uint64_t active_ms; /* when it was opened, or last began or ended a call */
	char *in;
	size_t cap;
	size_t len;     /* bytes of in that are filled */
	size_t start;   /* where the next message begins */
	size_t scanned; /* no newline between start and here */
	char *out;      /* the answer that is being written */
	bool calling;   /* the request is with the server's owner */
	bool last;      /* closes once out is written */
	bool closed;    /* libuv is done with it */
	struct wire_request request;
	struct wire_call call;
	char *bytes;    /* that follow the request */
	size_t wanted;  /* of bytes; counted in the server's held */
	size_t got;
};

struct wire_server {
	uv_pipe_t listener;
	uv_timer_t sweeper;
	const struct wire_server_ops *ops;
	void *context;
	unsigned handles; /* not closed yet: listener, sweeper and connections */
	unsigned count;
	size_t held; /* bytes that follow requests, of all connections */
	struct connection *connections[WIRE_CONNECTIONS_MAX];
};

/** Of a handle that is closed; after the last the server is freed. */
void wire_server_release(struct wire_server *server);

void wire_connection_close(struct connection *c);

/** Goes on with a connection that has no call under way and nothing to write. */
void wire_connection_pump(struct connection *c);

#endif
