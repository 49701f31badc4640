/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/idle.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "base/membarrier.h"
#include "dataplane/stage.h"

/* However a wake-up may get lost (a producer of another make), nothing waits for longer. */
#define SLEEP_MAX_MS 100
#define SLEEP_OWING_MS 1
#define NAP_NS 50000
#define HOUSEKEEPING_EVERY 256u
#define COUNTED_A_ROUND 64u /* decisions whose rules are told what they counted */

void idle_kick(struct target *target)
{
	VEX_STORE_RELAXED(&target->kick_wanted, false);
	send(target->wake, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void kick_subscribers(struct worker *worker)
{
	uint64_t left = worker->kick_pending & worker->plan->subscribers;

	worker->kick_pending = 0;
	for (; left; left &= left - 1) {
		idle_kick(worker->plan->targets[__builtin_ctzll(left)]);
		worker->stat->kicks++;
	}
}

/* What subscribers say they have read; theirs to claim, so never more than they were given. */
static void note_reads(struct worker *worker)
{
	const struct plan *plan = worker->plan;

	for (uint64_t left = plan->subscribers; left; left &= left - 1) {
		struct target *target = plan->targets[__builtin_ctzll(left)];
		uint64_t claimed = VEX_LOAD_RELAXED(&target->writer.peer->events);

		if (claimed > target->stat->delivered)
			claimed = target->stat->delivered;
		VEX_STORE_RELAXED(&target->stat->read, claimed);
	}
}

static void mark_lanes(const struct plan *plan, void (*mark)(struct vex_lane_reader *))
{
	for (uint32_t i = 0; i < plan->port_count; i++)
		for (uint32_t k = 0; k < plan->ports[i].lane_count; k++)
			mark(&plan->ports[i].lanes[k]->reader);
}

static bool lane_has_work(const struct lane *lane)
{
	const struct vex_record *record;

	if (!lane->untrusted && vex_lane_peek(&lane->reader, &record))
		return true;
	return VEX_LOAD_RELAXED(&lane->draining) && !lane->drained;
}

static bool has_work(struct worker *worker)
{
	const struct plan *plan = worker->plan;

	if (worker->leaving || VEX_LOAD_RELAXED(&worker->stop) || VEX_LOAD_RELAXED(&worker->next_plan) != plan)
		return true;
	for (uint32_t i = 0; i < plan->port_count; i++)
		for (uint32_t k = 0; k < plan->ports[i].lane_count; k++)
			if (lane_has_work(plan->ports[i].lanes[k]))
				return true;
	return false;
}

static void keep_house(struct worker *worker)
{
	if (worker->gap_pending)
		target_announce(worker);
	if (worker->kick_pending)
		kick_subscribers(worker);
	note_reads(worker);
	worker->looks_for_losses = true;
}

static int sleep_ms(const struct worker *worker)
{
	bool owing = worker->gap_pending || target_any_waits(worker);

	return owing ? SLEEP_OWING_MS : summary_wait_ms(worker, SLEEP_MAX_MS);
}

/* The events are edge-triggered: nothing has to be read back. */
static void sleep_until_kicked(struct worker *worker)
{
	struct epoll_event ignored[8];

	keep_house(worker);
	VEX_STORE_RELAXED(&worker->stat->sleeping, 1);
	mark_lanes(worker->plan, vex_lane_sleep_begin);
	vex_membarrier();
	if (!has_work(worker)) {
		worker->stat->sleeps++;
		epoll_wait(worker->epoll, ignored, 8, sleep_ms(worker));
	}
	mark_lanes(worker->plan, vex_lane_sleep_end);
	VEX_STORE_RELAXED(&worker->stat->sleeping, 0);
}

/*
 * While events come now and then, spinning takes a core from those who make them, and a wake-up
 * for each event costs its producer a system call. A nap costs neither, and ends by itself.
 */
static void nap(struct worker *worker)
{
	struct timespec length = {.tv_nsec = NAP_NS};

	keep_house(worker);
	nanosleep(&length, NULL);
}

void idle_start(void)
{
	prctl(PR_SET_TIMERSLACK, 1000); /* naps are to end on time */
}

/* What rules counted while there was no time for it. True where there is more. */
static bool tell_counted(const struct worker *worker)
{
	const struct rules_worker *rules = worker->plan->rules;

	return rules && rule_tell_counted(rules->matching, 0, 0, COUNTED_A_ROUND);
}

void idle_round(struct worker *worker)
{
	uint64_t now;

	worker->looks_for_losses = false;
	if (worker->kick_pending)
		kick_subscribers(worker);
	if (tell_counted(worker))
		return;
	if (worker->idle_rounds++ % HOUSEKEEPING_EVERY == 0)
		keep_house(worker);
	rte_pause();
	if (worker->idle != IDLE_ADAPTIVE)
		return;
	now = rte_rdtsc();
	if (worker->idle_rounds == 1)
		worker->idle_since = now;
	else if (now - worker->idle_since > worker->nap_cycles)
		sleep_until_kicked(worker);
	else if (now - worker->idle_since > worker->spin_cycles)
		nap(worker);
}
