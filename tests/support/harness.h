/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real pipeline, driven by the test: a plane whose workers have no thread, producers and
 * subscribers that hold real lanes of it, without the socket between. One thread.
 */
#ifndef VEX_TESTS_HARNESS_H
#define VEX_TESTS_HARNESS_H

#include "dataplane/plane.h"
#include "event/event.h"

struct producer {
	struct port *port;
	struct vex_ring_map ring;
	struct vex_page_map page;
	struct vex_lane_writer writer;
	uint32_t lane;
	bool true_ids; /* as the data plane gives them; else they are the lane's own numbers */
};

struct consumer {
	struct subscriber *subscriber;
	struct vex_ring_map ring[VEX_WORKERS_MAX];
	struct vex_page_map page[VEX_WORKERS_MAX];
	struct vex_lane_reader reader[VEX_WORKERS_MAX];
	uint64_t gaps;
	uint64_t lost;
};

/** Initialises EAL once a process, and makes a plane with two workers. */
struct plane *harness_plane(void);

/** Frees ports, subscribers and the plane. */
void harness_free(struct plane *plane);

/** Credentials of root, or of a stranger. */
struct port *harness_port(struct plane *plane, uint32_t boundary, uint32_t flags, bool stranger);

/** A lane of the port; position and seq other than 0 take an old ring over. */
void harness_lane(struct plane *plane, struct port *port, uint64_t ring_size,
		struct producer *producer);
void harness_producer_free(struct producer *producer);

void harness_subscribe(struct plane *plane, const struct vex_filter *filter, uint64_t ring_size,
		struct consumer *consumer);
/** The same by a name, for a boundary; both as HELLO brings them. */
void harness_subscribe_as(struct plane *plane, const char *name, uint32_t boundary,
		const struct vex_filter *filter, uint64_t ring_size, struct consumer *consumer);
void harness_consumer_free(struct consumer *consumer);

/** Publishes; false where the lane is full (the event is then lost, as libvex does it). */
bool harness_publish(struct producer *producer, const struct vex_event *event);

/** One round of every worker. */
uint32_t harness_round(struct plane *plane);

/** Rounds until nothing is taken in any more. */
void harness_settle(struct plane *plane);

/**
 * The next record from any worker, or NULL; GAPs of the lane itself are counted in gaps and
 * lost, and given too. It stays until the next call.
 */
const struct vex_record *harness_read(struct consumer *consumer);

/** Whether conservation holds; prints the rows that fail. */
bool harness_verify(struct plane *plane);

#endif
