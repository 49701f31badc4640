/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane's socket: who may attach, and what he asks for (abi/handshake.h). Main core
 * only. Requests are answered one after another; each is bounded by a round of the workers.
 */
#ifndef VEX_DATAPLANE_SERVER_H
#define VEX_DATAPLANE_SERVER_H

#include "dataplane/access.h"
#include "dataplane/plane.h"

struct server;

/**
 * Listens at path. A socket file that nobody listens at is replaced; -EADDRINUSE where someone
 * does. The error was logged.
 */
int server_open(struct plane *plane, const char *path, const struct access *access,
		struct server **server);

/** Changes who may attach from now on; those who are there stay. */
void server_set_access(struct server *server, const struct access *access);

/** Waits up to timeout_ms for requests and answers them. */
void server_poll(struct server *server, int timeout_ms);

/** The processes behind subscriptions and control sessions, at most max of them; how many. */
uint32_t server_listeners(const struct server *server, uint32_t *pids, uint32_t max);

/** Closes every connection and removes the socket file. NULL is fine. */
void server_close(struct server *server);

#endif
