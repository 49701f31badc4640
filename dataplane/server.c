/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/listen.h"
#include "base/log.h"
#include "base/message.h"
#include "dataplane/port.h"
#include "dataplane/rules_thread.h"
#include "dataplane/server_work.h"
#include "dataplane/rules.h"
#include "dataplane/subscriber.h"

#define EVENTS_A_POLL 32

void server_hang_up(struct server *server, struct connection *connection)
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

static void make_refusal(struct server *server, struct exchange *exchange, int error)
{
	struct vex_message *message = &exchange->message;

	memset(message->bytes, 0, sizeof(message->bytes));
	message->type = VEX_MESSAGE_REFUSED;
	message->error = error;
	memcpy(message->reason, exchange->reason, sizeof(message->reason));
	server->plane->stat->retired.refused++;
	if (vex_log_may(&server->refusals))
		vex_warn("pid %d (uid %u) was refused: %s", exchange->from->who.pid,
				exchange->from->who.uid, exchange->reason);
}

static void answer(struct server *server, struct exchange *exchange, int error)
{
	struct connection *to = exchange->from;

	if (error)
		make_refusal(server, exchange, error);
	if (to->fd >= 0 && vex_message_send(to->fd, &exchange->message, exchange->pass))
		server_hang_up(server, to);
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
		server_hang_up(server, connection);
		return;
	}
	error = request_handle(server, &exchange);
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

	snprintf(exchange.reason, sizeof(exchange.reason), "%s", why);
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

/* Why there is no place for this user, or NULL. */
static const char *no_place(const struct server *server, uint32_t uid)
{
	uint32_t strangers = 0, same = 0;

	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		const struct connection *each = &server->connections[i];

		strangers += each->fd >= 0 && !access_trusts(each->who.uid);
		same += each->fd >= 0 && each->who.uid == uid;
	}
	if (access_trusts(uid))
		return NULL;
	if (same >= CONNECTIONS_OF_USER)
		return "too many connections of this user";
	return strangers >= CONNECTIONS_MAX - CONNECTIONS_KEPT ? "too many connections" : NULL;
}

/* Who only takes up a place is to leave it to others. */
static void hang_up_silent(struct server *server)
{
	uint64_t now = vex_clock_steady();

	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *each = &server->connections[i];

		if (each->fd >= 0 && each->role == VEX_ROLE_NONE &&
				now - each->since_ns > HELLO_WAIT_NS)
			server_hang_up(server, each);
	}
}

static void take_connection(struct server *server)
{
	struct connection *connection = free_connection(server);
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection};
	struct ucred who = {0};
	socklen_t len = sizeof(who);
	const char *why;

	if (fd < 0)
		return;
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
	if (!access_allows(&server->access, &who)) {
		turn_away(server, fd, &who, -EACCES, "this user may not attach: see allow in the configuration");
		return;
	}
	why = connection ? no_place(server, who.uid) : "too many connections";
	if (why) {
		turn_away(server, fd, &who, -ENOSPC, why);
		return;
	}
	*connection = (struct connection){.fd = fd, .who = who, .since_ns = vex_clock_steady()};
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
	hang_up_silent(server);
	vex_log_settle(&server->refusals);
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
	server->refusals.what = "refusals";
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

static bool is_gone(const struct connection *connection)
{
	struct pollfd look = {.fd = connection->fd, .events = POLLRDHUP};

	return poll(&look, 1, 0) > 0 && look.revents & (POLLRDHUP | POLLHUP);
}

static void hang_up(struct server *server, bool all)
{
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];

		if (connection->fd >= 0 && (all || is_gone(connection)))
			server_hang_up(server, connection);
	}
}

void server_close(struct server *server)
{
	if (!server)
		return;
	unlink(server->path);
	close(server->listener);
	rules_thread_stop(server->loader);
	if (server->plane->driven) { /* workers have stopped: main does what is left */
		hang_up(server, false); /* what they left unread goes to others of their groups */
		rules_end(server->plane);
	}
	hang_up(server, true);
	close(server->epoll);
	free(server);
}
