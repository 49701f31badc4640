/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include "event/event.h"

static unsigned worker_count(const struct control *control)
{
	uint32_t count = control->copy->worker_count;

	return count < VEX_WORKERS_MAX ? count : VEX_WORKERS_MAX;
}

/* Nanoseconds for a number of cycles. */
static double cycles_ns(const struct control *control, double cycles)
{
	uint64_t hz = control->copy->tsc_hz;

	return hz ? cycles * 1e9 / (double)hz : 0.0;
}

static void report_cost(const struct control *control, json_t *o, uint64_t cycles, uint64_t events)
{
	double cost = report_ratio(cycles, events);

	json_object_set_new(o, "cycles_per_event", json_real(cost));
	json_object_set_new(o, "ns_per_event", json_real(cycles_ns(control, cost)));
}

static json_t *report_worker(const struct control *control, unsigned number)
{
	const struct vex_worker_stat *worker = &control->copy->worker[number];
	json_t *o = json_object();

	report_set(o, "worker", number);
	report_set(o, "lcore", worker->lcore);
	report_set(o, "cpu", worker->cpu);
	report_set(o, "socket", worker->socket);
	report_set(o, "ports", worker->port_count);
	json_object_set_new(o, "sleeping", json_boolean(worker->sleeping));
#define VEX_WORKER_COUNTER(name, description) report_set(o, #name, worker->name);
#include "stat/stat.def"
	json_object_set_new(o, "events_per_burst",
			json_real(report_ratio(worker->received, worker->bursts)));
	report_cost(control, o, worker->busy_cycles, worker->busy_events);
	return o;
}

json_t *report_workers(const struct control *control)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < worker_count(control); i++)
		json_array_append_new(list, report_worker(control, i));
	return json_pack("{s:o}", "workers", list);
}

static json_t *report_stage(const struct control *control, unsigned worker, unsigned number)
{
	const struct vex_stage_stat *stage = &control->copy->worker[worker].stage[number];
	json_t *o = json_object();

	report_set(o, "worker", worker);
	json_object_set_new(o, "stage", json_string(vex_stage_name(number)));
	report_set(o, "in", stage->in);
	report_set(o, "out", stage->out);
	report_set(o, "bursts", stage->bursts);
	json_object_set_new(o, "events_per_burst",
			json_real(report_ratio(stage->in, stage->bursts)));
	report_cost(control, o, stage->cycles, stage->timed);
	return o;
}

json_t *report_stages(const struct control *control)
{
	json_t *list = json_array();
	unsigned stage;
	unsigned i;

	for (i = 0; i < worker_count(control); i++)
		for (stage = 0; stage < VEX_STAGE_LIMIT; stage++)
			json_array_append_new(list, report_stage(control, i, stage));
	return json_pack("{s:o}", "stages", list);
}

json_t *report_types(const struct control *control)
{
	json_t *list = json_array();
	unsigned type;
	unsigned i;

	for (type = 1; type < VEX_TYPE_LIMIT; type++) {
		uint64_t count = 0;

		if (!vex_type_name(type))
			continue;
		for (i = 0; i < worker_count(control); i++)
			count += control->copy->worker[i].type[type];
		json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:I, s:s}", "id", type,
				"type", vex_type_name(type), "category",
				vex_category_name(vex_type_category(type)), "count",
				(json_int_t)count, "description", vex_type_text(type)));
	}
	return json_pack("{s:o}", "types", list);
}

json_t *report_classes(const struct control *control)
{
	json_t *list = json_array();
	unsigned class;
	unsigned i;

	for (class = 0; class < VEX_CLASS_COUNT; class++) {
		struct vex_class_stat total = {0};
		json_t *o = json_pack("{s:s}", "class", vex_class_name(class));

		for (i = 0; i < worker_count(control); i++) {
			const struct vex_class_stat *each = &control->copy->worker[i].class[class];
#define VEX_CLASS_COUNTER(name, description) total.name += each->name;
#include "stat/stat.def"
		}
#define VEX_CLASS_COUNTER(name, description) report_set(o, #name, total.name);
#include "stat/stat.def"
		json_array_append_new(list, o);
	}
	return json_pack("{s:o}", "classes", list);
}

