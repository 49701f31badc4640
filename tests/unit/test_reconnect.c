/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A producer that publishes all the time while its data plane goes and comes: each time another
 * consumer's page is mapped over the one it reads (lib/base/lane_map.h). No position is ever taken
 * for another, so nothing is overwritten that was not read: every event arrives once, in order,
 * or is announced as lost. Built a second time with ThreadSanitizer.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/lane_map.h"
#include "base/message.h"
#include "support/unit.h"
#include "vex/vex.h"

#define ROUNDS 60u
#define TAKEN_A_ROUND 2000u
#define RING (16u << 10)

struct plane {
	pthread_t thread;
	int listener;
	struct vex_lane_reader reader;
	uint64_t events;
	uint64_t lost;
	uint64_t wrong;
	uint64_t attached;
	uint64_t publishing; /* cleared by the producer */
};

static char path[64];

static bool answer(int connection, struct vex_message *message, uint16_t type, int fd)
{
	bool sent;

	message->type = type;
	sent = !vex_message_send(connection, message, fd);
	close(fd);
	return sent;
}

static bool attach(struct plane *plane, int connection, struct vex_ring_map *ring,
		struct vex_page_map *page)
{
	struct vex_lane_reader before = plane->reader;
	struct vex_message message;
	int fd;

	if (vex_message_receive(connection, &message, &fd) || message.type != VEX_MESSAGE_HELLO)
		return false;
	memset(message.bytes, 0, sizeof(message.bytes));
	if (!answer(connection, &message, VEX_MESSAGE_WELCOME, eventfd(0, EFD_CLOEXEC)) ||
			vex_message_receive(connection, &message, &fd) ||
			message.type != VEX_MESSAGE_LANE_ADD)
		return false;
	if (vex_ring_map_open(ring, fd, RING) || vex_page_map_create(page))
		return false;
	vex_lane_reader_init(&plane->reader, ring->ring, ring->lines, RING, page->page, ring->page);
	plane->reader.tail = before.tail;
	plane->reader.seq = before.seq;
	page->page->position = before.tail;
	plane->attached++;
	return answer(connection, &message, VEX_MESSAGE_LANE_ADDED, dup(page->fd));
}

static const struct vex_attr_gap *gap_of(const struct vex_record *record, struct vex_attr_gap *gap)
{
	if (record->type != VEX_GAP)
		return NULL;
	memcpy(gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(*gap));
	return gap;
}

/* Takes one record, if there is one. What stands in it is what was published at that number. */
static bool take(struct plane *plane)
{
	const struct vex_record *record;
	uint32_t size = vex_lane_peek(&plane->reader, &record);
	const struct vex_attr_gap *gap;
	struct vex_attr_gap space;
	uint64_t wrong = 0;

	if (!size)
		return false;
	gap = size >= VEX_RECORD_MIN && size <= 512 ? gap_of(record, &space) : NULL;
	if (gap)
		plane->lost += gap->count;
	else
		wrong += record->start_ns != plane->reader.seq + 1;
	plane->events += !gap;
	wrong += vex_lane_advance(&plane->reader, size, record->lane_seq, gap) != 0;
	if (wrong) {
		VEX_STORE_RELAXED(&plane->wrong, wrong);
		return false;
	}
	vex_lane_release(&plane->reader);
	return true;
}

/* One connection; the last one takes all that will ever be published. */
static void serve(struct plane *plane)
{
	struct vex_ring_map ring = {.fd = -1};
	struct vex_page_map page = {.fd = -1};
	int connection = accept(plane->listener, NULL, NULL);
	bool attached = attach(plane, connection, &ring, &page);
	bool last = plane->attached == ROUNDS;
	uint64_t publishing = 1;
	unsigned taken = 0;

	while (attached && publishing && !plane->wrong && (last || taken < TAKEN_A_ROUND)) {
		publishing = VEX_LOAD_ACQUIRE(&plane->publishing);
		taken += take(plane);
	}
	while (attached && last && take(plane))
		;
	close(connection);
	vex_ring_map_close(&ring);
	vex_page_map_close(&page);
}

static void *run_plane(void *data)
{
	struct plane *plane = data;

	while (plane->attached < ROUNDS && !plane->wrong)
		serve(plane);
	return NULL;
}

static void listen_at(struct plane *plane)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(path, sizeof(path), "/tmp/vex-reconnect-%d.sock", getpid());
	memcpy(address.sun_path, path, sizeof(path));
	plane->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(plane->listener >= 0);
	CU_ASSERT_FATAL(!bind(plane->listener, (struct sockaddr *)&address, sizeof(address)));
	CU_ASSERT_FATAL(!listen(plane->listener, 8));
}

static void test_reconnect(void)
{
	struct vex_port_options options = {.socket = path, .name = "reconnect", .ring_size = RING,
			.connect_ms = 5000};
	struct plane plane = {.publishing = 1};
	struct vex_port_stats stats;
	struct vex_port *port = NULL;
	struct vex_lane *lane = NULL;
	struct vex_event event = {.type = VEX_OPEN};

	listen_at(&plane);
	CU_ASSERT_FATAL(!pthread_create(&plane.thread, NULL, run_plane, &plane));
	CU_ASSERT_FATAL(!vex_port_open(&options, &port));
	CU_ASSERT_FATAL(!vex_lane_open(port, &lane));
	do { /* the number of each event is its time; what does not fit takes one as well */
		for (unsigned i = 0; i < 1000; i++) {
			event.start_ns++;
			vex_publish(lane, &event);
		}
		vex_port_get_stats(port, &stats);
	} while (stats.reconnects < ROUNDS - 1 && !VEX_LOAD_RELAXED(&plane.wrong));
	while (vex_flush(lane) && !VEX_LOAD_RELAXED(&plane.wrong))
		usleep(100);
	VEX_STORE_RELEASE(&plane.publishing, 0);
	pthread_join(plane.thread, NULL);
	vex_port_get_stats(port, &stats);
	CU_ASSERT_EQUAL(plane.wrong, 0);
	CU_ASSERT_EQUAL(plane.attached, ROUNDS);
	CU_ASSERT_EQUAL(plane.events, stats.published);
	CU_ASSERT_EQUAL(plane.lost, stats.lost);
	CU_ASSERT_EQUAL(plane.events + plane.lost, event.start_ns);
	vex_lane_close(lane);
	vex_port_close(port);
	close(plane.listener);
	unlink(path);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a data plane that goes and comes", test_reconnect},
		CU_TEST_INFO_NULL,
	};

	return unit_run("reconnect", tests);
}
