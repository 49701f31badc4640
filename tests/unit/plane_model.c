/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit/plane_model.h"

#include <stdio.h>

static const uint32_t types[] = {VEX_OPEN, VEX_READ, VEX_GAP, VEX_AUDIT};

static uint64_t draw(uint64_t *random, uint64_t limit)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (*random >> 33) % limit;
}

static void count(uint64_t *counter)
{
	VEX_STORE_RELAXED(counter, *counter + 1);
}

static void attach_port(struct vex_stat_segment *segment, unsigned i)
{
	struct vex_port_stat *port = &segment->port[i];
	struct vex_lane_stat *lane = &segment->lane[i];

	memset(port, 0, sizeof(*port));
	port->state = i == 1 ? VEX_SLOT_DRAINING : VEX_SLOT_LIVE;
	port->worker = i % MODEL_WORKERS;
	snprintf(port->name, sizeof(port->name), "producer %u", i);
	memset(lane, 0, sizeof(*lane));
	lane->state = port->state;
	lane->port = i;
}

static void attach_subscriber(struct vex_stat_segment *segment, unsigned i)
{
	struct vex_subscriber_stat *subscriber = &segment->subscriber[i];

	memset(subscriber, 0, sizeof(*subscriber));
	subscriber->state = VEX_SLOT_LIVE;
	snprintf(subscriber->name, sizeof(subscriber->name), "consumer %u", i);
}

void model_init(struct vex_stat_segment *segment)
{
	unsigned i;

	memset(segment, 0, sizeof(*segment));
	segment->magic = VEX_STAT_MAGIC;
	segment->version = VEX_STAT_VERSION;
	segment->size = sizeof(*segment);
	segment->worker_count = MODEL_WORKERS;
	for (i = 0; i < MODEL_PORTS; i++)
		attach_port(segment, i);
	for (i = 0; i < MODEL_SUBSCRIBERS; i++)
		attach_subscriber(segment, i);
	for (i = 0; i < MODEL_SUBSCRIBERS + 1; i++) {
		segment->member[i].state = VEX_SLOT_LIVE;
		segment->member[i].weight = 1;
		strcpy(segment->member[i].group, "group");
		snprintf(segment->member[i].member, VEX_NAME_MAX, "consumer %u", i);
	}
}

/* What becomes of one copy. */
enum outcome { GOT, GONE, WAITS, MISSED, LARGE };

static enum outcome offer(struct vex_target_stat *target, struct vex_class_stat *class,
		uint64_t *random)
{
	uint64_t chance = draw(random, 16);

	count(&target->offered);
	if (chance < 4) {
		count(chance ? &target->target_full : &target->too_large);
		count(&target->announced);
		count(&target->gaps);
		count(&class->missed);
		count(&class->displaced);
		return chance ? MISSED : LARGE;
	}
	if (chance == 4) {
		count(&target->target_gone);
		return GONE;
	}
	if (chance == 5) {
		count(&target->held);
		return WAITS;
	}
	count(&target->delivered);
	count(&target->read);
	return GOT;
}

static void settle(struct vex_port_stat *port, struct vex_worker_stat *worker,
		struct vex_class_stat *class, const unsigned *outcomes)
{
	if (outcomes[WAITS]) {
		count(&port->held);
		count(&class->held);
	} else if (outcomes[GOT]) {
		count(&port->delivered);
		count(&class->delivered);
		count(&worker->delivered);
	} else {
		count(&port->drop[outcomes[LARGE] ? VEX_DROP_TOO_LARGE
						   : outcomes[MISSED] ? VEX_DROP_TARGET_FULL
						   : outcomes[GONE] ? VEX_DROP_TARGET_GONE
								    : VEX_DROP_UNMATCHED]);
		count(&class->dropped);
	}
}

/* Each subscriber wants it or not, and has room or not. */
static void deliver(struct vex_stat_segment *segment, struct vex_port_stat *port, uint64_t *random)
{
	struct vex_worker_stat *worker = &segment->worker[port->worker];
	struct vex_class_stat *class = &worker->class[draw(random, VEX_CLASS_COUNT)];
	unsigned outcomes[LARGE + 1] = {0};
	unsigned i;

	count(&class->events);
	for (i = 0; i < MODEL_SUBSCRIBERS; i++)
		if (draw(random, 4))
			outcomes[offer(&segment->subscriber[i].worker[port->worker], class, random)]++;
	for (i = 0; i < outcomes[GOT]; i++)
		count(&worker->copies);
	count(&worker->stage[VEX_STAGE_DELIVER].out);
	settle(port, worker, class, outcomes);
}

