/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plane-tool: a control session with a data plane, for tests that run without vex-control.
 *
 *   plane-tool SOCKET verify [SECONDS]   waits until all is quiet and conservation holds
 *   plane-tool SOCKET check              one consistent copy, busy or not, must hold
 *   plane-tool SOCKET stats              prints the statistics as one line of JSON
 *   plane-tool SOCKET rules IMAGE GENERATION | unload | rule-counts
 *   plane-tool SOCKET reload SECONDS A_SECOND GENERATION IMAGE...
 *   plane-tool compile TEXT IMAGE        compiles rules; needs no data plane
 *   plane-tool SOCKET move PORT WORKER | detach-port PORT | detach-subscriber SUBSCRIBER
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/message.h"
#include "stat/stat.h"
#include "support/plane_rules.h"

#define PAUSE_US 20000
#define VERIFY_SECONDS 20
#define COPY_TRIES 40

static struct vex_stat_segment copy;

static int say(int socket, struct vex_message *message, uint16_t expected, int *fd)
{
	int error = vex_message_ask(socket, message, -1, expected, fd);

	if (error)
		fprintf(stderr, "plane-tool: %s\n", message->type == VEX_MESSAGE_REFUSED
						? message->reason : strerror(-error));
	return error;
}

static const struct vex_stat_segment *open_session(int socket)
{
	struct vex_message hello = {.type = VEX_MESSAGE_HELLO, .hello.role = VEX_ROLE_CONTROL};
	const struct vex_stat_segment *segment = NULL;
	int fd = -1;

	if (say(socket, &hello, VEX_MESSAGE_WELCOME, &fd))
		return NULL;
	segment = vex_stat_map(fd);
	close(fd);
	return segment;
}

static void print_failures(const struct vex_verify_row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!rows[i].ok)
			printf("%s: received %" PRIu64 " delivered %" PRIu64 " dropped %" PRIu64
			       " held %" PRIu64 ": %s\n", rows[i].what, rows[i].received,
					rows[i].delivered, rows[i].dropped, rows[i].held,
					rows[i].why);
}

/* Writers that share a core may be caught in the middle of a change for long: then again. */
static bool take_copy(const struct vex_stat_segment *segment)
{
	for (int i = 0; i < COPY_TRIES; i++)
		if (vex_stat_copy(segment, &copy))
			return true;
	return false;
}

