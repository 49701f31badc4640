/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/plan.h"

#include <sys/eventfd.h>
#include <time.h>

#include "dataplane/worker.h"

static bool polled(const struct plane *plane, const struct lane *lane)
{
	return lane && !(lane->resumed && plane->hold_resumed);
}

static void plan_ports_of(struct plane *plane, struct worker *worker, struct plan *plan,
		unsigned qos)
{
	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++) {
		struct port *port = plane->ports[i];
		struct plan_port *entry = &plan->ports[plan->port_count];

		if (!port || port->worker != worker->index || port->qos != qos)
			continue;
		entry->port = port;
		for (uint32_t k = 0; k < VEX_PORT_LANES_MAX; k++)
			if (polled(plane, port->lanes[k]))
				entry->lanes[entry->lane_count++] = port->lanes[k];
		plan->port_count += entry->lane_count != 0;
	}
}

/* The most urgent first: see pipeline_round(). */
static void plan_ports(struct plane *plane, struct worker *worker, struct plan *plan)
{
	for (unsigned qos = 0; qos < VEX_CLASS_COUNT; qos++)
		plan_ports_of(plane, worker, plan, qos);
	worker->stat->port_count = plan->port_count;
}

static void plan_filter(struct plan *plan, const struct vex_filter *filter, uint64_t bit)
{
	bool all_types = !(filter->types[0] | filter->types[1] | filter->types[2] |
			   filter->types[3]);

	for (uint32_t type = 0; type < VEX_TYPE_LIMIT; type++)
		if (all_types || (filter->types[type / 64] & 1ull << type % 64))
			plan->by_type[type] |= bit;
	for (uint32_t i = 0; i < VEX_BOUNDARY_COUNT; i++)
		if (!filter->boundaries || (filter->boundaries & 1u << i))
			plan->by_boundary[i] |= bit;
}

static void plan_subscribers(struct plane *plane, struct worker *worker, struct plan *plan)
{
	for (uint32_t i = 0; i < VEX_SUBSCRIBERS_MAX; i++) {
		struct subscriber *sub = plane->subscribers[i];

		if (!sub || !sub->started)
			continue;
		plan->targets[i] = sub->targets[worker->index];
		if (sub->leaving) {
			plan->leaving |= 1ull << i;
			continue;
		}
		plan->subscribers |= 1ull << i;
		plan_filter(plan, &sub->filter, 1ull << i);
	}
}

void plan_wake(struct worker *worker)
{
	eventfd_write(worker->wake, 1);
}

static void wait_until_taken(struct plane *plane, struct worker *worker, uint64_t generation)
{
	struct timespec pause = {.tv_nsec = 20000};

	if (plane->driven) {
		worker_adopt_plan(worker);
		return;
	}
	plan_wake(worker);
	while (VEX_LOAD_ACQUIRE(&worker->acknowledged) != generation)
		nanosleep(&pause, NULL);
}

void plan_publish(struct plane *plane, struct worker *worker)
{
	struct plan *plan = &worker->plans[worker->next_plan == worker->plans];

	memset(plan, 0, sizeof(*plan));
	plan->generation = ++plane->generation;
	plan_ports(plane, worker, plan);
	plan_subscribers(plane, worker, plan);
	plan->holds = plane->holds;
	memcpy(plan->policies, plane->policies, sizeof(plan->policies));
	VEX_STORE_RELEASE(&worker->next_plan, plan); /* acquired by worker_adopt_plan() */
	wait_until_taken(plane, worker, plan->generation);
}

void plan_publish_all(struct plane *plane)
{
	for (uint32_t i = 0; i < plane->worker_count; i++)
		plan_publish(plane, &plane->workers[i]);
}
