/* SPDX-License-Identifier: BSD-3-Clause */
#include "plane.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/message.h"
#include "plane_work.h"

#define BACKOFF_MIN_MS 50u
#define BACKOFF_MAX_MS 1000u

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
	plane_fail_orders(plane);
}

void plane_away_error(struct plane *plane, int error)
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

void plane_watch_deadline(struct plane *plane)
{
	uint64_t deadline = plane_orders_due(plane);
	uint64_t now = uv_now(plane->loop);

	if (!plane->count)
		uv_timer_stop(&plane->timer);
	else
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
	plane_watch_deadline(plane);
	vex_info("data plane found: pid %u, workers %u (socket %s)", plane->segment->pid,
			plane->segment->worker_count, plane->socket);
	plane_order(plane, VEX_MESSAGE_RULE_COUNTERS, 0, 0, on_counters, plane);
	if (plane->segment)
		plane->found(plane->context);
}

static void on_message(struct plane *plane, struct vex_message *message, int fd)
{
	if (!plane->segment)
		on_welcome(plane, message, fd);
	else
		plane_answered(plane, message, fd);
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
	plane_fail_orders(plane);
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
