/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <string.h>

#include "event/event.h"

json_t *report_text(const char *bytes, size_t cap)
{
	char plain[256];
	size_t len = strnlen(bytes, cap < sizeof(plain) ? cap : sizeof(plain));
	json_t *text = json_stringn(bytes, len);
	size_t i;

	if (text)
		return text;
	for (i = 0; i < len; i++)
		plain[i] = (unsigned char)bytes[i] < 0x80 ? bytes[i] : '?';
	return json_stringn(plain, len);
}

const char *report_slot_state(uint32_t state)
{
	static const char *const names[] = {"free", "live", "draining"};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static json_t *report_boundary(uint32_t boundary)
{
	const char *name = vex_boundary_name(boundary);

	return json_string(name ? name : "unknown");
}

/* How urgently it is polled. */
static json_t *report_qos(uint32_t flags)
{
	uint32_t qos = (flags & VEX_PORT_QOS_MASK) >> VEX_PORT_QOS_SHIFT;
	const char *name = vex_class_name(qos ? qos - VEX_QOS_CRITICAL : VEX_CLASS_NORMAL);

	return json_string(name ? name : "unknown");
}

static json_t *report_port(const struct vex_port_stat *port, unsigned number)
{
	json_t *o = json_object();

	report_set(o, "port", number);
	json_object_set_new(o, "name", report_text(port->name, sizeof(port->name)));
	json_object_set_new(o, "state", json_string(report_slot_state(port->state)));
	json_object_set_new(o, "boundary", report_boundary(port->boundary));
	json_object_set_new(o, "qos", report_qos(port->flags));
	report_set(o, "pid", port->pid);
	report_set(o, "uid", port->uid);
	report_set(o, "gid", port->gid);
	report_set(o, "worker", port->worker);
	report_set(o, "lanes", port->lane_count);
	json_object_set_new(o, "keeps_ids", json_boolean(port->flags & VEX_PORT_KEEP_ID));
	report_set(o, "attached_ns", port->attached_ns);
#define VEX_PORT_COUNTER(name, description) report_set(o, #name, port->name);
#include "stat/stat.def"
	report_set(o, "dropped", report_sum(port->drop, VEX_DROP_LIMIT));
	report_set(o, "rejected", report_sum(port->reject, VEX_REJECT_LIMIT));
	return o;
}

json_t *report_ports(const struct control *control)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < VEX_PORTS_MAX; i++)
		if (control->copy->port[i].state != VEX_SLOT_FREE)
			json_array_append_new(list, report_port(&control->copy->port[i], i));
	return json_pack("{s:o}", "ports", list);
}

static json_t *report_lane(const struct vex_lane_stat *lane)
{
	json_t *o = json_object();

	report_set(o, "port", lane->port);
	report_set(o, "lane", lane->number);
	json_object_set_new(o, "state", json_string(report_slot_state(lane->state)));
	report_set(o, "ring_size", lane->ring_size);
	report_set(o, "waiting", lane->waiting);
#define VEX_LANE_COUNTER(name, description) report_set(o, #name, lane->name);
#include "stat/stat.def"
	report_set(o, "abandoned", lane->abandoned);
	return o;
}

json_t *report_lanes(const struct control *control)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < VEX_LANES_MAX; i++)
		if (control->copy->lane[i].state != VEX_SLOT_FREE)
			json_array_append_new(list, report_lane(&control->copy->lane[i]));
	return json_pack("{s:o}", "lanes", list);
}

/* Names of the types asked for; empty stands for all. */
static json_t *report_filter_types(const struct vex_filter *filter)
{
	json_t *list = json_array();
	unsigned type;

	for (type = 0; type < VEX_TYPE_LIMIT; type++)
		if ((filter->types[type / 64] >> (type % 64) & 1) && vex_type_name(type))
			json_array_append_new(list, json_string(vex_type_name(type)));
	return list;
}

static json_t *report_filter_boundaries(const struct vex_filter *filter)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < VEX_BOUNDARY_COUNT; i++)
		if (filter->boundaries >> i & 1)
			json_array_append_new(list, report_boundary(i));
	return list;
}

/* What each worker counted for this subscriber, added up. */
static struct vex_target_stat add_targets(const struct vex_subscriber_stat *subscriber)
{
	struct vex_target_stat total = {0};
	unsigned i;

	for (i = 0; i < VEX_WORKERS_MAX; i++) {
#define VEX_TARGET_COUNTER(name, description) total.name += subscriber->worker[i].name;
#include "stat/stat.def"
	}
	return total;
}

static json_t *report_subscriber(const struct vex_subscriber_stat *subscriber, unsigned number)
{
	struct vex_target_stat total = add_targets(subscriber);
	json_t *o = json_object();

	report_set(o, "subscriber", number);
	json_object_set_new(o, "name", report_text(subscriber->name, sizeof(subscriber->name)));
	json_object_set_new(o, "state", json_string(report_slot_state(subscriber->state)));
	report_set(o, "pid", subscriber->pid);
	report_set(o, "uid", subscriber->uid);
	report_set(o, "ring_size", subscriber->ring_size);
	report_set(o, "attached_ns", subscriber->attached_ns);
	json_object_set_new(o, "types", report_filter_types(&subscriber->filter));
	json_object_set_new(o, "boundaries", report_filter_boundaries(&subscriber->filter));
#define VEX_TARGET_COUNTER(name, description) report_set(o, #name, total.name);
#include "stat/stat.def"
	return o;
}

json_t *report_subscribers(const struct control *control)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		if (control->copy->subscriber[i].state != VEX_SLOT_FREE)
			json_array_append_new(list,
					report_subscriber(&control->copy->subscriber[i], i));
	return json_pack("{s:o}", "subscribers", list);
}
