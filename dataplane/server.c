/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/listen.h"
#include "base/log.h"
#include "base/message.h"
#include "dataplane/kernel.h"
#include "dataplane/port.h"
#include "dataplane/rules_thread.h"
#include "dataplane/subscriber.h"

#define CONNECTIONS_MAX (VEX_PORTS_MAX + VEX_SUBSCRIBERS_MAX + 16u)
#define EVENTS_A_POLL 32

struct connection {
	int fd; /* -1: free */
	uint32_t role;
	struct ucred who;
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

static int take_fd(struct exchange *exchange)
{
	int fd = exchange->fd;

	exchange->fd = -1;
	return fd;
}

static int refuse(struct exchange *exchange, int error, const char *why)
{
	snprintf(exchange->reason, sizeof(exchange->reason), "%s", why);
	return error;
}

static int answer_welcome(struct server *server, struct exchange *exchange, uint32_t id,
		uint32_t count)
{
	struct vex_message *message = &exchange->message;

	memset(message->bytes, 0, sizeof(message->bytes));
	message->type = VEX_MESSAGE_WELCOME;
	message->welcome.id = id;
	message->welcome.node = server->plane->node;
	message->welcome.count = count;
	message->welcome.pid = (uint32_t)getpid();
	message->welcome.started_ns = server->plane->stat->started_ns;
	return 0;
}

static int hello_producer(struct server *server, struct exchange *exchange)
{
	struct connection *from = exchange->from;
	int error = port_add(server->plane, &exchange->message, &from->who, &from->port,
			exchange->reason);

	if (error)
		return error;
	exchange->pass = from->port->wake;
	exchange->keep_pass = true;
	return answer_welcome(server, exchange, from->port->id, VEX_PORT_LANES_MAX);
}

static int hello_subscriber(struct server *server, struct exchange *exchange)
{
	struct connection *from = exchange->from;
	int error = subscriber_add(server->plane, &exchange->message, &from->who,
			take_fd(exchange), &from->subscriber, exchange->reason);

	if (error)
		return error;
	return answer_welcome(server, exchange, from->subscriber->id,
			server->plane->worker_count);
}

static int hello_control(struct server *server, struct exchange *exchange)
{
	uint32_t uid = exchange->from->who.uid;

	if (uid != 0 && uid != geteuid())
		return refuse(exchange, -EACCES, "only root and the data plane's own user may control it");
	exchange->pass = server->plane->stat_fd;
	exchange->keep_pass = true;
	return answer_welcome(server, exchange, 0, 0);
}

static int on_hello(struct server *server, struct exchange *exchange)
{
	uint32_t role = exchange->message.hello.role;
	int error;

	if (exchange->from->role != VEX_ROLE_NONE)
		return refuse(exchange, -EINVAL, "this connection has said HELLO before");
	if (role == VEX_ROLE_PRODUCER)
		error = hello_producer(server, exchange);
	else if (role == VEX_ROLE_SUBSCRIBER)
		error = hello_subscriber(server, exchange);
	else if (role == VEX_ROLE_CONTROL)
		error = hello_control(server, exchange);
	else
		error = refuse(exchange, -EINVAL, "HELLO names no role");
	if (!error)
		exchange->from->role = role;
	return error;
}

static int on_lane_add(struct server *server, struct exchange *exchange)
{
	struct connection *from = exchange->from;
	int error;

	if (exchange->fd < 0)
		return refuse(exchange, -EINVAL, "LANE_ADD comes with a memfd");
	if (from->port)
		error = port_add_lane(server->plane, from->port, take_fd(exchange),
				&exchange->message, &exchange->pass, exchange->reason);
	else if (from->subscriber && !from->subscriber->started)
		error = subscriber_add_lane(server->plane, from->subscriber, take_fd(exchange),
				&exchange->message, &exchange->pass, exchange->reason);
	else
		return refuse(exchange, -EINVAL, "no lane can be added here");
	if (!error)
		exchange->message.type = VEX_MESSAGE_LANE_ADDED;
	return error;
}

static int on_start(struct server *server, struct exchange *exchange)
{
	struct subscriber *sub = exchange->from->subscriber;

	if (!sub || sub->started)
		return refuse(exchange, -EINVAL, "START is for a subscriber, once");
	return subscriber_start(server->plane, sub, exchange->reason);
}

static int on_lane_remove(struct server *server, struct exchange *exchange)
{
	if (!exchange->from->port)
		return refuse(exchange, -EINVAL, "LANE_REMOVE is for producers");
	return port_remove_lane(server->plane, exchange->from->port, exchange->message.lane.lane,
			exchange->reason);
}

/* The answer comes when the set is in force, or could not be built. */
static int on_rules(struct server *server, struct exchange *exchange)
{
	const struct vex_message *message = &exchange->message;
	int error = rules_check(server->plane, exchange->fd, message, exchange->reason);

	if (error)
		return error;
	if (!message->rules.generation && !server->plane->rules->set)
		return rules_load(server->plane, -1, &exchange->message, exchange->reason);
	if (rules_thread_build(server->loader, exchange->fd, message))
		return refuse(exchange, -EBUSY, "another rule set is being loaded");
	exchange->fd = -1;
	server->rules_from = exchange->from;
	server->rules_request = message->request;
	server->rules_generation = message->rules.generation;
	return -EINPROGRESS;
}

static void hang_up(struct server *server, struct connection *connection)
{
	if (server->rules_from == connection)
		server->rules_from = NULL;
	if (connection->port)
		port_drain(server->plane, connection->port);
	if (connection->subscriber)
		subscriber_remove(server->plane, connection->subscriber);
	close(connection->fd);
	*connection = (struct connection){.fd = -1};
}

/* Detaching is hanging up on whoever is behind the port or the subscription. */
static int on_detach(struct server *server, struct exchange *exchange, bool port)
{
	uint32_t id = exchange->message.target.id;

	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *each = &server->connections[i];

		if (each->fd < 0)
			continue;
		if (port ? each->port && each->port->id == id
			 : each->subscriber && each->subscriber->id == id) {
			hang_up(server, each);
			return 0;
		}
	}
	return refuse(exchange, -ENOENT, port ? "there is no such port" : "there is no such subscriber");
}

