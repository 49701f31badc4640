/* SPDX-License-Identifier: BSD-3-Clause */
#include "plane.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/message.h"

#define BACKOFF_MIN_MS 50u
#define BACKOFF_MAX_MS 1000u

/* Apart from the plane, since libuv lets go of a poll handle only later. */
struct link {
	uv_poll_t poll;
	struct plane *plane;
	int fd;
};

struct order {
	uint32_t request;
	uint64_t deadline_ms;
	plane_done done;
	void *context;
};

struct plane {
	uv_loop_t *loop;
	uv_timer_t timer; /* away: the next try; else: the answer that is due first */
	const char *socket;
	plane_found found;
	void *context;
	struct link *link; /* NULL while away */
	const struct vex_stat_segment *segment; /* NULL until WELCOME */
	const struct vex_rules_segment *counters; /* NULL until it was asked for */
	uint64_t backoff_ms;
	uint32_t last_request;
	unsigned first; /* of the orders under way; rules may be answered after later ones */
	unsigned count;
	struct order orders[PLANE_ORDERS_MAX];
	char why[WIRE_TEXT_MAX];
};

static void on_timer(uv_timer_t *timer);

static void on_link_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void link_close(struct link *link)
{
	if (!link)
		return;
	uv_close((uv_handle_t *)&link->poll, on_link_closed);
	close(link->fd);
}

static struct order *order_at(struct plane *plane, unsigned i)
{
	assert(i < plane->count);
	return &plane->orders[(plane->first + i) % PLANE_ORDERS_MAX];
}

/* Takes one out; those before it move up. */
static struct order order_take(struct plane *plane, unsigned i)
{
	struct order order = *order_at(plane, i);

	for (; i; i--)
		*order_at(plane, i) = *order_at(plane, i - 1);
	plane->first = (plane->first + 1) % PLANE_ORDERS_MAX;
	plane->count--;
	return order;
}

/* Only what is under way now: who is told of a failure may order anew. */
static void fail_orders(struct plane *plane)
{
	unsigned count = plane->count;
	struct wire_failure failure;
	struct order order;

	wire_fail(&failure, WIRE_AWAY, "the data plane went away before it answered (socket %s)",
			plane->socket);
	while (count--) {
		order = order_take(plane, 0);
		order.done(order.context, NULL, &failure);
	}
}

static void set_why(struct plane *plane, const char *detail)
{
	snprintf(plane->why, sizeof(plane->why), "data plane not running (socket %s): %.300s",
			plane->socket, detail);
}

/* Logged once for each new reason, not at each try. */
static void plane_away(struct plane *plane, const char *detail)
{
	char before[sizeof(plane->why)];

	memcpy(before, plane->why, sizeof(before));
	set_why(plane, detail);
	if (strcmp(before, plane->why))
		vex_warn("%s; looking for it", plane->why);
	link_close(plane->link);
	plane->link = NULL;
	vex_stat_unmap(plane->segment);
	plane->segment = NULL;
	vex_rules_unmap(plane->counters);
	plane->counters = NULL;
	uv_timer_start(&plane->timer, on_timer, plane->backoff_ms, 0);
	plane->backoff_ms = plane->backoff_ms * 2 < BACKOFF_MAX_MS ? plane->backoff_ms * 2
								   : BACKOFF_MAX_MS;
	fail_orders(plane);
}

static void plane_away_error(struct plane *plane, int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		plane_away(plane, "nobody listens there");
		break;
	case -ECONNRESET:
	case -EPIPE:
		plane_away(plane, "it closed the connection");
		break;
	case -EPROTO:
		plane_away(plane, "what answers is no data plane of this version");
		break;
	default:
		plane_away(plane, strerror(-error));
	}
}

static void watch_deadline(struct plane *plane)
{
	uint64_t deadline = UINT64_MAX;
	uint64_t now = uv_now(plane->loop);
	unsigned i;

	if (!plane->count) {
		uv_timer_stop(&plane->timer);
		return;
	}
	for (i = 0; i < plane->count; i++)
		if (order_at(plane, i)->deadline_ms < deadline)
			deadline = order_at(plane, i)->deadline_ms;
	uv_timer_start(&plane->timer, on_timer, deadline > now ? deadline - now : 0, 0);
}

