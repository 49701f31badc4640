/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/plan.h"

#include <sys/eventfd.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "dataplane/rules.h"
#include "rule/rule.h"
#include "dataplane/worker.h"

static bool polled(const struct plane *plane, const struct lane *lane)
{
	return lane && !plane->hold_unruled && !(lane->resumed && plane->hold_resumed);
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

	if (all_types && !filter->boundaries)
		plan->unfiltered |= bit;
	for (uint32_t type = 0; type < VEX_TYPE_LIMIT; type++)
		if (all_types || (filter->types[type / 64] & 1ull << type % 64))
			plan->by_type[type] |= bit;
	for (uint32_t i = 0; i < VEX_BOUNDARY_COUNT; i++)
		if (!filter->boundaries || (filter->boundaries & 1u << i))
			plan->by_boundary[i] |= bit;
}

/* Who is named by the rule set gets what that leads to him, and who belongs to a boundary. */
static void plan_place(struct plan *plan, const struct ruleset *set, uint64_t *named,
		const struct subscriber *sub, uint64_t bit)
{
	const char *name = sub->stat->name;
	uint32_t number = set ? rule_names_find(&set->names, name, strnlen(name, VEX_NAME_MAX))
			      : RULE_NAMES_NONE;

	if (number != RULE_NAMES_NONE)
		named[number] |= bit;
	if (sub->boundary)
		plan->of_boundary[sub->boundary] |= bit;
	if (number == RULE_NAMES_NONE && !sub->boundary)
		plan->defaults |= bit;
}

static void make_guards(struct plan *plan, uint64_t who)
{
	for (; who; who &= who - 1) {
		struct target *target = plan->targets[__builtin_ctzll(who)];

		if (!target->guards.capacity && guards_init(&target->guards, target->ring.ring_size))
			vex_warn("out of memory: subscriber %u gets no critical events of groups",
					target->subscriber);
	}
}

/* What members of groups have not read yet is kept; memory for that is made once one is known. */
static void plan_guards(struct plan *plan, const struct ruleset *set)
{
	const struct rule_image_group_of *groups = rule_image_part(set->image, RULE_PART_GROUPS);

	for (uint32_t i = 0; i < set->group_count; i++)
		for (uint32_t k = 0; k < groups[i].member_count; k++) {
			uint64_t who = plan->named[set->members[groups[i].member_first + k]] &
					plan->subscribers;

			make_guards(plan, who & -who); /* of several of one name the first is the member */
		}
}

static void plan_subscribers(struct plane *plane, struct worker *worker, struct plan *plan)
{
	const struct ruleset *set = plane->rules ? plane->rules->set : NULL;
	uint64_t *named = NULL;

	if (set) {
		plan->rules = &set->workers[worker->index];
		plan->named = named = plan->rules->named[plan != worker->plans];
		memset(named, 0, set->names.count * sizeof(*named));
	}
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
		plan_place(plan, set, named, sub, 1ull << i);
	}
	if (set)
		plan_guards(plan, set);
}

VEX_STATIC_ASSERT((int)CLASS_BLOCK == RULE_OVERLOAD_BLOCK &&
				(int)CLASS_DROP_OLDEST == RULE_OVERLOAD_DROP_OLDEST &&
				(int)CLASS_DROP_NEWEST == RULE_OVERLOAD_DROP_NEWEST,
		"images and backlogs mean the same");

/* What a rule set says of the service classes; without one nothing waits unless asked for. */
static void plan_classes(struct plane *plane, struct plan *plan)
{
	const struct rule_image_class *classes;

	plan->holds = plane->holds || plan->rules;
	memcpy(plan->policies, plane->policies, sizeof(plan->policies));
	if (!plan->rules)
		return;
	classes = rule_image_part(plan->rules->set->image, RULE_PART_CLASSES);
	for (unsigned i = 0; i < VEX_CLASS_COUNT; i++)
		plan->policies[i] = (struct class_policy){
				.overload = (enum class_overload)classes[i].overload,
				.share = classes[i].share,
				.block_ns = classes[i].block_ns};
}

void plan_wake(struct worker *worker)
{
	eventfd_write(worker->wake, 1);
}

static void wait_until_taken(struct plane *plane, struct worker *worker)
{
	const struct plan *plan = VEX_LOAD_RELAXED(&worker->next_plan);
	struct timespec pause = {.tv_nsec = 20000};

	if (plane->driven) {
		worker_adopt_plan(worker);
		return;
	}
	/* Released by worker_adopt_plan(): the worker uses nothing of the plan before any more. */
	while (VEX_LOAD_ACQUIRE(&worker->acknowledged) != plan->generation)
		nanosleep(&pause, NULL);
}

static struct plan *make(struct plane *plane, struct worker *worker)
{
	struct plan *plan = &worker->plans[worker->next_plan == worker->plans];

	memset(plan, 0, sizeof(*plan));
	plan->generation = ++plane->generation;
	plan_ports(plane, worker, plan);
	plan_subscribers(plane, worker, plan);
	plan_classes(plane, plan);
	return plan;
}

static void hand_over(struct plane *plane, struct worker *worker, struct plan *plan)
{
	VEX_STORE_RELEASE(&worker->next_plan, plan); /* acquired by worker_adopt_plan() */
	if (!plane->driven)
		plan_wake(worker);
}

void plan_publish(struct plane *plane, struct worker *worker)
{
	hand_over(plane, worker, make(plane, worker));
	wait_until_taken(plane, worker);
}

uint64_t plan_publish_all(struct plane *plane)
{
	struct plan *plans[VEX_WORKERS_MAX];
	uint64_t start;

	for (uint32_t i = 0; i < plane->worker_count; i++)
		plans[i] = make(plane, &plane->workers[i]);
	start = vex_clock_steady();
	for (uint32_t i = 0; i < plane->worker_count; i++)
		hand_over(plane, &plane->workers[i], plans[i]);
	for (uint32_t i = 0; i < plane->worker_count; i++)
		wait_until_taken(plane, &plane->workers[i]);
	return vex_clock_steady() - start;
}