static int on_control(struct server *server, struct exchange *exchange)
{
	struct vex_message *message = &exchange->message;

	if (exchange->from->role != VEX_ROLE_CONTROL)
		return refuse(exchange, -EACCES, "this is no request, or one for control sessions");
	switch (message->type) {
	case VEX_MESSAGE_RULES:
		return on_rules(server, exchange);
	case VEX_MESSAGE_RULE_COUNTERS:
		exchange->pass = server->plane->rules->segment_fd;
		exchange->keep_pass = true;
		return 0;
	case VEX_MESSAGE_KERNEL_SELECT ... VEX_MESSAGE_KERNEL_DISABLE:
		return kernel_order(server->plane->kernel, message->type, exchange->fd, exchange->reason);
	case VEX_MESSAGE_PORT_MOVE:
		return port_move(server->plane, message->target.id, message->target.worker,
				exchange->reason);
	case VEX_MESSAGE_PORT_DETACH:
	case VEX_MESSAGE_SUBSCRIBER_DETACH:
		return on_detach(server, exchange, message->type == VEX_MESSAGE_PORT_DETACH);
	default:
		return refuse(exchange, -EINVAL, "this message is not a request");
	}
}

/* The answer is DONE unless the handler made it another. */
static int handle(struct server *server, struct exchange *exchange)
{
	uint16_t type = exchange->message.type;
	int error;

	switch (type) {
	case VEX_MESSAGE_HELLO:
		error = on_hello(server, exchange);
		break;
	case VEX_MESSAGE_LANE_ADD:
		error = on_lane_add(server, exchange);
		break;
	case VEX_MESSAGE_LANE_REMOVE:
		error = on_lane_remove(server, exchange);
		break;
	case VEX_MESSAGE_START:
		error = on_start(server, exchange);
		break;
	default:
		error = on_control(server, exchange);
	}
	if (!error && exchange->message.type == type)
		exchange->message.type = VEX_MESSAGE_DONE;
	return error;
}

static void make_refusal(struct server *server, struct exchange *exchange, int error)
{
	struct vex_message *message = &exchange->message;

	memset(message->bytes, 0, sizeof(message->bytes));
	message->type = VEX_MESSAGE_REFUSED;
	message->error = error;
	memcpy(message->reason, exchange->reason, sizeof(message->reason));
	server->plane->stat->retired.refused++;
	vex_warn("pid %d (uid %u) was refused: %s", exchange->from->who.pid,
			exchange->from->who.uid, exchange->reason);
}

static void answer(struct server *server, struct exchange *exchange, int error)
{
	struct connection *to = exchange->from;

	if (error)
		make_refusal(server, exchange, error);
	if (to->fd >= 0 && vex_message_send(to->fd, &exchange->message, exchange->pass))
		hang_up(server, to);
}

