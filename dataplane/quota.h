/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quotas by tenant: how many events a tenant may send, over all workers together.
 *
 * Each worker meters (rte_meter, single rate, three colours) the events that it takes in, without
 * a word to the others: of the tenant's rate and bursts it has a share, by how many of the
 * tenant's events came to it lately and how many to the others, which each worker publishes some
 * hundred times a second. So the shares add up to the quota, wherever the events come in; while
 * they shift (some 10 ms) a tenant may have up to its burst more. Part of the polling path.
 */
#ifndef VEX_DATAPLANE_QUOTA_H
#define VEX_DATAPLANE_QUOTA_H

#include <stdint.h>

#include <rte_meter.h>

#include "rule/image.h"
#include "rule/rule.h"
#include "stat/stat.h"

#define QUOTA_TENANTS_MAX 65536u /* beyond it tenants share one quota, the default one */
#define QUOTA_SLOTS (4 * QUOTA_TENANTS_MAX)
#define QUOTA_WINDOW_SHIFT 23 /* of nanoseconds: 8.4 ms */

struct worker;
struct burst;
struct plane;
struct ruleset;

/** A tenant at a worker; the worker's alone but for demand. */
struct quota_cell {
	uint64_t demand; /**< released to other workers: a window's number << 32 | events in it */
	uint64_t window; /**< the one that runs */
	uint64_t count;	 /**< events in it */
	uint64_t share;	 /**< of the quota, in 2^16ths; for that, and for these, the profile is made: */
	uint64_t events;
	uint64_t per_ns;
	uint64_t burst;
	uint64_t excess;
	uint32_t scale; /**< tokens an event */
	struct rte_meter_srtcm meter;
	struct rte_meter_srtcm_profile profile;
};

/** All tenants; goes on from rule set to rule set. */
struct quotas {
	uint32_t used;			 /**< by any worker: cells that were given out */
	uint32_t worker_count;
	uint64_t *slots;		 /**< hashed: tenant << 32 | cell, 0: free; cells from 1 */
	struct quota_cell *cells[VEX_WORKERS_MAX]; /**< cell 0: of tenants that found none */
};

/** What becomes of the events of a burst; a bit each. */
struct quota_verdict {
	uint64_t dropped;
	uint64_t demoted;
};

/** For each of events, whose set has quotas; they are counted by tenant. */
struct quota_verdict quota_ask(struct worker *worker, const struct burst *burst, uint64_t events);

/**
 * One event of a tenant at that worker; the core of the above. now_ns and now_tsc are the same
 * moment.
 */
enum rte_color quota_meter(struct quotas *quotas, uint32_t worker, uint32_t cell,
		const struct rule_image_quota *quota, uint64_t now_ns, uint64_t now_tsc);

/** The cell of a tenant, which gets one at its first event; 0 where all are taken. */
uint32_t quota_cell_of(struct quotas *quotas, uint32_t tenant);

/** The quota of a tenant in a set that ascends by tenant, that of any other last; or NULL. */
const struct rule_image_quota *quota_find(const struct rule_image_quota *quotas, uint64_t count,
		uint32_t tenant);

/** From the heap. NULL where memory is short. */
struct quotas *quotas_new(uint32_t worker_count);
void quotas_free(struct quotas *quotas);

#endif
