/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections (server.c) and what they ask for (request.c). Private to the two. */
#ifndef VEX_DATAPLANE_SERVER_WORK_H
#define VEX_DATAPLANE_SERVER_WORK_H

#include "base/log_rate.h"
#include "dataplane/server.h"

#define CONNECTIONS_MAX (VEX_PORTS_MAX + VEX_SUBSCRIBERS_MAX + 16u)
#define CONNECTIONS_KEPT 16u	 /* for root and our own user */
#define CONNECTIONS_OF_USER 48u /* of another user, at most */
#define HELLO_WAIT_NS 5000000000ull

struct connection {
	int fd; /* -1: free */
	uint32_t role;
	struct ucred who;
	uint64_t since_ns; /* steady */
	struct port *port;
	struct subscriber *subscriber;
};

struct server {
	struct plane *plane;
	int listener;
	int epoll;
	struct access access;
	struct rules_thread *loader;
	struct connection *rules_from; /* who waits for it; NULL: it hung up */
	uint32_t rules_request;
	uint64_t rules_generation;
	struct vex_log_rate refusals;
	char path[108];
	struct connection connections[CONNECTIONS_MAX];
};

/* An answer in the making: the request is overwritten by it. */
struct exchange {
	struct connection *from;
	struct vex_message message;
	int fd;	  /* passed with the request; -1 once taken */
	int pass; /* to be passed with the answer */
	bool keep_pass; /* not ours to close */
	char reason[VEX_REASON_MAX];
};

/**
 * Does what the message asks for, and makes it the answer: DONE unless the handler made it another.
 * A negative errno with the reason where it is refused; -EINPROGRESS: the answer comes later.
 */
int request_handle(struct server *server, struct exchange *exchange);

void server_hang_up(struct server *server, struct connection *connection);

#endif
