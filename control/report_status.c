/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* The main core beats each second. */
#define STALLED_NS 5000000000ull

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t since(uint64_t then)
{
	uint64_t now = now_ns();

	return now > then ? now - then : 0;
}

static void add_port(const struct vex_port_stat *port, uint64_t *received, uint64_t *delivered,
		uint64_t *dropped, uint64_t *rejected, uint64_t *lost)
{
	*received += port->received;
	*delivered += port->delivered;
	*dropped += report_sum(port->drop, VEX_DROP_LIMIT);
	*rejected += report_sum(port->reject, VEX_REJECT_LIMIT);
	*lost += port->lost;
}

static void report_counts(const struct vex_stat_segment *segment, json_t *o)
{
	uint64_t received = 0, delivered = 0, dropped = 0, rejected = 0, lost = 0;
	unsigned subscribers = 0;
	unsigned lanes = 0;
	unsigned ports = 0;
	unsigned i;

	for (i = 0; i < VEX_PORTS_MAX; i++) {
		if (segment->port[i].state == VEX_SLOT_FREE)
			continue;
		ports++;
		add_port(&segment->port[i], &received, &delivered, &dropped, &rejected, &lost);
	}
	add_port(&segment->retired.port, &received, &delivered, &dropped, &rejected, &lost);
	for (i = 0; i < VEX_LANES_MAX; i++)
		lanes += segment->lane[i].state != VEX_SLOT_FREE;
	for (i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		subscribers += segment->subscriber[i].state != VEX_SLOT_FREE;
	report_set(o, "ports", ports);
	report_set(o, "lanes", lanes);
	report_set(o, "subscribers", subscribers);
	report_set(o, "received", received);
	report_set(o, "delivered", delivered);
	report_set(o, "dropped", dropped);
	report_set(o, "rejected", rejected);
	report_set(o, "lost", lost);
}

static json_t *report_plane(const struct control *control)
{
	const struct vex_stat_segment *segment = plane_segment(control->plane);
	json_t *o = json_object();
	const char *state;

	json_object_set_new(o, "socket", json_string(control->config.data_socket));
	if (!segment) {
		json_object_set_new(o, "state", json_string("not running"));
		json_object_set_new(o, "reason", json_string(plane_why(control->plane)));
		return o;
	}
	state = since(segment->heartbeat_ns) > STALLED_NS ? "stalled" : "running";
	json_object_set_new(o, "state", json_string(state));
	report_set(o, "pid", segment->pid);
	report_set(o, "node", segment->node);
	report_set(o, "started_ns", segment->started_ns);
	report_set(o, "uptime_ns", since(segment->started_ns));
	report_set(o, "heartbeat_age_ns", since(segment->heartbeat_ns));
	json_object_set_new(o, "idle", json_string(segment->idle ? "adaptive" : "poll"));
	report_set(o, "workers", segment->worker_count);
	report_counts(segment, o);
#define VEX_LIMIT_COUNTER(name, description) report_set(o, "limits_" #name, segment->limits.name);
#include "stat/stat.def"
	report_set(o, "retired_ports", segment->retired.ports);
	report_set(o, "retired_subscribers", segment->retired.subscribers);
	report_set(o, "untrusted_lanes", segment->retired.untrusted);
	report_set(o, "refused_requests", segment->retired.refused);
	return o;
}

json_t *report_status(const struct control *control)
{
	json_t *self = json_object();

	report_set(self, "pid", (uint64_t)getpid());
	json_object_set_new(self, "version", json_string(VEX_VERSION));
	json_object_set_new(self, "socket", json_string(control->config.socket));
	report_set(self, "started_ns", control->started_ns);
	report_set(self, "uptime_ns", since(control->started_ns));
	report_set(self, "connections", wire_server_connections(control->server));
	return json_pack("{s:o, s:o}", "control", self, "data_plane", report_plane(control));
}

json_t *report_version(const struct control *control)
{
	(void)control;
	return json_pack("{s:s, s:i, s:i}", "version", VEX_VERSION, "abi", VEX_ABI_VERSION,
			"statistics", VEX_STAT_VERSION);
}

json_t *report_verify(const struct control *control)
{
	struct vex_verify_row rows[VEX_VERIFY_ROWS_MAX];
	json_t *list = json_array();
	uint64_t held = 0;
	unsigned count;
	unsigned i;
	bool ok;

	count = vex_verify(control->copy, rows, VEX_VERIFY_ROWS_MAX, &ok);
	for (i = 0; i < count; i++) {
		json_t *o = json_pack("{s:o, s:b}", "what",
				report_text(rows[i].what, sizeof(rows[i].what)), "ok", rows[i].ok);

		report_set(o, "received", rows[i].received);
		report_set(o, "delivered", rows[i].delivered);
		report_set(o, "dropped", rows[i].dropped);
		report_set(o, "held", rows[i].held);
		json_object_set_new(o, "missing", json_integer(rows[i].missing));
		if (!rows[i].ok)
			json_object_set_new(o, "why",
					report_text(rows[i].why, sizeof(rows[i].why)));
		json_array_append_new(list, o);
	}
	for (i = 0; i < VEX_PORTS_MAX; i++)
		if (control->copy->port[i].state != VEX_SLOT_FREE)
			held += control->copy->port[i].held;
	return json_pack("{s:b, s:I, s:o}", "ok", ok, "held", (json_int_t)held, "rows", list);
}
