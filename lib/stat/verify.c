/* SPDX-License-Identifier: BSD-3-Clause */
#include "stat/stat.h"

#include <inttypes.h>
#include <stdio.h>

/* What several blocks counted, added up. */
struct totals {
	struct vex_verify_row all;
	uint64_t rejected;
	uint64_t dropped;
	uint64_t dropped_full; /* by ports, since every target was full */
	uint64_t dropped_large; /* or had too small a lane */
	uint64_t copies;       /* by targets */
	uint64_t target_full;
	uint64_t too_large;
	uint64_t workers_received;
	uint64_t workers_delivered;
	uint64_t workers_copies;
	uint64_t workers_rejected;
	uint64_t workers_held;
	uint64_t workers_missed;
	uint64_t dropped_quota;
	uint64_t tenants_dropped;
	uint64_t workers_unfinished; /* entered translate, but neither delivered nor dropped */
};

struct table {
	const struct vex_stat_segment *segment;
	struct vex_verify_row *rows;
	unsigned cap;
	unsigned count;
	bool ok;
	struct totals sum;
};

static uint64_t sum(const uint64_t *counters, unsigned count)
{
	uint64_t total = 0;

	while (count--)
		total += counters[count];
	return total;
}

/* Only the first reason is kept: the others mostly follow from it. */
#define FAIL(row, ...) \
	do { \
		if ((row)->ok) \
			snprintf((row)->why, sizeof((row)->why), __VA_ARGS__); \
		(row)->ok = false; \
	} while (0)

static struct vex_verify_row row_begin(void)
{
	struct vex_verify_row row = {.ok = true};

	return row;
}