static void event(struct vex_stat_segment *segment, unsigned id, uint64_t *random)
{
	struct vex_port_stat *port = &segment->port[id];
	struct vex_worker_stat *worker = &segment->worker[port->worker];
	struct vex_lane_stat *lane = &segment->lane[id];
	struct vex_stage_stat *stage = worker->stage;

	count(&port->received);
	count(&lane->received);
	count(&worker->received);
	count(&stage[VEX_STAGE_INGEST].in);
	if (!draw(random, 8)) {
		count(&port->reject[draw(random, VEX_REJECT_LIMIT)]);
		count(&lane->rejected);
		return;
	}
	count(&worker->type[types[draw(random, sizeof(types) / sizeof(types[0]))]]);
	count(&stage[VEX_STAGE_INGEST].out);
	count(&stage[VEX_STAGE_TRANSLATE].in);
	count(&stage[VEX_STAGE_TRANSLATE].out);
	count(&stage[VEX_STAGE_ROUTE].in);
	count(&stage[VEX_STAGE_ROUTE].out);
	count(&stage[VEX_STAGE_FILTER].in);
	count(&stage[VEX_STAGE_FILTER].out);
	count(&stage[VEX_STAGE_DELIVER].in);
	deliver(segment, port, random);
}

void model_burst(struct vex_stat_segment *segment, unsigned port, unsigned events,
		uint64_t *random)
{
	unsigned w = segment->port[port].worker;
	unsigned i;

	vex_stat_begin(&segment->worker[w].generation);
	vex_stat_begin(&segment->port[port].generation);
	vex_stat_begin(&segment->lane[port].generation);
	for (i = 0; i < MODEL_SUBSCRIBERS; i++)
		vex_stat_begin(&segment->subscriber[i].worker[w].generation);
	while (events--)
		event(segment, port, random);
	for (i = 0; i < MODEL_SUBSCRIBERS; i++)
		vex_stat_end(&segment->subscriber[i].worker[w].generation);
	vex_stat_end(&segment->lane[port].generation);
	vex_stat_end(&segment->port[port].generation);
	vex_stat_end(&segment->worker[w].generation);
}

void model_drop_held(struct vex_stat_segment *segment)
{
	unsigned i;
	unsigned w;

	for (i = 0; i < MODEL_PORTS; i++) {
		segment->port[i].drop[VEX_DROP_TARGET_GONE] += segment->port[i].held;
		segment->port[i].held = 0;
	}
	for (w = 0; w < MODEL_WORKERS; w++)
		for (i = 0; i < VEX_CLASS_COUNT; i++) {
			segment->worker[w].class[i].dropped += segment->worker[w].class[i].held;
			segment->worker[w].class[i].held = 0;
		}
}

static void add(uint64_t *to, const uint64_t *from, unsigned words)
{
	while (words--)
		VEX_STORE_RELAXED(&to[words], to[words] + from[words]);
}

#define WORDS(first, last) (&(last) - &(first) + 1)

void model_replace_port(struct vex_stat_segment *segment, unsigned port)
{
	struct vex_port_stat *retired = &segment->retired.port;
	const struct vex_port_stat *from = &segment->port[port];

	vex_stat_begin(&segment->generation);
	add(&retired->received, &from->received,
			(unsigned)WORDS(from->received, from->reject[VEX_REJECT_LIMIT - 1]));
	attach_port(segment, port);
	vex_stat_end(&segment->generation);
}

void model_replace_subscriber(struct vex_stat_segment *segment, unsigned subscriber)
{
	struct vex_target_stat *retired = &segment->retired.target;
	unsigned i;

	vex_stat_begin(&segment->generation);
	for (i = 0; i < MODEL_WORKERS; i++) {
		const struct vex_target_stat *from = &segment->subscriber[subscriber].worker[i];

		add(&retired->offered, &from->offered,
				(unsigned)WORDS(from->offered, from->read));
	}
	attach_subscriber(segment, subscriber);
	vex_stat_end(&segment->generation);
}
