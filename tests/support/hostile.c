/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hostile: a producer that attaches as it should and then breaks the rules of its lane in one
 * of many ways, for as long as its standard input stays open.
 *
 *   hostile ATTACK SOCKET
 *
 * Prints "attached" once its lane is open, and "done" once the attack is made (or, for one that
 * goes on, well under way). Which attacks there are, and what each does, says the table below.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi/lane.h"
#include "base/lane_map.h"
#include "base/message.h"
#include "event/event.h"

#define RING (64u << 10)
#define ROUNDS 200000u

struct lane {
	int socket;
	int wake;
	struct vex_ring_map ring;
	struct vex_page_map page;
	struct vex_lane_writer writer;
};

static bool ended; /* relaxed */
static unsigned seed = 42;

static uint64_t draw(void)
{
	return (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed) << 11 ^
			(uint64_t)rand_r(&seed);
}

static void kick(const struct lane *lane)
{
	uint64_t one = 1;

	if (write(lane->wake, &one, sizeof(one)) < 0)
		return; /* it is full, so the worker is awake */
}

static struct vex_event sample(void)
{
	return (struct vex_event){.type = VEX_WRITE,
			.boundary = VEX_BOUNDARY_APP,
			.has = VEX_HAS_PATH,
			.start_ns = 1,
			.path = {"/hostile", 8}};
}

/* A record that is as it should be, waiting until there is room; false once all shall end. */
static bool commit_good(struct lane *lane)
{
	struct vex_event event = sample();
	uint32_t size = vex_event_size(&event);
	struct vex_record *record;

	while (!(record = vex_lane_reserve(&lane->writer, size))) {
		if (VEX_LOAD_RELAXED(&ended))
			return false;
		kick(lane);
		sched_yield();
	}
	vex_event_encode(&event, record);
	vex_lane_commit(&lane->writer, record, size);
	kick(lane);
	return true;
}

static struct vex_record *next_place(struct lane *lane)
{
	return (struct vex_record *)(lane->ring.ring + (lane->writer.head & lane->writer.mask));
}

/* One record with a size that can't be. */
static void bad_size(struct lane *lane, uint32_t size)
{
	VEX_STORE_RELEASE(&next_place(lane)->size, size);
	kick(lane);
}

static void size_odd(struct lane *lane) { bad_size(lane, 61); }
static void size_small(struct lane *lane) { bad_size(lane, 8); }
static void size_large(struct lane *lane) { bad_size(lane, VEX_RECORD_MAX + 8); }
static void size_ring(struct lane *lane) { bad_size(lane, RING); }
static void size_huge(struct lane *lane) { bad_size(lane, UINT32_MAX & ~7u); }

/* A good record, but for what spoil() does to it. */
static void spoilt(struct lane *lane, void (*spoil)(struct vex_record *))
{
	struct vex_event event = sample();
	uint32_t size = vex_event_size(&event);
	struct vex_record *record = next_place(lane);

	vex_event_encode(&event, record);
	spoil(record);
	vex_lane_commit(&lane->writer, record, size);
	kick(lane);
}

static void spoil_type(struct vex_record *record) { record->type = 255; }
static void spoil_boundary(struct vex_record *record) { record->boundary = 99; }
static void spoil_count(struct vex_record *record) { record->attr_count = 7; }

static void spoil_attribute(struct vex_record *record)
{
	uint32_t head = vex_attr_head(999, 8);

	memcpy(record + 1, &head, sizeof(head));
}

static void spoil_length(struct vex_record *record)
{
	uint32_t head = vex_attr_head(VEX_ATTR_PATH, 4000);

	memcpy(record + 1, &head, sizeof(head));
}

static void spoil_string(struct vex_record *record)
{
	memset((char *)(record + 1) + VEX_ATTR_HEAD, 0, 3);
}

/* Each of these is refused by itself; the lane can be trusted to go on. */
static void bad_records(struct lane *lane)
{
	void (*const spoils[])(struct vex_record *) = {spoil_type, spoil_boundary, spoil_count,
			spoil_attribute, spoil_length, spoil_string};

	for (unsigned i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		spoilt(lane, spoils[i]);
		commit_good(lane);
	}
}

static void seq_jump(struct lane *lane)
{
	commit_good(lane);
	lane->writer.seq += 5;
	commit_good(lane);
}

static void seq_repeat(struct lane *lane)
{
	commit_good(lane);
	lane->writer.seq--;
	commit_good(lane);
}

static void gap(struct lane *lane, uint64_t first, uint64_t last, uint64_t count)
{
	struct vex_record *record = next_place(lane);
	struct vex_attr_gap attr = {.first = first, .last = last, .count = count};

	memset(&record->id, 0, sizeof(record->id));
	vex_gap_fill(record, &attr, 1);
	vex_lane_stage_as(&lane->writer, record, VEX_GAP_RECORD_SIZE, (uint32_t)last);
	vex_lane_publish(&lane->writer);
	kick(lane);
}

static void gap_backward(struct lane *lane) { gap(lane, 9, 3, 7); }
static void gap_elsewhere(struct lane *lane) { gap(lane, 100, 109, 10); }
static void gap_miscounted(struct lane *lane) { gap(lane, 0, 9, 11); }
static void gap_without_end(struct lane *lane) { gap(lane, 0, UINT64_MAX, 0); }

/* Reserved, filled, never committed: the lane stands still, and nobody else does. */
static void never_committed(struct lane *lane)
{
	struct vex_event event = sample();

	commit_good(lane);
	vex_event_encode(&event, next_place(lane));
	kick(lane);
}