/* Their segment came along and is mapped; without them rules are shown without counts. */
static void on_counters(void *context, const struct vex_message *answer,
		const struct wire_failure *failure)
{
	(void)context;
	(void)answer;
	if (failure && failure->code != WIRE_AWAY)
		vex_warn("rules are not counted: %s", failure->text);
}

static void on_welcome(struct plane *plane, struct vex_message *message, int fd)
{
	char refusal[VEX_REASON_MAX + 40];

	if (message->type == VEX_MESSAGE_REFUSED) {
		snprintf(refusal, sizeof(refusal), "it refused us: %.*s", (int)VEX_REASON_MAX,
				message->reason);
		plane_away(plane, refusal);
		return;
	}
	if (message->type == VEX_MESSAGE_WELCOME && fd >= 0)
		plane->segment = vex_stat_map(fd);
	if (!plane->segment) {
		plane_away_error(plane, -EPROTO);
		return;
	}
	plane->backoff_ms = BACKOFF_MIN_MS;
	plane->why[0] = '\0';
	watch_deadline(plane);
	vex_info("data plane found: pid %u, workers %u (socket %s)", plane->segment->pid,
			plane->segment->worker_count, plane->socket);
	plane_order(plane, VEX_MESSAGE_RULE_COUNTERS, 0, 0, on_counters, plane);
	if (plane->segment)
		plane->found(plane->context);
}

static bool find_order(struct plane *plane, uint32_t request, unsigned *i)
{
	for (*i = 0; *i < plane->count; (*i)++)
		if (order_at(plane, *i)->request == request)
			return true;
	return false;
}

static void on_answer(struct plane *plane, const struct vex_message *message, int fd)
{
	struct wire_failure failure;
	struct order order;
	unsigned i;

	if (!find_order(plane, message->request, &i) || (message->type != VEX_MESSAGE_DONE &&
			message->type != VEX_MESSAGE_REFUSED)) {
		plane_away_error(plane, -EPROTO);
		return;
	}
	order = order_take(plane, i);
	watch_deadline(plane);
	if (fd >= 0 && !plane->counters)
		plane->counters = vex_rules_map(fd);
	if (message->type == VEX_MESSAGE_DONE) {
		order.done(order.context, message, NULL);
		return;
	}
	wire_fail(&failure, message->error == -EBUSY ? WIRE_BUSY : WIRE_REFUSED,
			"the data plane refused: %.*s", (int)VEX_REASON_MAX, message->reason);
	order.done(order.context, message, &failure);
}

static void on_message(struct plane *plane, struct vex_message *message, int fd)
{
	if (!plane->segment)
		on_welcome(plane, message, fd);
	else
		on_answer(plane, message, fd);
	if (fd >= 0)
		close(fd);
}

