/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders to the data plane, from the moment they are given until they are answered or fail. */
#include "plane_work.h"

#include <assert.h>
#include <string.h>

#include "base/message.h"

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
void plane_fail_orders(struct plane *plane)
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

uint64_t plane_orders_due(struct plane *plane)
{
	uint64_t due = UINT64_MAX;
	unsigned i;

	for (i = 0; i < plane->count; i++)
		if (order_at(plane, i)->deadline_ms < due)
			due = order_at(plane, i)->deadline_ms;
	return due;
}

static bool find_order(struct plane *plane, uint32_t request, unsigned *i)
{
	for (*i = 0; *i < plane->count; (*i)++)
		if (order_at(plane, *i)->request == request)
			return true;
	return false;
}

void plane_answered(struct plane *plane, const struct vex_message *message, int fd)
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
	plane_watch_deadline(plane);
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
		plane_watch_deadline(plane);
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
