/* SPDX-License-Identifier: BSD-3-Clause */
#include "call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "params.h"
#include "report.h"

#define VALUES_MAX 2u
#define DISPLAY_TRIES 8u

enum needs {
	NEEDS_NOTHING,
	NEEDS_STATISTICS, /* whatever the load, for display */
	NEEDS_CONSISTENT, /* to be verified */
};

enum role { ROLE_READER, ROLE_OPERATOR };

/* One of report, begin and message_type is there. */
struct call {
	const char *method;
	json_t *(*report)(const struct control *control);
	void (*begin)(struct control *control, struct task *task);
	uint16_t message_type;
	enum needs needs;
	enum role role;
	const char *params;
	const char *help;
};

#define VEX_CALL(method_, handler, NEEDS, words, help_) \
	{.method = method_, .report = report_##handler, .needs = NEEDS_##NEEDS, .params = "", \
			.help = help_},
#define VEX_ORDER(method_, handler, MESSAGE, params_, words, help_) \
	{.method = method_, .message_type = VEX_MESSAGE_##MESSAGE, .role = ROLE_OPERATOR, \
			.params = params_, .help = help_},
#define VEX_TASK(method_, handler, ROLE, params_, words, arguments, help_) \
	{.method = method_, .begin = task_##handler, .role = ROLE_##ROLE, .params = params_, \
			.help = help_},
static const struct call calls[] = {
#include "control.def"
};

/* An order that the data plane has to answer, and who gave it. */
struct order_context {
	const struct call *call;
	struct wire_call *wire;
	char detail[sizeof(((struct task *)NULL)->detail)];
};

static const struct call *find_call(const char *method)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].method, method))
			return &calls[i];
	return NULL;
}

static bool is_operator(const struct wire_peer *peer)
{
	return peer->cred.uid == 0 || peer->cred.uid == geteuid();
}

static bool allows(const struct conf_ids *allowed, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < allowed->count; i++)
		if (allowed->ids[i] == id)
			return true;
	return false;
}

static bool is_reader(const struct config *config, const struct wire_peer *peer)
{
	unsigned i;

	if (is_operator(peer) || allows(&config->users, peer->cred.uid) ||
			allows(&config->groups, peer->cred.gid))
		return true;
	for (i = 0; i < peer->group_count; i++)
		if (allows(&config->groups, peer->groups[i]))
			return true;
	return false;
}

static bool admit(void *context, const struct wire_peer *peer, struct wire_failure *failure)
{
	const struct control *control = context;

	if (is_reader(&control->config, peer))
		return true;
	wire_fail(failure, WIRE_DENIED, "user %u may not use vex-control: only root, user %u, and "
			"those that its configuration allows", peer->cred.uid, geteuid());
	return false;
}

/* One line for each call that changes something, or would have. */
static void audit(const struct wire_peer *peer, const struct call *call, const char *detail,
		const struct wire_failure *failure)
{
	vex_info("audit: uid=%u gid=%u pid=%d call=%s%s result=%s%s", peer->cred.uid,
			peer->cred.gid, peer->cred.pid, call->method, detail,
			failure ? "failed: " : "done", failure ? failure->text : "");
}

static void on_order_done(void *context, const struct vex_message *answer,
		const struct wire_failure *failure)
{
	struct order_context *order = context;

	(void)answer;
	audit(wire_call_peer(order->wire), order->call, order->detail, failure);
	if (failure)
		wire_reply_failure(order->wire, failure);
	else
		wire_reply(order->wire, json_pack("{s:b}", "done", 1));
	free(order);
}

static void reply_no_memory(struct wire_call *wire)
{
	struct wire_failure failure;

	wire_fail(&failure, WIRE_INTERNAL, "out of memory");
	wire_reply_failure(wire, &failure);
}

/* The values stand in the message in the order in which the params are declared. */
static void read_values(struct order_context *order, const json_t *params, uint32_t *values)
{
	const char *rest = order->call->params;
	struct param param;
	size_t n = 0;
	unsigned i;

	for (i = 0; i < VALUES_MAX && (rest = param_next(rest, &param)); i++) {
		values[i] = param_integer(params, param.name, 0);
		n += (size_t)snprintf(order->detail + n, sizeof(order->detail) - n, " %s=%u",
				param.name, values[i]);
	}
}

static void give_order(struct control *control, const struct call *call, struct wire_call *wire,
		const json_t *params)
{
	struct order_context *order = calloc(1, sizeof(*order));
	uint32_t values[VALUES_MAX] = {0};

	if (!order) {
		reply_no_memory(wire);
		return;
	}
	order->call = call;
	order->wire = wire;
	read_values(order, params, values);
	plane_order(control->plane, call->message_type, values[0], values[1], on_order_done, order);
}

