/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The answering side of the control protocol, on a libuv loop. Everything here runs on the
 * loop's thread. The program must ignore SIGPIPE: libuv writes to callers who may have gone.
 *
 * Each connection has one call under way at a time and is read no further until its answer is
 * written, so a caller that does not read holds nothing but its own connection. A connection
 * that completes no request for WIRE_IDLE_MS is closed.
 */
#ifndef VEX_WIRE_SERVER_H
#define VEX_WIRE_SERVER_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "wire/message.h"

#define WIRE_CONNECTIONS_MAX 64u
/** Connections of one user, root excepted: nobody can lock the others out. */
#define WIRE_USER_CONNECTIONS_MAX 16u
#define WIRE_IDLE_MS 60000u
#define WIRE_GROUPS_MAX 64u

/** Who is at the other end, as the kernel says. */
struct wire_peer {
	struct ucred cred;
	unsigned group_count;
	gid_t groups[WIRE_GROUPS_MAX]; /**< supplementary ones, as many as fit */
};

struct wire_server;
struct wire_call; /**< one request, until it is answered */

struct wire_server_ops {
	/** Whether this caller may connect at all; if not, fills failure, which it is told. */
	bool (*admit)(void *context, const struct wire_peer *peer, struct wire_failure *failure);
	/**
	 * Answers now or later, exactly once, by wire_reply() or wire_reply_failure().
	 * method and params (NULL where there are none) are valid until then.
	 */
	void (*call)(void *context, struct wire_call *call, const char *method, json_t *params);
	/**
	 * Whether so many bytes may follow a request, which is called once they are there; if not,
	 * fills failure: the caller is told and let go. NULL: they never may.
	 */
	bool (*accept)(void *context, const struct wire_peer *peer, const char *method,
			size_t bytes, struct wire_failure *failure);
};

/** Serves the listening socket fd, which it takes over also where it fails. */
int wire_server_start(uv_loop_t *loop, int fd, const struct wire_server_ops *ops, void *context,
		struct wire_server **server);

/**
 * Closes all connections and frees the server once the loop has run on; calls that are still
 * to be answered must be answered before the loop ends. NULL is fine.
 */
void wire_server_stop(struct wire_server *server);

unsigned wire_server_connections(const struct wire_server *server);

const struct wire_peer *wire_call_peer(const struct wire_call *call);

/** The bytes that followed the request; on the heap, and the caller's from now on. NULL: none. */
void *wire_call_take_bytes(struct wire_call *call, size_t *size);

/** Takes over result. */
void wire_reply(struct wire_call *call, json_t *result);
void wire_reply_failure(struct wire_call *call, const struct wire_failure *failure);

#endif
