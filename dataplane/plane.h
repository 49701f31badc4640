/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane's own state.
 *
 * Who writes what: the main core writes everything but what stands under "worker". A worker
 * reads the main core's tables only through its plan, an immutable snapshot that it acquires
 * once a round and acknowledges; what a plan refers to is freed only after every worker has
 * acknowledged a plan without it. So nothing on the path of an event is locked.
 */
#ifndef VEX_DATAPLANE_PLANE_H
#define VEX_DATAPLANE_PLANE_H

#include <stdbool.h>

#include <rte_cycles.h>
#include <rte_mempool.h>

#include "abi/lane.h"
#include "base/lane_map.h"
#include "base/log_rate.h"
#include "dataplane/backlog.h"
#include "dataplane/ends.h"
#include "dataplane/guard.h"
#include "dataplane/held.h"
#include "dataplane/summary.h"
#include "stat/stat.h"

#define VEX_BURST_MAX 64u

/**
 * The canonical event: four cache lines, the first of which holds all that routing needs, and a
 * fifth, which is left alone unless rules add what they made of it. A record that does not fit
 * stands in an object of the long pool instead.
 */
struct vex_object {
	struct vex_record record;
	uint8_t attributes[200];
	uint8_t added[VEX_RECORD_ADDED_MAX];
} VEX_LINE_ALIGNED;

/** Of a record as it comes in. */
#define VEX_OBJECT_RECORD_MAX ((uint32_t)(sizeof(struct vex_object) - VEX_RECORD_ADDED_MAX))

VEX_STATIC_ASSERT(sizeof(struct vex_object) == 320, "five cache lines");

/** A producer's lane. */
struct lane {
	struct vex_lane_reader reader VEX_LINE_ALIGNED; /* worker */
	uint64_t received;				/* worker */
	uint64_t id_base; /* worker: an event's id is that much more than its number in the lane */
	uint64_t start; /* position at which this data plane began */
	uint32_t record_max;
	uint32_t number; /* within its port */
	bool seq_known;	 /* worker: the first record of a resumed lane tells where to go on */
	bool untrusted;	 /* worker, relaxed; the main core then frees the lane */
	bool drained;	 /* worker, released: nothing is left and nothing will come */
	bool draining;	 /* main, released */
	bool resumed;	 /* main: it outlived an earlier data plane */
	uint64_t drain_until; /* main: a position beyond which nothing is taken any more */
	struct vex_lane_stat *stat;
	struct vex_ring_map ring;
	struct vex_page_map page;
};

/** A producer: one connection, a set of lanes, one worker at a time. */
struct port {
	struct vex_port_stat *stat;
	uint32_t id;
	uint32_t boundary;
	bool keep_id;
	bool trusted; /* may say who acted; the others' records bear their own credentials */
	enum vex_class qos; /* how urgently it is polled */
	uint32_t pid;
	uint32_t uid;
	uint32_t gid;
	uint32_t worker; /* index */
	uint32_t polls;	 /* its worker's */
	int wake;	 /* eventfd in the epoll set of its worker */
	uint32_t lane_count;
	struct lane *lanes[VEX_PORT_LANES_MAX];
};

/** One worker's lane to one subscriber; the worker's, but for what main sets at the start. */
struct target {
	struct vex_lane_writer writer VEX_LINE_ALIGNED;
	uint32_t record_max;
	uint32_t subscriber;
	int wake;	  /* eventfd of the subscriber */
	bool kick_wanted; /* relaxed; cleared by whoever wakes the subscriber */
	struct vex_target_stat *stat;
	struct backlog backlog;
	struct guards guards;
	uint64_t serial;	/* tells it from the one before in its place */
	uint64_t seen_position; /* to which it had read when it was last looked at, */
	uint64_t seen_ns;	/* and since when it has not read on */
	uint64_t returns_since; /* it goes, and what it left unread finds no place; 0: it did */
	bool left; /* released; nothing waits, and the worker won't touch it any more */
	struct vex_ring_map ring;
	struct vex_page_map page;
};

struct subscriber {
	struct vex_subscriber_stat *stat;
	uint32_t id;
	int wake;
	bool started;
	bool leaving; /* what waits for it is given up; then it is freed */
	uint32_t boundary; /* whose reverse lane it is; VEX_BOUNDARY_NONE: of none */
	struct vex_filter filter;
	uint64_t ring_size;
	struct target *targets[VEX_WORKERS_MAX];
};

struct plan_port {
	struct port *port;
	uint32_t lane_count;
	struct lane *lanes[VEX_PORT_LANES_MAX];
};

struct rules;
struct rules_worker;

/** What a worker works on until the next one comes. Immutable once published. */
struct plan {
	uint64_t generation;
	uint32_t port_count;
	struct rules_worker *rules;		/* the worker's own; NULL: no rule set is loaded */
	const uint64_t *named;			/* who bears each name of the rule set */
	uint64_t of_boundary[VEX_BOUNDARY_COUNT]; /* whose reverse lanes these are */
	uint64_t subscribers;			/* a bit each, as in the masks below */
	uint64_t defaults;			/* who gets what he asked for, whatever is routed */
	uint64_t leaving;			/* they get nothing more, but have targets */
	bool holds; /* backlogs are used: otherwise what finds no room is lost */
	struct class_policy policies[VEX_CLASS_COUNT];
	uint64_t unfiltered;			/* who asked for everything */
	uint64_t by_type[VEX_TYPE_LIMIT];	/* who asked for this type */
	uint64_t by_boundary[VEX_BOUNDARY_COUNT]; /* who asked for this boundary */
	struct target *targets[VEX_SUBSCRIBERS_MAX];
	struct plan_port ports[VEX_PORTS_MAX];
};

