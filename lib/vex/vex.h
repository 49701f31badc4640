/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvex: publish events into vexplane, and subscribe to them.
 *
 *   struct vex_port *port;
 *   struct vex_lane *lane;
 *   vex_port_open(&(struct vex_port_options){.name = "mystore"}, &port);
 *   vex_lane_open(port, &lane);                      // one for each thread that publishes
 *   vex_publish(lane, &(struct vex_event){.type = VEX_VECTOR_SEARCH, ...});
 *   vex_port_close(port);                            // closes its lanes as well
 *
 * Functions return 0 or a count, or a negative errno; vex_last_error() has a sentence for it.
 * A lane belongs to one thread at a time, and so does a subscription; ports may be shared.
 * Needs nothing but libc. For C11, C++11, and Python's ctypes as it stands.
 *
 * A data plane that goes away is looked for in the background and found again without help.
 * Meanwhile a lane takes events until it is full, then does as its policy says; what it held
 * is delivered by the next data plane, and what was lost is announced by a GAP event.
 */
#ifndef VEX_VEX_H
#define VEX_VEX_H

#include "event/event.h"
#include "abi/handshake.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vex_port;
struct vex_lane;
struct vex_subscription;

/** What happens to an event that finds its lane full. */
enum vex_full_policy {
	VEX_FULL_DROP, /**< it is dropped, counted, and announced by a GAP */
	VEX_FULL_WAIT, /**< the publisher waits up to wait_us, then it is dropped likewise */
};

/** All zero means the defaults. */
struct vex_port_options {
	const char *socket; /**< NULL: $VEX_SOCKET, or VEX_SOCKET_DEFAULT */
	const char *name;   /**< shown by vexctl; NULL: the program's name */
	uint32_t boundary;  /**< enum vex_boundary; 0: APP */
	uint32_t flags;     /**< VEX_PORT_KEEP_ID */
	uint64_t ring_size; /**< bytes a lane, a power of two, 4 KiB to 1 GiB, and at most the data
			     * plane's ring_max (64 MiB unless configured); 0: 256 KiB */
	uint32_t full;      /**< enum vex_full_policy */
	uint32_t wait_us;   /**< for VEX_FULL_WAIT; 0: 1,000 */
	uint32_t connect_ms; /**< how long vex_port_open() waits for a data plane; 0: one try */
	uint32_t background; /**< 1: succeed without one as well, and keep looking for it */
	uint32_t qos; /**< enum vex_qos; more than NORMAL is for root and the data plane's own user */
	uint32_t close_ms; /**< how long closing waits until all is taken; 0: 1,000 */
};

struct vex_port_stats {
	uint64_t published; /**< events taken into lanes */
	uint64_t lost;      /**< events dropped at a full lane, each announced or about to be; and those
			     * that vex_lane_close() gave up, no longer in published */
	uint64_t waits;     /**< times a publisher had to wait */
	uint64_t reconnects;
	uint32_t connected; /**< 1 or 0, now */
	uint32_t port;      /**< number that the data plane gave */
};

/**
 * Attaches a producer. -ENOENT or -ECONNREFUSED where no data plane answered in connect_ms,
 * -EACCES where it refused the caller, -EINVAL for options out of range.
 */
int vex_port_open(const struct vex_port_options *options, struct vex_port **port);

/**
 * Closes its lanes as vex_lane_close() does, within one close_ms for all of them, and detaches.
 * Returns how many events its lanes gave up. NULL is fine.
 */
int vex_port_close(struct vex_port *port);

/**
 * Opens a lane for the calling thread. -ENOSPC where the data plane has no room for it, -EINVAL
 * where the port's ring_size is beyond the data plane's ring_max.
 */
int vex_lane_open(struct vex_port *port, struct vex_lane **lane);

/**
 * Waits up to the port's close_ms until a data plane has taken all that the lane holds, be it one that
 * comes meanwhile, then frees the lane. What is left then stays with a data plane that is there: it
 * drains the lane. Where none is, the rest is lost without a GAP. Returns how many events that are, 0
 * where there are none; one whose data plane died over it may have been delivered. NULL is fine.
 */
int vex_lane_close(struct vex_lane *lane);

