/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The statistics segment: one memfd, written by the data plane with plain stores, read by
 * anyone who was handed it, without a system call or a lock.
 *
 * Each block says who writes it. A block that several counters must agree in bears a
 * generation: odd while its one writer changes it (once a burst), so a reader that finds the
 * same even value before and after has a consistent copy: vex_stat_copy(). A worker keeps its
 * own generation odd around all that it changes in a burst, the blocks of its ports, lanes and
 * targets included, so that counts which stand in different blocks agree as well.
 */
#ifndef VEX_STAT_STAT_H
#define VEX_STAT_STAT_H

#include <stdbool.h>

#include "abi/types.h"
#include "abi/handshake.h"
#include "abi/tap.h"

#define VEX_STAT_MAGIC 0x73786576u /* "vexs" */
#define VEX_STAT_VERSION 4u
#define VEX_WORKERS_MAX 16u
#define VEX_PORTS_MAX 64u
#define VEX_LANES_MAX 256u     /**< of all ports together */
#define VEX_PORT_LANES_MAX 64u /**< of one port */
#define VEX_SUBSCRIBERS_MAX 64u
#define VEX_TENANTS_MAX 256u /**< that have a row of their own; row 0: of all others */
#define VEX_MEMBERS_MAX 256u /**< of groups, that have a row of their own */

#define VEX_STAGE(NAME, text) VEX_STAGE_##NAME,
enum vex_stage {
#include "stat/stat.def"
	VEX_STAGE_LIMIT,
};

#define VEX_CLASS(NAME, text) VEX_CLASS_##NAME,
enum vex_class {
#include "stat/stat.def"
	VEX_CLASS_COUNT,
};

#define VEX_DROP(NAME, text, description) VEX_DROP_##NAME,
enum vex_drop {
#include "stat/stat.def"
	VEX_DROP_LIMIT,
};

#define VEX_REJECT(NAME, text, description) VEX_REJECT_##NAME,
enum vex_reject {
#include "stat/stat.def"
	VEX_REJECT_LIMIT,
};

enum vex_slot_state {
	VEX_SLOT_FREE,
	VEX_SLOT_LIVE,
	VEX_SLOT_DRAINING, /**< its process is gone; what it left is still taken */
};

/** Counters: by the port's worker. The rest: by the main core. */
struct vex_port_stat {
	uint64_t generation;
#define VEX_PORT_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
	uint64_t drop[VEX_DROP_LIMIT];
	uint64_t reject[VEX_REJECT_LIMIT];
	uint32_t state VEX_LINE_ALIGNED; /**< enum vex_slot_state */
	uint32_t worker;
	uint32_t boundary;
	uint32_t flags;
	uint32_t lane_count;
	uint32_t pid;
	uint32_t uid;
	uint32_t gid;
	uint64_t attached_ns;
	char name[VEX_NAME_MAX];
} VEX_LINE_ALIGNED;

/** Counters: by the port's worker. The rest: by the main core. */
struct vex_lane_stat {
	uint64_t generation;
#define VEX_LANE_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
	uint64_t abandoned; /**< lost by its producer, which died before it could say so */
	uint32_t state VEX_LINE_ALIGNED;
	uint32_t port;
	uint32_t number; /**< within its port */
	uint32_t reserved;
	uint64_t ring_size;
	uint64_t waiting; /**< bytes committed but not taken, as the producer says; by the main core, each second */
} VEX_LINE_ALIGNED;

/** By one worker. */
struct vex_target_stat {
	uint64_t generation;
#define VEX_TARGET_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
} VEX_LINE_ALIGNED;

struct vex_subscriber_stat {
	uint32_t state VEX_LINE_ALIGNED; /**< by the main core, as all of this line and the next */
	uint32_t pid;
	uint32_t uid;
	uint32_t reserved;
	uint64_t attached_ns;
	uint64_t ring_size;
	struct vex_filter filter;
	char name[VEX_NAME_MAX];
	struct vex_target_stat worker[VEX_WORKERS_MAX];
} VEX_LINE_ALIGNED;

