/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>

#include "base/clock.h"
#include "dataplane/port.h"
#include "dataplane/subscriber.h"
#include "dataplane/worker.h"

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "harness: %s failed at line %d\n", #cond, __LINE__);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void start_eal(void)
{
	static char words[][16] = {"test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
			"-m", "96", "--lcores", "0@0,1@0,2@0", "--log-level", "error"};
	static char *args[sizeof(words) / sizeof(words[0]) + 1]; /* EAL writes to both */

	if (args[0])
		return;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		args[i] = words[i];
	REQUIRE(rte_eal_init(sizeof(words) / sizeof(words[0]), args) >= 0);
}

struct plane *harness_plane(void)
{
	struct plane_sizes sizes = {.events = 2048, .long_events = 64};
	struct plane *plane;

	start_eal();
	plane = plane_create(&sizes, true, 7);
	REQUIRE(plane);
	plane_set_idle(plane, IDLE_POLL, 0);
	return plane;
}

static bool has_lanes(const struct plane *plane)
{
	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++)
		if (plane->ports[i] && plane->ports[i]->lane_count)
			return true;
	return false;
}

void harness_free(struct plane *plane)
{
	for (uint32_t i = 0; i < VEX_PORTS_MAX; i++)
		if (plane->ports[i])
			port_drain(plane, plane->ports[i]);
	do {
		harness_settle(plane);
		port_reap(plane);
	} while (has_lanes(plane));
	for (uint32_t i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		if (plane->subscribers[i])
			subscriber_remove(plane, plane->subscribers[i]);
	REQUIRE(!port_reap(plane)); /* what they held went with the subscribers */
	for (uint32_t i = 0; i < plane->worker_count; i++)
		REQUIRE(plane->workers[i].held.used == 0 && !plane->workers[i].summaries.count);
	REQUIRE(harness_verify(plane));
	plane_destroy(plane);
}

struct port *harness_port(struct plane *plane, uint32_t boundary, uint32_t flags, bool stranger)
{
	struct vex_message hello = {.type = VEX_MESSAGE_HELLO};
	struct ucred who = {.pid = 4242, .uid = stranger ? 65534 : 0, .gid = stranger ? 65533 : 0};
	char reason[VEX_REASON_MAX];
	struct port *port = NULL;

	hello.hello.boundary = boundary;
	hello.hello.flags = flags;
	snprintf(hello.hello.name, sizeof(hello.hello.name), "harness");
	if (port_add(plane, &hello, &who, &port, reason))
		return NULL;
	return port;
}

void harness_lane(struct plane *plane, struct port *port, uint64_t ring_size,
		struct producer *producer)
{
	struct vex_message message = {.type = VEX_MESSAGE_LANE_ADD};
	char reason[VEX_REASON_MAX];
	int page_fd;

	if (!producer->ring.base) {
		producer->ring.fd = -1;
		REQUIRE(vex_ring_map_create(&producer->ring, ring_size) == 0);
	}
	message.lane.ring_size = ring_size;
	message.lane.position = producer->page.page ? producer->page.page->position : 0;
	message.lane.seq = producer->writer.seq;
	REQUIRE(port_add_lane(plane, port, dup(producer->ring.fd), &message, &page_fd, reason) == 0);
	producer->port = port;
	producer->lane = message.lane.lane;
	if (!producer->true_ids)
		port->lanes[producer->lane]->id_base = 0;
	bool fresh = !producer->page.page;
	REQUIRE(vex_page_map_open(&producer->page, page_fd) == 0);
	if (fresh)
		vex_lane_writer_init(&producer->writer, producer->ring.ring, ring_size,
				producer->ring.page, producer->page.page);
}

void harness_producer_free(struct producer *producer)
{
	vex_ring_map_close(&producer->ring);
	vex_page_map_close(&producer->page);
	memset(producer, 0, sizeof(*producer));
}

static void open_lane(struct plane *plane, struct consumer *consumer, uint32_t i)
{
	struct vex_message message = {.type = VEX_MESSAGE_LANE_ADD};
	char reason[VEX_REASON_MAX];
	int ring_fd;

	REQUIRE(vex_page_map_create(&consumer->page[i]) == 0);
	message.lane.lane = i;
	REQUIRE(subscriber_add_lane(plane, consumer->subscriber, dup(consumer->page[i].fd),
				&message, &ring_fd, reason) == 0);
	REQUIRE(vex_ring_map_open(&consumer->ring[i], ring_fd, message.lane.ring_size) == 0);
	vex_lane_reader_init(&consumer->reader[i], consumer->ring[i].ring, consumer->ring[i].lines,
			consumer->ring[i].ring_size, consumer->page[i].page,
			consumer->ring[i].page);
}

void harness_subscribe(struct plane *plane, const struct vex_filter *filter, uint64_t ring_size,
		struct consumer *consumer)
{
	harness_subscribe_as(plane, "", VEX_BOUNDARY_NONE, filter, ring_size, consumer);
}

void harness_subscribe_as(struct plane *plane, const char *name, uint32_t boundary,
		const struct vex_filter *filter, uint64_t ring_size, struct consumer *consumer)
{
	struct vex_message hello = {.type = VEX_MESSAGE_HELLO};
	struct ucred who = {.pid = 1};
	char reason[VEX_REASON_MAX];
	int pair[2];

	memset(consumer, 0, sizeof(*consumer));
	REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	close(pair[0]);
	if (filter)
		hello.hello.filter = *filter;
	hello.hello.ring_size = ring_size;
	hello.hello.boundary = boundary;
	snprintf(hello.hello.name, sizeof(hello.hello.name), "%s", name);
	REQUIRE(subscriber_add(plane, &hello, &who, pair[1], &consumer->subscriber, reason) == 0);
	for (uint32_t i = 0; i < plane->worker_count; i++)
		open_lane(plane, consumer, i);
	REQUIRE(subscriber_start(plane, consumer->subscriber, reason) == 0);
}

void harness_consumer_free(struct consumer *consumer)
{
	for (uint32_t i = 0; i < VEX_WORKERS_MAX; i++) {
		if (!consumer->ring[i].base)
			continue;
		vex_ring_map_close(&consumer->ring[i]);
		vex_page_map_close(&consumer->page[i]);
	}
}

bool harness_publish(struct producer *producer, const struct vex_event *event)
{
	uint32_t size = vex_event_size(event);
	struct vex_record *record = NULL;

	REQUIRE(size);
	if (vex_lane_flush_gap(&producer->writer, vex_clock_now()))
		record = vex_lane_reserve(&producer->writer, size);
	if (!record) {
		vex_lane_lose(&producer->writer, 1, VEX_GAP_LANE_FULL);
		return false;
	}
	vex_event_encode(event, record);
	vex_lane_commit(&producer->writer, record, size);
	return true;
}

uint32_t harness_round(struct plane *plane)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < plane->worker_count; i++)
		taken += worker_round(&plane->workers[i]);
	return taken;
}

