/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane's ingest on lanes of hostile producers, who write at any moment: before and
 * after each look at a record's size as well. Whatever they do, every record taken is counted
 * as an event or as refused, and a lane whose producer is gone comes to an end.
 */
#include "fuzz.h"

#include <rte_eal.h>
#include <rte_mempool.h>

#include "abi/lane.h"

/* Ingest's own looks at shared memory, with a hostile hand in between. */
static uint32_t hostile_peek(const struct vex_lane_reader *r, const struct vex_record **record);
#define vex_lane_peek hostile_peek
#include "../../dataplane/ingest.c"
#undef vex_lane_peek

#define LANES 3u
#define RING 4096u
#define STEPS_MAX 1024
#define ROUNDS_MAX (LANES * RING / VEX_LINE + 16)

int LLVMFuzzerInitialize(int *argc, char ***argv);

struct hostile {
	struct lane lane;
	struct vex_lane_stat stat;
	struct vex_lane_producer_page producer;
	struct vex_lane_consumer_page consumer;
	struct vex_lane_writer writer;
	uint8_t *ring; /* twice */
};

static struct hostile hostiles[LANES];
static struct worker worker;
static struct vex_worker_stat worker_stat;
static struct port port;
static struct vex_port_stat port_stat;
static struct plan_port plan_port;
static struct input input;
static bool quiet; /* the producers are gone */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char words[][20] = {"fuzz", "--no-huge", "--no-shconf", "--no-pci",
			"--no-telemetry", "-l0", "-m32", "--log-level=error"};
	char *args[sizeof(words) / sizeof(*words)];
	int count = 0;

	(void)argc;
	(void)argv;
	for (; count < (int)(sizeof(words) / sizeof(*words)); count++)
		args[count] = words[count];
	MUST(rte_eal_init(count, args) >= 0);
	worker.objects = rte_mempool_create("objects", 15, sizeof(struct vex_object), 0, 0, NULL,
			NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	worker.long_objects = rte_mempool_create("long", 1, VEX_RECORD_MAX, 0, 0, NULL, NULL, NULL,
			NULL, SOCKET_ID_ANY, 0);
	MUST(worker.objects && worker.long_objects);
	return 0;
}

static void mirror(struct hostile *h, uint64_t offset, uint64_t len)
{
	for (uint64_t i = offset; i < offset + len; i++)
		h->ring[(i + RING) % (2 * RING)] = h->ring[i];
}

static void scribble(struct hostile *h, uint64_t offset)
{
	uint64_t len = input_number(&input, 1) % 64;

	offset %= RING;
	input_bytes(&input, h->ring + offset, len);
	mirror(h, offset, len);
}

static uint32_t hostile_peek(const struct vex_lane_reader *r, const struct vex_record **record)
{
	uint32_t size;

	for (uint32_t i = 0; i < LANES && !quiet; i++)
		if (&hostiles[i].lane.reader == r && (input_number(&input, 1) & 1))
			scribble(&hostiles[i], r->tail);
	size = vex_lane_peek(r, record);
	for (uint32_t i = 0; i < LANES && !quiet && size; i++)
		if (&hostiles[i].lane.reader == r && (input_number(&input, 1) & 1))
			scribble(&hostiles[i], r->tail + 4);
	return size;
}

/* What the writer wrote since its head was there: records, and the word behind them. */
static void mirror_from(struct hostile *h, uint64_t head)
{
	for (; head < h->writer.head; head += VEX_LINE)
		mirror(h, head % RING, VEX_LINE);
	mirror(h, head % RING, sizeof(uint32_t));
}

/* A record as a good producer writes it, of bytes that may be bad; a GAP first, if one is due. */
static void produce(struct hostile *h)
{
	uint32_t size = ((uint32_t)input_number(&input, 2) % 600 + VEX_RECORD_MIN) & ~7u;
	uint64_t head = h->writer.head;
	struct vex_record *record;

	if (!vex_lane_flush_gap(&h->writer, 1))
		return;
	record = vex_lane_reserve(&h->writer, size);
	if (record) {
		input_bytes(&input, &record->id, size - offsetof(struct vex_record, id));
		vex_lane_commit(&h->writer, record, size);
	} else {
		vex_lane_lose(&h->writer, 1, VEX_GAP_LANE_FULL);
	}
	mirror_from(h, head);
}

static uint64_t rejects(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < VEX_REJECT_LIMIT; i++)
		sum += port_stat.reject[i];
	return sum;
}