/**
 * Whether nobody is there: one who attaches gets his first events a moment before he is live, and
 * bears his time by then.
 */
static inline bool vex_stat_subscriber_is_free(const struct vex_subscriber_stat *stat)
{
	return stat->state == VEX_SLOT_FREE && !stat->attached_ns;
}

struct vex_stage_stat {
	uint64_t in;     /**< events that entered */
	uint64_t out;    /**< events that left for the next stage */
	uint64_t bursts; /**< calls */
	uint64_t cycles; /**< of the bursts that were timed */
	uint64_t timed;  /**< events of the bursts that were timed */
};

struct vex_tenant_stat {
#define VEX_TENANT_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
};

struct vex_class_stat {
#define VEX_CLASS_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
};

/** By one worker; shown, but in no account. */
struct vex_member_stat {
	uint64_t state; /**< of its circuit breaker: 0 closed, 1 open, 2 half open */
#define VEX_MEMBER_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
};

/** By whoever builds rule sets. */
struct vex_member_row {
	uint32_t state; /**< enum vex_slot_state */
	uint32_t balance; /**< as rules have it: round_robin, weighted, least_loaded, hash */
	uint32_t weight;
	uint32_t reserved;
	char group[VEX_NAME_MAX];
	char member[VEX_NAME_MAX];
};

/** By that worker; lcore, cpu, socket and port_count by the main core. */
struct vex_worker_stat {
	uint64_t generation;
#define VEX_WORKER_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
	struct vex_stage_stat stage[VEX_STAGE_LIMIT];
	struct vex_class_stat class[VEX_CLASS_COUNT];
	uint64_t type[VEX_TYPE_LIMIT]; /**< events received, by type */
	struct vex_tenant_stat tenant[VEX_TENANTS_MAX];
	uint32_t lcore VEX_LINE_ALIGNED;
	uint32_t cpu;
	uint32_t socket;
	uint32_t port_count;
	uint32_t sleeping; /**< 1 while it sleeps; by the worker */
} VEX_LINE_ALIGNED;

/** What ports and subscribers that are gone had counted; by the main core. */
struct vex_retired_stat {
	struct vex_port_stat port;
	struct vex_target_stat target;
	uint64_t ports;
	uint64_t lanes;
	uint64_t subscribers;
	uint64_t untrusted; /**< lanes detached because they could not be trusted */
	uint64_t refused;   /**< requests over the socket that were refused */
	uint64_t abandoned; /**< events lost by producers that died before they could say so */
};

/** The rule set in force, all zero: none; by the main core, with the segment's generation odd. */
struct vex_ruleset_stat {
	uint64_t generation;
	uint64_t rules;
	uint64_t image_bytes;
	uint64_t loaded_ns;
	uint64_t swap_ns; /**< from its publishing to the last worker's word */
	char name[VEX_NAME_MAX];
};

/** Of limits of rules, since the start; by the main core, each second. */
struct vex_limits_stat {
#define VEX_LIMIT_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
};

struct vex_kernel_type_stat {
#define VEX_KERNEL_TYPE_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
};

/**
 * What the kernel module counted since it was loaded, and what it is asked for (abi/tap.h); by the
 * main core, each second, with the segment's generation odd. Of a type, emitted + filtered +
 * dropped = seen, but for the operations in flight.
 */
struct vex_kernel_stat {
	uint32_t state;   /**< enum vex_slot_state; FREE: there is no tap */
	uint32_t enabled; /**< 0 while nothing is hooked */
#define VEX_KERNEL_COUNTER(name, description) uint64_t name;
#include "stat/stat.def"
	uint64_t lost[VEX_GAP_REASON_COUNT]; /**< by enum vex_gap_reason */
	struct vex_kernel_type_stat type[VEX_TYPE_LIMIT];
	struct vex_tap_select selection;
};