/* The whole ring and the producer's page, filled with noise, again and again. */
static void noise(struct lane *lane)
{
	uint64_t *words = (uint64_t *)lane->ring.page;

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < (VEX_LANE_PAGE + RING) / 8; i++)
			words[i] = draw();
		kick(lane);
	}
}

/* What the page says about itself is wrong; the data plane needs none of it. */
static void page_lies(struct lane *lane)
{
	for (unsigned i = 0; i < 1000; i++) {
		commit_good(lane);
		lane->ring.page->position = draw();
		lane->ring.page->ring_size = draw();
		lane->ring.page->lost_first = draw();
		VEX_STORE_RELEASE(&lane->ring.page->lost_count, draw());
	}
}

/* Says that it lost more events than there can be, and dies. */
static void loss_without_end(struct lane *lane)
{
	commit_good(lane);
	lane->ring.page->lost_first = 1;
	VEX_STORE_RELEASE(&lane->ring.page->lost_count, UINT64_MAX);
	close(lane->socket);
}

/* Changes the headers of records that were committed, while the data plane reads them. */
static void *change_headers(void *arg)
{
	struct lane *lane = arg;
	unsigned own_seed = 7;

	while (!VEX_LOAD_RELAXED(&ended)) {
		uint32_t at = (uint32_t)rand_r(&own_seed) % (RING / VEX_LINE) * VEX_LINE;
		struct vex_record *record = (struct vex_record *)(lane->ring.ring + at);
		uint32_t size = VEX_LOAD_RELAXED(&record->size);

		if (!size)
			continue;
		record->type = (uint16_t)rand_r(&own_seed);
		record->attr_count = (uint8_t)rand_r(&own_seed);
		((uint32_t *)(record + 1))[0] = (uint32_t)rand_r(&own_seed);
		record->start_ns = (uint64_t)rand_r(&own_seed) << 32;
	}
	return NULL;
}

static void changing_headers(struct lane *lane)
{
	pthread_t thread;

	pthread_create(&thread, NULL, change_headers, lane);
	for (unsigned i = 0; i < ROUNDS && commit_good(lane); i++)
		;
	VEX_STORE_RELAXED(&ended, true);
	pthread_join(thread, NULL);
	VEX_STORE_RELAXED(&ended, false);
}

/* Takes the word that says how long a record is back and forth under the reader's eyes. */
static void flickering_size(struct lane *lane)
{
	struct vex_record *record = next_place(lane);

	kick(lane);
	for (unsigned i = 0; i < ROUNDS * 20; i++)
		VEX_STORE_RELEASE(&record->size, i % 3 ? 0 : (uint32_t)(i * 8));
}

/* Hangs up, but keeps the memory and goes on writing: it is not listened to for ever. */
static void writing_on(struct lane *lane)
{
	commit_good(lane);
	close(lane->socket);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct vex_event event = sample();
		uint32_t size = vex_event_size(&event);
		struct vex_record *record = next_place(lane);

		vex_event_encode(&event, record);
		vex_lane_commit(&lane->writer, record, size);
	}
}

/* Wakes its worker without end, for nothing. */
static void waking(struct lane *lane)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		kick(lane);
}

struct attack {
	const char *name;
	void (*run)(struct lane *lane);
};

static const struct attack attacks[] = {{"size_odd", size_odd}, {"size_small", size_small},
		{"size_large", size_large}, {"size_ring", size_ring}, {"size_huge", size_huge},
		{"bad_records", bad_records}, {"seq_jump", seq_jump}, {"seq_repeat", seq_repeat},
		{"gap_backward", gap_backward}, {"gap_elsewhere", gap_elsewhere},
		{"gap_miscounted", gap_miscounted}, {"gap_without_end", gap_without_end},
		{"never_committed", never_committed}, {"noise", noise}, {"page_lies", page_lies},
		{"loss_without_end", loss_without_end}, {"changing_headers", changing_headers},
		{"flickering_size", flickering_size}, {"writing_on", writing_on},
		{"waking", waking}};

static int attach(struct lane *lane, const char *path)
{
	struct vex_message message = {.type = VEX_MESSAGE_HELLO};
	int fd = -1, error;

	lane->socket = vex_message_connect(path);
	message.hello.role = VEX_ROLE_PRODUCER;
	message.hello.boundary = VEX_BOUNDARY_APP;
	strcpy(message.hello.name, "hostile");
	error = vex_message_ask(lane->socket, &message, -1, VEX_MESSAGE_WELCOME, &lane->wake);
	if (error)
		return error;
	error = vex_ring_map_create(&lane->ring, RING);
	if (error)
		return error;
	memset(&message, 0, sizeof(message));
	message.type = VEX_MESSAGE_LANE_ADD;
	message.lane.ring_size = RING;
	error = vex_message_ask(lane->socket, &message, lane->ring.fd, VEX_MESSAGE_LANE_ADDED, &fd);
	if (!error)
		error = vex_page_map_open(&lane->page, fd);
	if (!error)
		vex_lane_writer_init(&lane->writer, lane->ring.ring, RING, lane->ring.page,
				lane->page.page);
	return error;
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct lane lane;
	const struct attack *attack = NULL;

	for (unsigned i = 0; argc == 3 && i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (!strcmp(attacks[i].name, argv[1]))
			attack = &attacks[i];
	if (!attack) {
		fprintf(stderr, "usage: hostile ATTACK SOCKET\n");
		return 2;
	}
	if (attach(&lane, argv[2])) {
		fprintf(stderr, "hostile: could not attach at %s\n", argv[2]);
		return 1;
	}
	say("attached");
	attack->run(&lane);
	say("done");
	while (getchar() != EOF)
		;
	return 0;
}