/* Row 0 stands for the tenants that found no row of their own. */
static json_t *report_tenant(const struct control *control, unsigned row)
{
	json_t *o = json_object();
	struct vex_tenant_stat total = {0};
	unsigned i;

	for (i = 0; i < worker_count(control); i++) {
		const struct vex_tenant_stat *each = &control->copy->worker[i].tenant[row];
#define VEX_TENANT_COUNTER(name, description) total.name += each->name;
#include "stat/stat.def"
	}
	if (row)
		report_set(o, "tenant", control->copy->tenant[row] - 1);
	else
		json_object_set_new(o, "tenant", json_string("others"));
#define VEX_TENANT_COUNTER(name, description) report_set(o, #name, total.name);
#include "stat/stat.def"
	return o;
}

json_t *report_tenants(const struct control *control)
{
	json_t *list = json_array();
	unsigned row;

	for (row = 0; row < VEX_TENANTS_MAX; row++)
		if (!row || control->copy->tenant[row])
			json_array_append_new(list, report_tenant(control, row));
	return json_pack("{s:o}", "tenants", list);
}

static void add_reason(json_t *list, const char *kind, const char *name, uint64_t live,
		uint64_t retired, const char *description)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:s}", "kind", kind, "reason",
			name, "count", (json_int_t)(live + retired), "retired",
			(json_int_t)retired, "description", description));
}

/* What subscribers missed, and what never reached the data plane: not dropped by a port. */
static void add_losses(const struct vex_stat_segment *copy, json_t *list)
{
	uint64_t abandoned = 0;
	uint64_t missed = 0;
	uint64_t large = 0;
	uint64_t lost = 0;
	unsigned i;
	unsigned w;

	for (i = 0; i < VEX_PORTS_MAX; i++)
		if (copy->port[i].state != VEX_SLOT_FREE)
			lost += copy->port[i].lost;
	for (i = 0; i < VEX_LANES_MAX; i++)
		if (copy->lane[i].state != VEX_SLOT_FREE)
			abandoned += copy->lane[i].abandoned;
	for (i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		for (w = 0; copy->subscriber[i].state != VEX_SLOT_FREE && w < VEX_WORKERS_MAX; w++) {
			missed += copy->subscriber[i].worker[w].target_full;
			large += copy->subscriber[i].worker[w].too_large;
		}
	add_reason(list, "loss", "lane_full", lost, copy->retired.port.lost,
			"producers found their lane full, and said so by a GAP");
	add_reason(list, "loss", "abandoned", abandoned, copy->retired.abandoned,
			"producers died before they could announce the loss");
	add_reason(list, "loss", "subscriber_full", missed, copy->retired.target.target_full,
			"copies that a subscriber missed because its lane was full; told by a GAP");
	add_reason(list, "loss", "subscriber_lane", large, copy->retired.target.too_large,
			"copies larger than the lane of a subscriber; told by a GAP");
}

json_t *report_drops(const struct control *control)
{
	const struct vex_stat_segment *copy = control->copy;
	uint64_t reject[VEX_REJECT_LIMIT] = {0};
	uint64_t drop[VEX_DROP_LIMIT] = {0};
	json_t *list = json_array();
	unsigned port;
	unsigned i;

	for (port = 0; port < VEX_PORTS_MAX; port++) {
		if (copy->port[port].state == VEX_SLOT_FREE)
			continue;
		for (i = 0; i < VEX_DROP_LIMIT; i++)
			drop[i] += copy->port[port].drop[i];
		for (i = 0; i < VEX_REJECT_LIMIT; i++)
			reject[i] += copy->port[port].reject[i];
	}
	for (i = 0; i < VEX_DROP_LIMIT; i++)
		add_reason(list, "drop", vex_drop_name(i), drop[i], copy->retired.port.drop[i],
				vex_drop_text(i));
	for (i = 0; i < VEX_REJECT_LIMIT; i++)
		add_reason(list, "reject", vex_reject_name(i), reject[i],
				copy->retired.port.reject[i], vex_reject_text(i));
	add_losses(copy, list);
	return json_pack("{s:o}", "drops", list);
}