/* Names come from other processes: what can't be printed must not reach a terminal. */
static void row_name(struct vex_verify_row *row, const char *kind, unsigned id, const char *name,
		bool draining)
{
	char *p;

	snprintf(row->what, sizeof(row->what), "%s %u %.*s%s", kind, id, (int)VEX_NAME_MAX, name,
			draining ? " (draining)" : "");
	for (p = row->what; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
}

static void table_add(struct table *table, struct vex_verify_row *row)
{
	row->missing = (int64_t)(row->received - row->delivered - row->dropped - row->held);
	if (row->missing)
		FAIL(row, "%" PRIu64 " received, but %" PRIu64 " delivered, %" PRIu64
				" dropped and %" PRIu64 " held", row->received, row->delivered,
				row->dropped, row->held);
	table->ok = table->ok && row->ok;
	if (table->count < table->cap)
		table->rows[table->count++] = *row;
}

/* A row that says that two counts of the same thing agree. */
static void table_compare(struct table *table, const char *what, uint64_t left, uint64_t right)
{
	struct vex_verify_row row = row_begin();

	snprintf(row.what, sizeof(row.what), "%s", what);
	row.received = left;
	row.delivered = right;
	if (left != right)
		FAIL(&row, "%" PRIu64 " is not %" PRIu64, left, right);
	table_add(table, &row);
}

static void table_at_most(struct table *table, const char *what, uint64_t left, uint64_t right)
{
	struct vex_verify_row row = row_begin();

	snprintf(row.what, sizeof(row.what), "%s", what);
	if (left > right)
		FAIL(&row, "%" PRIu64 " is more than %" PRIu64, left, right);
	table_add(table, &row);
}

static void port_fill(struct table *table, const struct vex_port_stat *port,
		struct vex_verify_row *row)
{
	struct totals *total = &table->sum;
	uint64_t rejected = sum(port->reject, VEX_REJECT_LIMIT);
	uint64_t dropped = sum(port->drop, VEX_DROP_LIMIT);

	row->received = port->received;
	row->delivered = port->delivered;
	row->dropped = dropped + rejected;
	row->held = port->held;
	total->all.received += row->received;
	total->all.delivered += row->delivered;
	total->all.dropped += row->dropped;
	total->all.held += row->held;
	total->rejected += rejected;
	total->dropped += dropped;
	total->dropped_full += port->drop[VEX_DROP_TARGET_FULL];
	total->dropped_large += port->drop[VEX_DROP_TOO_LARGE];
	total->dropped_quota += port->drop[VEX_DROP_QUOTA];
}

/* Lanes that were closed took their counts along: those still there can't exceed the port's. */
static void port_check_lanes(struct table *table, unsigned id, const struct vex_port_stat *port,
		struct vex_verify_row *row)
{
	const struct vex_lane_stat *lane;
	uint64_t rejected = 0;
	uint64_t received = 0;

	for (lane = table->segment->lane; lane < table->segment->lane + VEX_LANES_MAX; lane++) {
		if (lane->state == VEX_SLOT_FREE || lane->port != id)
			continue;
		received += lane->received;
		rejected += lane->rejected;
	}
	if (received > port->received)
		FAIL(row, "its lanes received %" PRIu64 ", more than the port's %" PRIu64,
				received, port->received);
	if (rejected > sum(port->reject, VEX_REJECT_LIMIT))
		FAIL(row, "its lanes refused %" PRIu64 " records, more than the port's %" PRIu64,
				rejected, sum(port->reject, VEX_REJECT_LIMIT));
}

static void verify_ports(struct table *table)
{
	struct vex_verify_row row;
	unsigned i;

	for (i = 0; i < VEX_PORTS_MAX; i++) {
		const struct vex_port_stat *port = &table->segment->port[i];

		if (port->state == VEX_SLOT_FREE)
			continue;
		row = row_begin();
		row_name(&row, "port", i, port->name, port->state == VEX_SLOT_DRAINING);
		port_fill(table, port, &row);
		port_check_lanes(table, i, port, &row);
		table_add(table, &row);
	}
	row = row_begin();
	snprintf(row.what, sizeof(row.what), "retired ports");
	port_fill(table, &table->segment->retired.port, &row);
	table_add(table, &row);
}

/* Adds one target to its row; lane is the worker that fills it, -1 for the retired ones. */
static void target_fill(struct table *table, const struct vex_target_stat *target, int lane,
		struct vex_verify_row *row)
{
	uint64_t missed = target->target_full + target->too_large;
	uint64_t dropped = missed + target->target_gone;

	row->received += target->offered;
	row->delivered += target->delivered;
	row->dropped += dropped;
	row->held += target->held;
	table->sum.copies += target->delivered;
	table->sum.target_full += target->target_full;
	table->sum.too_large += target->too_large;
	if (target->offered != target->delivered + dropped + target->held)
		FAIL(row, "lane %d: %" PRIu64 " offered, but %" PRIu64 " delivered, %" PRIu64
				" dropped and %" PRIu64 " held", lane, target->offered,
				target->delivered, dropped, target->held);
	if (target->read > target->delivered)
		FAIL(row, "lane %d: it says it read %" PRIu64 ", more than %" PRIu64 " delivered",
				lane, target->read, target->delivered);
	if (target->announced > missed)
		FAIL(row, "lane %d: GAPs announce %" PRIu64 ", more than %" PRIu64 " dropped",
				lane, target->announced, missed);
	if (target->gaps > target->announced)
		FAIL(row, "lane %d: %" PRIu64 " GAPs announce only %" PRIu64 " events", lane,
				target->gaps, target->announced);
}

static void verify_subscribers(struct table *table)
{
	struct vex_verify_row row;
	unsigned i;
	unsigned w;

	for (i = 0; i < VEX_SUBSCRIBERS_MAX; i++) {
		const struct vex_subscriber_stat *s = &table->segment->subscriber[i];

		if (vex_stat_subscriber_is_free(s))
			continue;
		row = row_begin();
		row_name(&row, "subscriber", i, s->name, s->state == VEX_SLOT_DRAINING);
		for (w = 0; w < VEX_WORKERS_MAX; w++)
			target_fill(table, &s->worker[w], (int)w, &row);
		table_add(table, &row);
	}
	row = row_begin();
	snprintf(row.what, sizeof(row.what), "retired subscribers");
	target_fill(table, &table->segment->retired.target, -1, &row);
	table_add(table, &row);
}

/* Each stage hands on what the next takes in, and both ends agree with the worker. */
static void worker_check_chain(const struct vex_worker_stat *worker, struct vex_verify_row *row)
{
	uint64_t types = sum(worker->type, VEX_TYPE_LIMIT);
	unsigned i;

	if (worker->stage[VEX_STAGE_INGEST].in != worker->received)
		FAIL(row, "%" PRIu64 " received, but %" PRIu64 " entered %s", worker->received,
				worker->stage[VEX_STAGE_INGEST].in,
				vex_stage_name(VEX_STAGE_INGEST));
	for (i = 0; i + 1 < VEX_STAGE_LIMIT; i++)
		if (worker->stage[i].out != worker->stage[i + 1].in)
			FAIL(row, "%" PRIu64 " left %s, but %" PRIu64 " entered %s",
					worker->stage[i].out, vex_stage_name(i),
					worker->stage[i + 1].in, vex_stage_name(i + 1));
	for (i = 0; i < VEX_STAGE_LIMIT; i++)
		if (worker->stage[i].out > worker->stage[i].in)
			FAIL(row, "%" PRIu64 " left %s, but only %" PRIu64 " entered it",
					worker->stage[i].out, vex_stage_name(i),
					worker->stage[i].in);
	if (worker->delivered > worker->stage[VEX_STAGE_DELIVER].in)
		FAIL(row, "%" PRIu64 " delivered, but only %" PRIu64 " entered %s",
				worker->delivered, worker->stage[VEX_STAGE_DELIVER].in,
				vex_stage_name(VEX_STAGE_DELIVER));
	if (types != worker->stage[VEX_STAGE_INGEST].out)
		FAIL(row, "%" PRIu64 " left %s, but %" PRIu64 " were counted by type",
				worker->stage[VEX_STAGE_INGEST].out,
				vex_stage_name(VEX_STAGE_INGEST), types);
	if (worker->delivered > worker->copies)
		FAIL(row, "%" PRIu64 " events delivered, but only %" PRIu64 " copies made",
				worker->delivered, worker->copies);
}

static void worker_check_classes(const struct vex_worker_stat *worker, struct vex_verify_row *row)
{
	uint64_t events = 0, delivered = 0;
	unsigned i;

	for (i = 0; i < VEX_CLASS_COUNT; i++) {
		const struct vex_class_stat *class = &worker->class[i];

		events += class->events;
		delivered += class->delivered;
		if (class->events != class->delivered + class->dropped + class->held)
			FAIL(row, "class %s: %" PRIu64 " events, but %" PRIu64 " delivered, %" PRIu64
					" dropped and %" PRIu64 " held", vex_class_name(i),
					class->events, class->delivered, class->dropped,
					class->held);
		if (class->displaced > class->missed)
			FAIL(row, "class %s: %" PRIu64 " gave way, but only %" PRIu64 " were missed",
					vex_class_name(i), class->displaced, class->missed);
	}
	if (events != worker->stage[VEX_STAGE_DELIVER].in)
		FAIL(row, "%" PRIu64 " entered %s, but %" PRIu64 " were counted by class",
				worker->stage[VEX_STAGE_DELIVER].in,
				vex_stage_name(VEX_STAGE_DELIVER), events);
	if (delivered != worker->delivered)
		FAIL(row, "%" PRIu64 " delivered, but %" PRIu64 " were counted by class",
				worker->delivered, delivered);
}

static uint64_t held_by(const struct vex_worker_stat *worker)
{
	uint64_t held = 0;
	unsigned i;

	for (i = 0; i < VEX_CLASS_COUNT; i++)
		held += worker->class[i].held;
	return held;
}

static void worker_fill(struct table *table, const struct vex_worker_stat *worker,
		struct vex_verify_row *row)
{
	const struct vex_stage_stat *ingest = &worker->stage[VEX_STAGE_INGEST];
	const struct vex_stage_stat *deliver = &worker->stage[VEX_STAGE_DELIVER];
	struct totals *total = &table->sum;

	row->received = worker->received;
	row->delivered = worker->delivered;
	row->held = ingest->out - deliver->in + held_by(worker);
	row->dropped = (ingest->in - ingest->out) + (deliver->in - worker->delivered) -
			held_by(worker);
	total->workers_received += worker->received;
	total->workers_delivered += worker->delivered;
	total->workers_copies += worker->copies;
	total->workers_rejected += ingest->in - ingest->out;
	total->workers_held += row->held;
	for (unsigned i = 0; i < VEX_TENANTS_MAX; i++)
		total->tenants_dropped += worker->tenant[i].dropped;
	for (unsigned i = 0; i < VEX_CLASS_COUNT; i++)
		total->workers_missed += worker->class[i].missed;
	total->workers_unfinished += ingest->out - worker->delivered;
}

static void verify_workers(struct table *table)
{
	const struct vex_stat_segment *segment = table->segment;
	struct vex_verify_row row;
	unsigned i;

	for (i = 0; i < VEX_WORKERS_MAX && i < segment->worker_count; i++) {
		row = row_begin();
		snprintf(row.what, sizeof(row.what), "worker %u", i);
		worker_fill(table, &segment->worker[i], &row);
		worker_check_chain(&segment->worker[i], &row);
		worker_check_classes(&segment->worker[i], &row);
		table_add(table, &row);
	}
}

static void verify_whole(struct table *table)
{
	struct totals *total = &table->sum;

	table_compare(table, "received: ports = workers", total->all.received,
			total->workers_received);
	table_compare(table, "delivered: ports = workers", total->all.delivered,
			total->workers_delivered);
	table_compare(table, "copies: subscribers = workers", total->copies,
			total->workers_copies);
	table_compare(table, "rejected: ports = ingest", total->rejected,
			total->workers_rejected);
	table_compare(table, "dropped and held: ports = stages", total->dropped + total->all.held,
			total->workers_unfinished);
	table_compare(table, "held: ports = workers", total->all.held, total->workers_held);
	table_compare(table, "missed: subscribers = classes", total->target_full + total->too_large,
			total->workers_missed);
	table_compare(table, "dropped by quota: ports = tenants", total->dropped_quota,
			total->tenants_dropped);
	table_at_most(table, "dropped at full lanes: ports <= subscribers", total->dropped_full,
			total->target_full);
	table_at_most(table, "dropped as too large: ports <= subscribers", total->dropped_large,
			total->too_large);
	total->all.ok = true;
	snprintf(total->all.what, sizeof(total->all.what), "all");
	table_add(table, &total->all);
}

unsigned vex_verify(const struct vex_stat_segment *copy, struct vex_verify_row *rows,
		unsigned cap, bool *ok)
{
	struct table table = {.segment = copy, .rows = rows, .cap = cap, .ok = true};

	verify_ports(&table);
	verify_subscribers(&table);
	verify_workers(&table);
	verify_whole(&table);
	*ok = table.ok;
	return table.count;
}