/**
 * Publishes one event. 0; -ENOBUFS where the lane was full and the event was dropped and
 * counted; -EMSGSIZE where it is larger than the lane takes; -EINVAL where vex_event_size() is 0
 * (event/event.h): the type, all lengths, and the names of attributes and labels are checked here.
 * Nothing is counted then. Not checked here, for the time that it would take: a NUL in comm, path
 * or path2. The data plane rejects such a record, as what vex_commit() gave it, and counts it
 * (bad_string in vexctl show drops).
 */
int vex_publish(struct vex_lane *lane, const struct vex_event *event);

/**
 * Gives room for a record of size bytes (a multiple of 8), to be filled in place: everything
 * but size, lane_seq and boundary. Followed by vex_commit() or by another vex_reserve().
 * Returns NULL as vex_publish() returns -ENOBUFS or -EMSGSIZE; *error may be NULL.
 */
struct vex_record *vex_reserve(struct vex_lane *lane, uint32_t size, int *error);
void vex_commit(struct vex_lane *lane, struct vex_record *record, uint32_t size);

/**
 * Announces what this lane has lost, if it can: otherwise that is done before its next event,
 * when it is closed, or by the data plane, once that finds the lane empty. For the lane's thread.
 * 0 where nothing is left to announce, -ENOBUFS where the lane is still full.
 */
int vex_flush(struct vex_lane *lane);

void vex_port_get_stats(struct vex_port *port, struct vex_port_stats *stats);

/** Whether all that was published has been taken by the data plane. */
int vex_port_drained(struct vex_port *port);

/** All zero means the defaults. */
struct vex_subscribe_options {
	const char *socket; /**< as in vex_port_options */
	const char *name;
	struct vex_filter filter;
	uint64_t ring_size;  /**< bytes a lane, as in vex_port_options; 0: 1 MiB */
	uint32_t connect_ms; /**< how long vex_subscribe() waits for a data plane; 0: one try */
	uint32_t background; /**< 1: succeed without one as well, and keep looking for it */
	uint32_t boundary; /**< enum vex_boundary whose reverse lane it is: it then gets what rules
			    * lead there, and no more; 0: of none */
	uint32_t reserved;
};

int vex_subscribe(const struct vex_subscribe_options *options, struct vex_subscription **sub);
void vex_unsubscribe(struct vex_subscription *sub);

/**
 * Reads up to count records, in the order in which they ended; never blocks. They stay valid
 * until the next vex_read() or vex_release() and are already checked. 0 where there are none.
 * GAP records tell of losses. -ENOTCONN once the data plane is gone and all it had delivered
 * was read: keep calling, it comes back.
 */
int vex_read(struct vex_subscription *sub, const struct vex_record **records, uint32_t count);

/** Gives the room of the last read back at once, rather than at the next read. */
void vex_release(struct vex_subscription *sub);

/**
 * Sleeps until there is something to read, or the data plane comes or goes, or timeout_ms
 * passed (-1: no bound). 1 where there may be something to read, 0 where time ran out,
 * -EINTR where a signal came.
 */
int vex_wait(struct vex_subscription *sub, int timeout_ms);

struct vex_subscription_stats {
	uint64_t received; /**< events read, GAPs not counted */
	uint64_t gaps;     /**< GAP records about this subscription's own lanes */
	uint64_t lost;     /**< events that those GAPs stand for */
	uint64_t reconnects;
	uint32_t connected;
	uint32_t subscriber; /**< number that the data plane gave */
};

void vex_subscription_get_stats(struct vex_subscription *sub, struct vex_subscription_stats *stats);

/** A sentence about the last error of this thread; never NULL. */
const char *vex_last_error(void);

/** CLOCK_REALTIME in nanoseconds, cheaply: from the cycle counter, disciplined every 10 ms. */
uint64_t vex_now_ns(void);

/* A filter's bits. */
static inline void vex_filter_add_type(struct vex_filter *filter, uint32_t type)
{
	filter->types[(type / 64) & 3] |= 1ull << (type % 64);
}

static inline void vex_filter_add_boundary(struct vex_filter *filter, uint32_t boundary)
{
	filter->boundaries |= 1u << boundary;
}

#ifdef __cplusplus
}
#endif
#endif