/* Whether a copy could be had and holds; the last row, "all", is left in *all. */
static bool holds(const struct vex_stat_segment *segment, struct vex_verify_row *all, bool print)
{
	struct vex_verify_row rows[VEX_VERIFY_ROWS_MAX];
	unsigned count;
	bool ok;

	memset(all, 0, sizeof(*all));
	if (!take_copy(segment)) {
		if (print)
			printf("no consistent copy was to be had\n");
		return false;
	}
	count = vex_verify(&copy, rows, VEX_VERIFY_ROWS_MAX, &ok);
	if (print)
		print_failures(rows, count);
	*all = rows[count - 1];
	return ok;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int verify(const struct vex_stat_segment *segment, double seconds)
{
	double end = now_s() + seconds;
	struct vex_verify_row all;
	uint64_t before = UINT64_MAX;

	while (now_s() < end) {
		if (holds(segment, &all, false) && !all.held && all.received == before)
			return 0;
		before = all.received;
		usleep(PAUSE_US);
	}
	holds(segment, &all, true);
	printf("not quiet, or not conserved: %" PRIu64 " received, %" PRIu64 " held\n",
			all.received, all.held);
	return 1;
}

static json_t *whole(uint64_t number)
{
	return json_integer((json_int_t)number);
}

static json_t *named(const uint64_t *counters, unsigned count, const char *(*name)(unsigned))
{
	json_t *object = json_object();

	for (unsigned i = 0; i < count; i++)
		json_object_set_new(object, name(i), whole(counters[i]));
	return object;
}

static json_t *port_json(const struct vex_port_stat *port)
{
	json_t *object = json_object();

#define VEX_PORT_COUNTER(name, description) json_object_set_new(object, #name, whole(port->name));
#include "stat/stat.def"
	json_object_set_new(object, "drop", named(port->drop, VEX_DROP_LIMIT, vex_drop_name));
	json_object_set_new(object, "reject",
			named(port->reject, VEX_REJECT_LIMIT, vex_reject_name));
	return object;
}

static json_t *ports_json(void)
{
	json_t *ports = json_array();

	for (unsigned i = 0; i < VEX_PORTS_MAX; i++) {
		const struct vex_port_stat *port = &copy.port[i];
		json_t *object;

		if (port->state == VEX_SLOT_FREE)
			continue;
		object = port_json(port);
		json_object_update_new(object, json_pack("{s:i,s:s,s:b,s:i,s:i,s:i}", "id", (int)i,
				"name", port->name, "draining", port->state == VEX_SLOT_DRAINING,
				"worker", (int)port->worker, "lane_count", (int)port->lane_count,
				"pid", (int)port->pid));
		json_array_append_new(ports, object);
	}
	return ports;
}

static json_t *target_json(const struct vex_target_stat *targets, unsigned count)
{
	struct vex_target_stat sum = {0};
	json_t *object = json_object();

	for (unsigned i = 0; i < count; i++) {
#define VEX_TARGET_COUNTER(name, description) sum.name += targets[i].name;
#include "stat/stat.def"
	}
#define VEX_TARGET_COUNTER(name, description) json_object_set_new(object, #name, whole(sum.name));
#include "stat/stat.def"
	return object;
}

static json_t *subscribers_json(void)
{
	json_t *subscribers = json_array();

	for (unsigned i = 0; i < VEX_SUBSCRIBERS_MAX; i++) {
		const struct vex_subscriber_stat *sub = &copy.subscriber[i];
		json_t *object;

		if (sub->state == VEX_SLOT_FREE)
			continue;
		object = target_json(sub->worker, VEX_WORKERS_MAX);
		json_object_update_new(object, json_pack("{s:i,s:s,s:i}", "id", (int)i, "name",
				sub->name, "pid", (int)sub->pid));
		json_array_append_new(subscribers, object);
	}
	return subscribers;
}

static json_t *classes_json(const struct vex_worker_stat *worker)
{
	json_t *classes = json_array();

	for (unsigned i = 0; i < VEX_CLASS_COUNT; i++) {
		const struct vex_class_stat *class = &worker->class[i];
		json_t *object = json_object();

#define VEX_CLASS_COUNTER(name, description) json_object_set_new(object, #name, whole(class->name));
#include "stat/stat.def"
		json_array_append_new(classes, object);
	}
	return classes;
}

static json_t *workers_json(void)
{
	json_t *workers = json_array();

	for (unsigned i = 0; i < copy.worker_count; i++) {
		const struct vex_worker_stat *worker = &copy.worker[i];
		json_t *object = json_object();

#define VEX_WORKER_COUNTER(name, description) \
	json_object_set_new(object, #name, whole(worker->name));
#include "stat/stat.def"
		json_object_set_new(object, "port_count", whole(worker->port_count));
		json_object_set_new(object, "sleeping", json_boolean(worker->sleeping));
		json_object_set_new(object, "classes", classes_json(worker));
		json_array_append_new(workers, object);
	}
	return workers;
}

static json_t *retired_json(void)
{
	const struct vex_retired_stat *retired = &copy.retired;
	json_t *object = json_pack("{s:o,s:o}", "port", port_json(&retired->port), "target",
			target_json(&retired->target, 1));

	json_object_set_new(object, "ports", whole(retired->ports));
	json_object_set_new(object, "lanes", whole(retired->lanes));
	json_object_set_new(object, "subscribers", whole(retired->subscribers));
	json_object_set_new(object, "untrusted", whole(retired->untrusted));
	json_object_set_new(object, "refused", whole(retired->refused));
	json_object_set_new(object, "abandoned", whole(retired->abandoned));
	return object;
}

static int stats(const struct vex_stat_segment *segment)
{
	unsigned lanes = 0;
	json_t *all;

	if (!take_copy(segment))
		return 1;
	for (unsigned i = 0; i < VEX_LANES_MAX; i++)
		lanes += copy.lane[i].state != VEX_SLOT_FREE;
	all = json_pack("{s:i,s:i,s:o,s:o,s:o,s:o}", "pid", (int)copy.pid, "lanes", (int)lanes,
			"workers", workers_json(), "ports", ports_json(), "subscribers",
			subscribers_json(), "retired", retired_json());
	json_dumpf(all, stdout, JSON_COMPACT);
	json_decref(all);
	putchar('\n');
	return 0;
}

static int order(int socket, uint16_t type, char **numbers)
{
	struct vex_message message = {.type = type};

	message.target.id = (uint32_t)atoi(numbers[0]);
	message.target.worker = numbers[1] ? (uint32_t)atoi(numbers[1]) : 0;
	return say(socket, &message, VEX_MESSAGE_DONE, NULL) ? 1 : 0;
}

static int check(const struct vex_stat_segment *segment)
{
	struct vex_verify_row all;

	return holds(segment, &all, true) ? 0 : 1;
}

static int run(int socket, const char *what, char **more)
{
	const struct vex_stat_segment *segment = open_session(socket);

	if (!segment)
		return 1;
	if (!strcmp(what, "verify"))
		return verify(segment, more[0] ? atof(more[0]) : VERIFY_SECONDS);
	if (!strcmp(what, "check"))
		return check(segment);
	if (!strcmp(what, "stats"))
		return stats(segment);
	if (!strcmp(what, "move") && more[0] && more[1])
		return order(socket, VEX_MESSAGE_PORT_MOVE, more);
	if (!strcmp(what, "detach-port") && more[0])
		return order(socket, VEX_MESSAGE_PORT_DETACH, more);
	if (!strcmp(what, "detach-subscriber") && more[0])
		return order(socket, VEX_MESSAGE_SUBSCRIBER_DETACH, more);
	if (!strcmp(what, "rules") && more[0] && more[1])
		return plane_rules_pass(socket, more);
	if (!strcmp(what, "unload"))
		return plane_rules_unload(socket);
	if (!strcmp(what, "rule-counts"))
		return plane_rules_count(socket);
	if (!strcmp(what, "reload") && more[0] && more[1] && more[2])
		return plane_rules_reload(socket, more);
	fprintf(stderr, "plane-tool: no such command: %s\n", what);
	return 2;
}

int main(int argc, char **argv)
{
	int socket;

	if (argc < 3) {
		fprintf(stderr, "usage: plane-tool SOCKET verify|check|stats|move|detach-...\n");
		return 2;
	}
	if (argc == 4 && !strcmp(argv[1], "compile"))
		return plane_rules_compile(argv + 2);
	socket = vex_message_connect(argv[1]);
	if (socket < 0) {
		fprintf(stderr, "plane-tool: %s: %s\n", argv[1], strerror(-socket));
		return 1;
	}
	return run(socket, argv[2], argv + 3);
}