static void begin_task(struct control *control, const struct call *call, struct wire_call *wire,
		const json_t *params)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task) {
		reply_no_memory(wire);
		return;
	}
	task->call = call;
	task->wire = wire;
	task->params = params;
	call->begin(control, task);
}

void task_done(struct task *task, json_t *result)
{
	if (task->call->role == ROLE_OPERATOR)
		audit(wire_call_peer(task->wire), task->call, task->detail, NULL);
	wire_reply(task->wire, result);
	free(task);
}

void task_fail(struct task *task, int code, const char *format, ...)
{
	struct wire_failure failure = {.code = code};
	va_list args;

	va_start(args, format);
	vsnprintf(failure.text, sizeof(failure.text), format, args);
	va_end(args);
	if (task->call->role == ROLE_OPERATOR)
		audit(wire_call_peer(task->wire), task->call, task->detail, &failure);
	wire_reply_failure(task->wire, &failure);
	free(task);
}

static int check_operator(const struct call *call, const struct wire_peer *peer,
		struct wire_failure *failure)
{
	if (call->role == ROLE_READER || is_operator(peer))
		return 0;
	wire_fail(failure, WIRE_DENIED, "%s changes the data plane, which is for root and user %u; "
			"you are user %u", call->method, geteuid(), peer->cred.uid);
	audit(peer, call, "", failure);
	return -EPERM;
}

/*
 * Good enough to be shown: counters are whole, and no slot came or went meanwhile, if that can
 * be had at once. Unlike a consistent copy it is there under any load.
 */
static void copy_for_display(const struct vex_stat_segment *segment, struct vex_stat_segment *copy)
{
	uint64_t before;
	unsigned i;

	for (i = 0; i < DISPLAY_TRIES; i++) {
		before = VEX_LOAD_ACQUIRE(&segment->generation); /* released by vex_stat_end() */
		memcpy(copy, segment, sizeof(*copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & 1) && VEX_LOAD_RELAXED(&segment->generation) == before)
			return;
	}
}

static int take_statistics(struct control *control, enum needs needs, struct wire_failure *failure)
{
	const struct vex_stat_segment *segment = plane_segment(control->plane);

	if (needs == NEEDS_NOTHING)
		return 0;
	if (!segment) {
		wire_fail(failure, WIRE_AWAY, "%s", plane_why(control->plane));
		return -ENOTCONN;
	}
	if (needs == NEEDS_STATISTICS) {
		copy_for_display(segment, control->copy);
	} else if (!vex_stat_copy(segment, control->copy)) {
		wire_fail(failure, WIRE_BUSY, "no consistent copy of the statistics could be had: "
				"the data plane changes them too fast, or stopped within a change; "
				"try again");
		return -EAGAIN;
	}
	return 0;
}

static void on_call(void *context, struct wire_call *wire, const char *method, json_t *params)
{
	struct control *control = context;
	const struct call *call = find_call(method);
	struct wire_failure failure;

	if (!call)
		wire_fail(&failure, WIRE_NO_METHOD, "there is no method '%s'; rpc.list names all",
				method);
	if (!call || check_operator(call, wire_call_peer(wire), &failure) < 0 ||
			!params_check(call->params, params, call->method, &failure) ||
			take_statistics(control, call->needs, &failure) < 0)
		wire_reply_failure(wire, &failure);
	else if (call->report)
		wire_reply(wire, call->report(control));
	else if (call->begin)
		begin_task(control, call, wire, params);
	else
		give_order(control, call, wire, params);
}

/* Asked before they come: who may not make the call is not to fill our memory. */
static bool on_accept(void *context, const struct wire_peer *peer, const char *method,
		size_t bytes, struct wire_failure *failure)
{
	const struct call *call = find_call(method);

	(void)context;
	(void)bytes;
	if (!call || !params_take_bytes(call->params)) {
		wire_fail(failure, WIRE_PARAMS, "no bytes may follow %s", method);
		return false;
	}
	return check_operator(call, peer, failure) == 0;
}

const struct wire_server_ops control_calls = {
	.admit = admit,
	.call = on_call,
	.accept = on_accept,
};

json_t *report_calls(const struct control *control)
{
	json_t *list = json_array();
	size_t i;

	(void)control;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s}", "method",
				calls[i].method, "params", params_describe(calls[i].params), "role",
				calls[i].role == ROLE_READER ? "reader" : "operator", "help",
				calls[i].help));
	return json_pack("{s:o}", "calls", list);
}
