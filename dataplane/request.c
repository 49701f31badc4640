/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/server_work.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/kernel.h"
#include "dataplane/port.h"
#include "dataplane/rules_thread.h"
#include "dataplane/subscriber.h"

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
	if (!access_trusts(exchange->from->who.uid))
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
			server_hang_up(server, each);
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

int request_handle(struct server *server, struct exchange *exchange)
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