struct vex_stat_segment {
	uint32_t magic;
	uint32_t version;
	uint64_t size;
	uint32_t node;
	uint32_t pid;
	uint64_t started_ns;
	uint64_t tsc_hz;
	uint32_t worker_count;
	uint32_t idle; /**< 0 poll, 1 adaptive */
	uint64_t heartbeat_ns VEX_LINE_ALIGNED; /**< by the main core, each second */
	/** Odd while slots come, go or retire; by the main core. */
	uint64_t generation;
	struct vex_retired_stat retired;
	struct vex_ruleset_stat ruleset;
	struct vex_limits_stat limits;
	struct vex_kernel_stat kernel;
	struct vex_worker_stat worker[VEX_WORKERS_MAX];
	struct vex_port_stat port[VEX_PORTS_MAX];
	struct vex_lane_stat lane[VEX_LANES_MAX];
	struct vex_subscriber_stat subscriber[VEX_SUBSCRIBERS_MAX];
	uint64_t tenant[VEX_TENANTS_MAX]; /**< its number + 1, by row; 0: a free row. By workers */
	struct vex_member_row member[VEX_MEMBERS_MAX];
	/** The last: of members that found no row. */
	struct vex_member_stat member_of[VEX_WORKERS_MAX][VEX_MEMBERS_MAX + 1];
};

/* The writer's side: around each change of a block. */
static inline void vex_stat_begin(uint64_t *generation)
{
	VEX_STORE_RELAXED(generation, *generation + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void vex_stat_end(uint64_t *generation)
{
	VEX_STORE_RELEASE(generation, *generation + 1);
}

/**
 * Maps a segment that was handed over as fd. Returns NULL with errno set; EPROTO where it is of
 * another version. vex_stat_unmap() accepts NULL.
 */
const struct vex_stat_segment *vex_stat_map(int fd);
void vex_stat_unmap(const struct vex_stat_segment *segment);

/**
 * Copies the whole segment so that it is consistent: no block, and no slot, in the middle of
 * a change. Retries for a bounded time; false where writers never paused (the copy is then
 * torn and must not be verified).
 */
bool vex_stat_copy(const struct vex_stat_segment *segment, struct vex_stat_segment *copy);

/**
 * Copies size bytes at part of the segment, which the main core writes with the segment's
 * generation odd, likewise; tries for a moment.
 */
void vex_stat_copy_part(const struct vex_stat_segment *segment, const void *part, void *to,
		size_t size);

/** One line of the conservation table. */
struct vex_verify_row {
	char what[96]; /**< "port 3 vex-fuse", "subscriber 0 tail", "all" */
	uint64_t received; /**< or offered */
	uint64_t delivered;
	uint64_t dropped; /**< by all reasons together */
	uint64_t held;
	int64_t missing; /**< received - delivered - dropped - held: 0 where it holds */
	bool ok;
	char why[160]; /**< of a row that fails, or of a cross-check */
};

#define VEX_VERIFY_ROWS_MAX (VEX_PORTS_MAX + VEX_SUBSCRIBERS_MAX + VEX_WORKERS_MAX * 4 + 16)

/**
 * Checks conservation on a consistent copy: each port, each subscriber, the retired ones, and
 * the whole; and that what is counted in different places agrees: ports with workers, workers
 * with stages, lanes of subscribers with the deliver stage, announced losses with drops.
 * Returns the number of rows; *ok is true only where every one holds. Pure.
 */
unsigned vex_verify(const struct vex_stat_segment *copy, struct vex_verify_row *rows,
		unsigned cap, bool *ok);

const char *vex_stage_name(unsigned stage);
const char *vex_class_name(unsigned class);
const char *vex_drop_name(unsigned drop);
const char *vex_drop_text(unsigned drop);
const char *vex_reject_name(unsigned reject);
const char *vex_reject_text(unsigned reject);

#endif