void harness_settle(struct plane *plane)
{
	while (harness_round(plane))
		;
	for (int i = 0; i < 600; i++) /* housekeeping comes round as well */
		harness_round(plane);
}

static const struct vex_attr_gap *own_gap(const struct vex_record *record,
		struct vex_attr_gap *gap)
{
	if (record->type != VEX_GAP || record->boundary != VEX_BOUNDARY_NONE)
		return NULL;
	memcpy(gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(*gap));
	return gap;
}

const struct vex_record *harness_read(struct consumer *consumer)
{
	for (uint32_t i = 0; i < VEX_WORKERS_MAX && consumer->ring[i].base; i++) {
		struct vex_lane_reader *reader = &consumer->reader[i];
		const struct vex_record *record;
		struct vex_attr_gap space;
		const struct vex_attr_gap *gap;
		uint32_t size;

		vex_lane_release(reader);
		size = vex_lane_peek(reader, &record);
		if (!size)
			continue;
		REQUIRE(vex_record_check(record, size) == VEX_CHECK_OK);
		gap = own_gap(record, &space);
		REQUIRE(vex_lane_advance(reader, size, record->lane_seq, gap) == 0);
		if (gap) {
			consumer->gaps++;
			consumer->lost += gap->count;
		}
		return record;
	}
	return NULL;
}

bool harness_verify(struct plane *plane)
{
	struct vex_stat_segment *copy = malloc(sizeof(*copy));
	struct vex_verify_row rows[VEX_VERIFY_ROWS_MAX];
	unsigned count;
	bool ok;

	REQUIRE(copy && vex_stat_copy(plane->stat, copy));
	count = vex_verify(copy, rows, VEX_VERIFY_ROWS_MAX, &ok);
	for (unsigned i = 0; i < count; i++)
		if (!rows[i].ok)
			printf("%s: received %lu delivered %lu dropped %lu held %lu: %s\n",
					rows[i].what, rows[i].received, rows[i].delivered,
					rows[i].dropped, rows[i].held, rows[i].why);
	free(copy);
	return ok && count > 0;
}
