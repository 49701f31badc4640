/* SPDX-License-Identifier: BSD-3-Clause */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "report.h"

#define PARAMS_MAX 2u
#define PARAM_NAME_MAX 32u
#define DISPLAY_TRIES 8u

enum needs {
	NEEDS_NOTHING,
	NEEDS_STATISTICS, /* whatever the load, for display */
	NEEDS_CONSISTENT, /* to be verified */
};

struct call {
	const char *method;
	json_t *(*report)(const struct control *control); /* NULL for orders */
	enum needs needs;
	uint16_t message_type;
	const char *params;
	const char *help;
};

#define VEX_CALL(method_, handler, NEEDS, words, help_) \
	{.method = method_, .report = report_##handler, .needs = NEEDS_##NEEDS, .params = "", \
			.help = help_},
#define VEX_ORDER(method_, handler, MESSAGE, params_, words, help_) \
	{.method = method_, .message_type = VEX_MESSAGE_##MESSAGE, \
			.params = params_, .help = help_},
static const struct call calls[] = {
#include "control.def"
};

/* An order that the data plane has to answer, and who gave it. */
struct order_context {
	const struct call *call;
	struct wire_call *wire;
	uint32_t values[PARAMS_MAX];
};

struct param {
	char name[PARAM_NAME_MAX];
	char type[PARAM_NAME_MAX];
};

/* Takes the next "name:type" off a declaration; NULL at its end. */
static const char *next_param(const char *params, struct param *param)
{
	int used = 0;

	if (sscanf(params, " %31[^: ]:%31[^ ]%n", param->name, param->type, &used) != 2)
		return NULL;
	return params + used;
}

static bool declared(const char *params, const char *key)
{
	struct param param;

	while ((params = next_param(params, &param)))
		if (!strcmp(param.name, key))
			return true;
	return false;
}

/* Reads what the declaration names into values, in its order; nothing else may stand there. */
static int read_params(const struct call *call, json_t *params, uint32_t *values,
		struct wire_failure *failure)
{
	const char *rest = call->params;
	struct param param;
	const char *key;
	json_t *value;
	unsigned i;

	json_object_foreach(params, key, value)
		if (!declared(call->params, key)) {
			wire_fail(failure, WIRE_PARAMS, "%s takes no '%.100s' (params: %s)",
					call->method, key, *call->params ? call->params : "none");
			return -EINVAL;
		}
	for (i = 0; i < PARAMS_MAX && (rest = next_param(rest, &param)); i++) {
		value = json_object_get(params, param.name);
		if (!json_is_integer(value) || json_integer_value(value) < 0 ||
				json_integer_value(value) > UINT32_MAX) {
			wire_fail(failure, WIRE_PARAMS, "%s needs '%s', an integer from 0 to %u",
					call->method, param.name, UINT32_MAX);
			return -EINVAL;
		}
		values[i] = (uint32_t)json_integer_value(value);
	}
	return 0;
}

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
static void audit(const struct wire_peer *peer, const struct call *call, const uint32_t *values,
		const struct wire_failure *failure)
{
	const char *rest = call->params;
	struct param param;
	char what[160] = "";
	size_t n = 0;
	unsigned i;

	for (i = 0; values && i < PARAMS_MAX && (rest = next_param(rest, &param)); i++)
		n += (size_t)snprintf(what + n, sizeof(what) - n, " %s=%u", param.name, values[i]);
	vex_info("audit: uid=%u gid=%u pid=%d call=%s%s result=%s%s", peer->cred.uid,
			peer->cred.gid, peer->cred.pid, call->method, what,
			failure ? "failed: " : "done", failure ? failure->text : "");
}

static void on_order_done(void *context, const struct wire_failure *failure)
{
	struct order_context *order = context;

	audit(wire_call_peer(order->wire), order->call, order->values, failure);
	if (failure)
		wire_reply_failure(order->wire, failure);
	else
		wire_reply(order->wire, json_pack("{s:b}", "done", 1));
	free(order);
}

static void give_order(struct control *control, const struct call *call, struct wire_call *wire,
		const uint32_t *values)
{
	struct order_context *order = calloc(1, sizeof(*order));
	struct wire_failure failure;

	if (!order) {
		wire_fail(&failure, WIRE_INTERNAL, "out of memory");
		wire_reply_failure(wire, &failure);
		return;
	}
	order->call = call;
	order->wire = wire;
	memcpy(order->values, values, sizeof(order->values));
	plane_order(control->plane, call->message_type, values[0], values[1], on_order_done, order);
}

static int check_operator(const struct call *call, const struct wire_peer *peer,
		struct wire_failure *failure)
{
	if (call->report || is_operator(peer))
		return 0;
	wire_fail(failure, WIRE_DENIED, "%s changes the data plane, which is for root and user %u; "
			"you are user %u", call->method, geteuid(), peer->cred.uid);
	audit(peer, call, NULL, failure);
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
	uint32_t values[PARAMS_MAX] = {0};
	struct wire_failure failure;

	if (!call)
		wire_fail(&failure, WIRE_NO_METHOD, "there is no method '%s'; rpc.list names all",
				method);
	if (!call || check_operator(call, wire_call_peer(wire), &failure) < 0 ||
			read_params(call, params, values, &failure) < 0 ||
			take_statistics(control, call->needs, &failure) < 0)
		wire_reply_failure(wire, &failure);
	else if (call->report)
		wire_reply(wire, call->report(control));
	else
		give_order(control, call, wire, values);
}

const struct wire_server_ops control_calls = {.admit = admit, .call = on_call};

static json_t *describe_params(const struct call *call)
{
	json_t *list = json_object();
	const char *rest = call->params;
	struct param param;

	while ((rest = next_param(rest, &param)))
		json_object_set_new(list, param.name, json_string(param.type));
	return list;
}

json_t *report_calls(const struct control *control)
{
	json_t *list = json_array();
	size_t i;

	(void)control;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s}", "method",
				calls[i].method, "params", describe_params(&calls[i]), "role",
				calls[i].report ? "reader" : "operator", "help", calls[i].help));
	return json_pack("{s:o}", "calls", list);
}