/* Reads what is there; a message may end the link. The data plane can't keep us here. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct link *link = poll->data;
	struct plane *plane = link->plane;
	struct vex_message message;
	int error = status;
	unsigned i;
	int fd;

	(void)events;
	for (i = 0; i < PLANE_ORDERS_MAX && plane->link == link && !error; i++) {
		error = vex_message_receive(link->fd, &message, &fd);
		if (!error)
			on_message(plane, &message, fd);
	}
	if (plane->link == link && error && error != -EAGAIN)
		plane_away_error(plane, error);
}

static int link_open(struct plane *plane)
{
	struct vex_message hello = {.type = VEX_MESSAGE_HELLO};
	int fd = vex_message_connect(plane->socket);
	struct link *link;
	int error;

	if (fd < 0)
		return fd;
	hello.request = ++plane->last_request;
	hello.hello.role = VEX_ROLE_CONTROL;
	strcpy(hello.hello.name, "vex-control");
	error = vex_message_send(fd, &hello, -1);
	link = error ? NULL : calloc(1, sizeof(*link));
	if (!link || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		free(link);
		close(fd);
		return error ? error : -errno;
	}
	link->fd = fd;
	link->plane = plane;
	link->poll.data = link;
	plane->link = link;
	uv_poll_init(plane->loop, &link->poll, fd);
	return uv_poll_start(&link->poll, UV_READABLE | UV_DISCONNECT, on_readable);
}

static void plane_try(struct plane *plane)
{
	int error = link_open(plane);

	if (error)
		plane_away_error(plane, error);
	else
		uv_timer_start(&plane->timer, on_timer, PLANE_ANSWER_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct plane *plane = timer->data;

	if (!plane->link)
		plane_try(plane);
	else
		plane_away(plane, "it does not answer");
}

int plane_start(uv_loop_t *loop, const char *socket, plane_found found, void *context,
		struct plane **result)
{
	struct plane *plane = calloc(1, sizeof(*plane));

	*result = plane;
	if (!plane)
		return -ENOMEM;
	plane->loop = loop;
	plane->socket = socket;
	plane->found = found;
	plane->context = context;
	plane->backoff_ms = BACKOFF_MIN_MS;
	uv_timer_init(loop, &plane->timer);
	plane->timer.data = plane;
	plane_try(plane);
	return 0;
}

static void on_plane_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void plane_stop(struct plane *plane)
{
	if (!plane)
		return;
	link_close(plane->link);
	vex_stat_unmap(plane->segment);
	plane->segment = NULL;
	vex_rules_unmap(plane->counters);
	plane->counters = NULL;
	fail_orders(plane);
	uv_close((uv_handle_t *)&plane->timer, on_plane_closed);
}

const struct vex_stat_segment *plane_segment(const struct plane *plane)
{
	return plane->segment;
}

const struct vex_rules_segment *plane_rule_counters(const struct plane *plane)
{
	return plane->counters;
}

bool plane_ruleset(const struct plane *plane, struct vex_ruleset_stat *ruleset)
{
	const struct vex_stat_segment *segment = plane->segment;

	memset(ruleset, 0, sizeof(*ruleset));
	if (segment)
		vex_stat_copy_part(segment, &segment->ruleset, ruleset, sizeof(*ruleset));
	ruleset->name[sizeof(ruleset->name) - 1] = '\0';
	return segment != NULL;
}

const char *plane_why(const struct plane *plane)
{
	return plane->why;
}

/* Takes the order down and sends its message. */
static void give(struct plane *plane, struct vex_message *message, int fd, uint64_t answer_ms,
		plane_done done, void *context)
{
	struct wire_failure failure;
	struct order *order;
	int error;

	if (!plane->segment || plane->count == PLANE_ORDERS_MAX) {
		wire_fail(&failure, plane->segment ? WIRE_BUSY : WIRE_AWAY, "%s",
				plane->segment ? "too many orders are under way" : plane->why);
		done(context, NULL, &failure);
		return;
	}
	order = order_at(plane, plane->count++);
	order->request = message->request = ++plane->last_request;
	order->deadline_ms = uv_now(plane->loop) + answer_ms;
	order->done = done;
	order->context = context;
	error = vex_message_send(plane->link->fd, message, fd);
	if (error)
		plane_away_error(plane, error);
	else
		watch_deadline(plane);
}

void plane_order(struct plane *plane, uint16_t message_type, uint32_t target, uint32_t worker,
		plane_done done, void *context)
{
	struct vex_message message = {.type = message_type};

	message.target.id = target;
	message.target.worker = worker;
	give(plane, &message, -1, PLANE_ANSWER_MS, done, context);
}

void plane_order_with(struct plane *plane, uint16_t message_type, int fd, plane_done done,
		void *context)
{
	struct vex_message message = {.type = message_type};

	give(plane, &message, fd, PLANE_ANSWER_MS, done, context);
}

void plane_load_rules(struct plane *plane, const struct plane_rules *rules, plane_done done,
		void *context)
{
	struct vex_message message = {.type = VEX_MESSAGE_RULES};

	message.rules.size = rules->size;
	message.rules.generation = rules->generation;
	memcpy(message.rules.name, rules->name, sizeof(message.rules.name));
	give(plane, &message, rules->fd, PLANE_RULES_MS + PLANE_RULES_MIB_MS * (rules->size >> 20),
			done, context);
}