enum idle_strategy {
	IDLE_POLL,
	IDLE_ADAPTIVE,
};

struct kernel;
struct plane;

struct worker {
	/* worker */
	const struct plan *plan VEX_LINE_ALIGNED;
	struct vex_worker_stat *stat;
	uint64_t idle_rounds;
	uint64_t idle_since; /* cycles */
	uint64_t gap_pending;  /* subscribers that a GAP is owed, a bit each */
	uint64_t kick_pending; /* subscribers to be woken, a bit each */
	bool looks_for_losses; /* in empty lanes, in the next round */
	uint64_t backlogged; /* subscribers that something waits for, a bit each */
	uint64_t leaving;    /* of the plan's, those that something still waits for */
	uint32_t blocking;   /* backlogs that made it stop polling and still have no room */
	uint64_t blocked_since; /* ns; 0: it polls */
	enum vex_class blocked_for;
	uint64_t guarded; /* subscribers whose lanes have guarded events, a bit each */
	uint64_t staged;  /* groups: written to, but not published yet */
	struct group_state *groups; /* for which something waits, or lies unread; a list */
	uint32_t timing;     /* bursts until the next one that is timed */
	uint32_t next_port;  /* of the plan, where the last round was broken off; 0: it was not */
	struct held_table held;
	struct summary_table summaries;
	/* shared with main */
	const struct plan *next_plan VEX_LINE_ALIGNED; /* main releases, worker acquires */
	uint64_t acknowledged; /* generation; worker releases, main acquires */
	bool stop;	       /* main, relaxed */
	/* set at the start */
	struct plan *plans VEX_LINE_ALIGNED; /* two, by turns the one in use */
	struct plane *plane;
	uint32_t index;
	uint32_t lcore;
	int epoll; /* sleeps here */
	int wake;  /* eventfd: main wakes it */
	struct rte_mempool *objects;
	struct rte_mempool *long_objects;
	uint64_t spin_cycles; /* it finds nothing for so long before it naps, */
	uint64_t nap_cycles;  /* and for so long before it sleeps until it is woken */
	uint64_t ns_of_cycles; /* nanoseconds of 2^32 cycles */
	enum idle_strategy idle;
	uint32_t node;
};

struct plane {
	struct vex_stat_segment *stat;
	int stat_fd;
	uint32_t worker_count;
	struct worker workers[VEX_WORKERS_MAX];
	struct port *ports[VEX_PORTS_MAX];
	struct subscriber *subscribers[VEX_SUBSCRIBERS_MAX];
	struct ends ends;
	uint64_t id_ends[VEX_PORTS_MAX][VEX_PORT_LANES_MAX]; /* of the lanes that were there last */
	struct rules *rules; /* NULL: the plane was made without */
	struct kernel *kernel; /* NULL: there is no tap */
	uint64_t generation;
	bool driven;	   /* rounds are run by the caller: tests and benchmarks */
	bool hold_resumed; /* resumed lanes are not polled yet */
	bool hold_unruled; /* none is, until word of rules comes; see startup.h */
	uint64_t attach_ns; /* when a subscriber last made a step of attaching; steady */
	uint64_t ring_max; /* bytes a lane, at most */
	uint64_t lane_memory; /* bytes of all lanes, at most */
	struct vex_log_rate detached; /* lanes that broke the rules */
	uint32_t backlog;  /* events that may wait for a subscriber, a worker each */
	bool holds;	   /* even without a rule set */
	struct group **groups; /* of all rule sets; groups.c alone */
	uint32_t group_count;
	uint32_t group_capacity;
	struct quotas *quotas; /* once a rule set had any */
	struct class_policy policies[VEX_CLASS_COUNT]; /* of the rule set, or the defaults */
	uint32_t node;
};

/** How many event objects there are, on each socket that has workers; and of rules, in all. */
struct plane_sizes {
	uint32_t events;      /**< of four cache lines; at least 1,024 */
	uint32_t long_events; /**< of VEX_RECORD_MAX bytes; at least 64 */
	uint32_t rules_max;   /**< rules of a set; 0: the default */
	uint32_t limit_keys;  /**< that limits of rules remember at once; 0: the default */
};

#define PLANE_BACKLOG_DEFAULT 1024u

/** A clock that only goes forward, in nanoseconds; on a worker. */
static inline uint64_t worker_now_ns(const struct worker *worker)
{
	return (uint64_t)((unsigned __int128)rte_rdtsc() * worker->ns_of_cycles >> 32);
}

static inline uint64_t target_bit(const struct target *target)
{
	return 1ull << target->subscriber;
}

/**
 * Makes the plane: statistics, pools, and a worker for each lcore that EAL has beside the main
 * one; EAL is initialised. With driven set, workers have no thread: the caller runs their
 * rounds. Returns NULL after logging why. Main core only, as everything that follows.
 */
struct plane *plane_create(const struct plane_sizes *sizes, bool driven, uint32_t node);

void plane_set_idle(struct plane *plane, enum idle_strategy idle, uint32_t spin_us);

/** Ports and subscribers must be gone, and workers stopped. NULL is fine. */
void plane_destroy(struct plane *plane);

#endif