static void check_event(const struct vex_object *object, const struct vex_record *record)
{
	MUST(vex_record_check(record, record->size) == VEX_CHECK_OK);
	MUST(record->size <= VEX_OBJECT_RECORD_MAX || record != &object->record);
	MUST(port.keep_id || (record->id.port == port.id && record->id.lane < LANES));
}

/* One round of ingest, as the pipeline runs it. */
static void ingest(uint64_t *events)
{
	struct burst burst = {.from = &plan_port, .port = &port};
	uint64_t before = worker_stat.received, lanes = 0;

	worker.looks_for_losses = !worker.looks_for_losses; /* as after idle rounds, and not */
	stage_ingest(&worker, &burst);
	MUST(burst.count <= VEX_BURST_MAX);
	*events += burst.count;
	for (uint32_t i = 0; i < burst.count; i++) {
		check_event(burst.object[i], burst.record[i]);
	}
	for (uint32_t count = burst.count; burst.count;) {
		burst.count--; /* free_event() gives back what stands behind the last event */
		free_event(&worker, &burst);
		rte_mempool_put(worker.objects, burst.object[burst.count]);
		MUST(burst.count < count);
	}
	if (worker_stat.received != before) {
		vex_stat_end(&port_stat.generation);
		vex_stat_end(&worker_stat.generation);
		ingest_release(&plan_port);
	}
	MUST(port_stat.generation % 2 == 0 && worker_stat.generation % 2 == 0);
	MUST(port_stat.received == *events + rejects());
	MUST(worker_stat.received == port_stat.received);
	for (uint32_t i = 0; i < plan_port.lane_count; i++) {
		struct lane *lane = plan_port.lanes[i];

		lanes += lane->stat->received;
		MUST(lane->reader.tail % VEX_LINE == 0);
		MUST(lane->reader.own->position <= lane->reader.tail);
	}
	MUST(lanes == port_stat.received);
	MUST(rte_mempool_full(worker.objects) && rte_mempool_full(worker.long_objects));
}

static void lane_init(uint32_t number)
{
	struct hostile *h = &hostiles[number];

	memset(h, 0, sizeof(*h));
	h->ring = aligned_alloc(VEX_LINE, 2 * RING);
	MUST(h->ring);
	memset(h->ring, 0, 2 * RING);
	vex_lane_writer_init(&h->writer, h->ring, RING, &h->producer, &h->consumer);
	vex_lane_reader_init(&h->lane.reader, h->ring, h->ring, RING, &h->consumer, &h->producer);
	h->lane.record_max = vex_lane_record_max(RING);
	h->lane.number = number;
	h->lane.stat = &h->stat;
	h->lane.seq_known = input_number(&input, 1) & 1;
	plan_port.lanes[number] = &h->lane;
}

static void init(uint64_t how)
{
	memset(&worker_stat, 0, sizeof(worker_stat));
	memset(&port_stat, 0, sizeof(port_stat));
	memset(&port, 0, sizeof(port));
	worker.stat = &worker_stat;
	port.stat = &port_stat;
	port.id = 5;
	port.keep_id = how & 1;
	plan_port.port = &port;
	plan_port.lane_count = (uint32_t)(how >> 1) % LANES + 1;
	quiet = false;
	for (uint32_t i = 0; i < LANES; i++)
		lane_init(i);
}

static void step(uint64_t *events)
{
	struct hostile *h = &hostiles[input_number(&input, 1) % plan_port.lane_count];

	switch (input_number(&input, 1) % 8) {
	case 0:
		scribble(h, input_number(&input, 2));
		break;
	case 4:
		vex_lane_lose(&h->writer, input_number(&input, 1) + 1, VEX_GAP_LANE_FULL);
		break;
	case 1:
		input_bytes(&input, &h->producer, sizeof(h->producer));
		break;
	case 2:
		ingest(events);
		break;
	default:
		produce(h);
	}
}

/* The producers are gone: what they left is taken, and then every lane is done. */
static void finish(uint64_t *events)
{
	bool done = false;

	quiet = true;
	for (uint32_t i = 0; i < plan_port.lane_count; i++)
		hostiles[i].lane.draining = true;
	for (unsigned round = 0; round < ROUNDS_MAX && !done; round++) {
		ingest(events);
		done = true;
		for (uint32_t i = 0; i < plan_port.lane_count; i++)
			done = done && hostiles[i].lane.drained;
	}
	MUST(done);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t events = 0;

	input = (struct input){.at = data, .left = size};
	init(input_number(&input, 1));
	for (int i = 0; i < STEPS_MAX && input.left; i++)
		step(&events);
	finish(&events);
	for (uint32_t i = 0; i < LANES; i++)
		free(hostiles[i].ring);
	return 0;
}