/* A set that nobody waits for any more was wanted all the same. */
static void finish_rules(struct server *server)
{
	struct connection nobody = {.fd = -1};
	struct exchange exchange = {.from = server->rules_from ? server->rules_from : &nobody,
			.pass = -1};
	struct vex_message *message = &exchange.message;
	struct ruleset *set;
	int error = rules_thread_take(server->loader, &set, exchange.reason);

	if (error == -EAGAIN)
		return;
	server->rules_from = NULL;
	*message = (struct vex_message){.magic = VEX_HANDSHAKE_MAGIC,
			.version = VEX_ABI_VERSION,
			.type = VEX_MESSAGE_DONE,
			.request = server->rules_request};
	if (!error) {
		message->done.generation = server->rules_generation;
		rules_thread_retire(server->loader,
				rules_publish(server->plane, set, &message->done.swap_ns));
	}
	answer(server, &exchange, error);
}

static void serve(struct server *server, struct connection *connection)
{
	struct exchange exchange = {.from = connection, .fd = -1, .pass = -1};
	int error = vex_message_receive(connection->fd, &exchange.message, &exchange.fd);

	if (error == -EAGAIN)
		return;
	if (error) {
		hang_up(server, connection);
		return;
	}
	error = handle(server, &exchange);
	if (error != -EINPROGRESS)
		answer(server, &exchange, error);
	if (exchange.fd >= 0)
		close(exchange.fd);
	if (exchange.pass >= 0 && !exchange.keep_pass)
		close(exchange.pass);
}

static void turn_away(struct server *server, int fd, const struct ucred *who, int error,
		const char *why)
{
	struct connection stranger = {.fd = fd, .who = *who};
	struct exchange exchange = {.from = &stranger};

	refuse(&exchange, error, why);
	make_refusal(server, &exchange, error);
	vex_message_send(fd, &exchange.message, -1);
	close(fd);
}

static struct connection *free_connection(struct server *server)
{
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
		if (server->connections[i].fd < 0)
			return &server->connections[i];
	return NULL;
}

static void take_connection(struct server *server)
{
	struct connection *connection = free_connection(server);
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection};
	struct ucred who = {0};
	socklen_t len = sizeof(who);

	if (fd < 0)
		return;
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
	if (!access_allows(&server->access, &who)) {
		turn_away(server, fd, &who, -EACCES, "this user may not attach: see allow in the configuration");
		return;
	}
	if (!connection) {
		turn_away(server, fd, &who, -ENOSPC, "too many connections");
		return;
	}
	*connection = (struct connection){.fd = fd, .who = who};
	epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

void server_poll(struct server *server, int timeout_ms)
{
	struct epoll_event events[EVENTS_A_POLL];
	int n = epoll_wait(server->epoll, events, EVENTS_A_POLL, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct connection *connection = events[i].data.ptr;

		if (!connection)
			take_connection(server);
		else if (events[i].data.ptr == server)
			finish_rules(server);
		else if (connection->fd >= 0)
			serve(server, connection);
	}
}

uint32_t server_listeners(const struct server *server, uint32_t *pids, uint32_t max)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < CONNECTIONS_MAX && count < max; i++) {
		const struct connection *each = &server->connections[i];

		if (each->fd >= 0 && (each->subscriber || each->role == VEX_ROLE_CONTROL))
			pids[count++] = (uint32_t)each->who.pid;
	}
	return count;
}

void server_set_access(struct server *server, const struct access *access)
{
	server->access = *access;
	chmod(server->path, access->mode);
}

static int watch(struct server *server, int fd, void *who)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = who};

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int set_up(struct server *server)
{
	int error;

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0)
		return -errno;
	error = rules_thread_start(server->plane, &server->loader);
	if (!error)
		error = watch(server, rules_thread_fd(server->loader), server);
	return error ? error : watch(server, server->listener, NULL);
}

int server_open(struct plane *plane, const char *path, const struct access *access,
		struct server **out)
{
	struct server *server = calloc(1, sizeof(*server));
	char why[320];
	int error;

	if (!server)
		return -ENOMEM;
	server->plane = plane;
	server->access = *access;
	snprintf(server->path, sizeof(server->path), "%s", path);
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
		server->connections[i].fd = -1;
	error = server->listener = vex_listen(path, SOCK_SEQPACKET, access->mode, why, sizeof(why));
	if (error < 0) {
		vex_error("%s", why);
		free(server);
		return error;
	}
	error = set_up(server);
	if (error)
		server_close(server);
	else
		*out = server;
	return error;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	unlink(server->path);
	close(server->listener);
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
		if (server->connections[i].fd >= 0)
			hang_up(server, &server->connections[i]);
	rules_thread_stop(server->loader);
	close(server->epoll);
	free(server);
}
