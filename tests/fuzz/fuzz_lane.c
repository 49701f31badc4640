/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lane whose other side is hostile. The input is a program: its first byte picks the side
 * that we are on and the size of the ring, the rest are steps of ours and of theirs.
 *
 * The ring is mapped twice by copying, so that the sanitizer sees a step beyond it.
 */
#include "fuzz.h"

#include "abi/lane.h"
#include "event/event.h"

#define STEPS_MAX 4096

struct lane {
	uint64_t ring_size;
	uint8_t *ring; /* twice */
	struct vex_lane_producer_page producer;
	struct vex_lane_consumer_page consumer;
};

static void lane_init(struct lane *lane, unsigned order)
{
	memset(lane, 0, sizeof(*lane));
	lane->ring_size = VEX_LANE_RING_MIN << order;
	lane->ring = aligned_alloc(VEX_LINE, lane->ring_size * 2);
	MUST(lane->ring);
	memset(lane->ring, 0, lane->ring_size * 2);
}

/* What was written into one half of the mapping shows in the other. */
static void mirror(struct lane *lane, uint64_t offset, uint64_t len)
{
	for (uint64_t i = offset; i < offset + len; i++)
		lane->ring[(i + lane->ring_size) % (2 * lane->ring_size)] = lane->ring[i];
}

/* Theirs: any bytes anywhere in the ring. */
static void scribble(struct lane *lane, struct input *input, uint64_t offset)
{
	uint64_t len = input_number(input, 1);

	offset %= lane->ring_size;
	input_bytes(input, lane->ring + offset, len);
	mirror(lane, offset, len);
}

/* Theirs: a record as a good producer writes it, of bytes that may be bad. */
static void produce(struct lane *lane, struct vex_lane_writer *w, struct input *input)
{
	uint32_t size = ((uint32_t)input_number(input, 1) + VEX_RECORD_MIN) & ~7u;
	struct vex_record *record = vex_lane_reserve(w, size);
	uint64_t offset;

	if (!record)
		return;
	offset = (uint64_t)((uint8_t *)record - lane->ring);
	input_bytes(input, &record->id, size - offsetof(struct vex_record, id));
	vex_lane_commit(w, record, size);
	mirror(lane, offset, size);
	mirror(lane, (offset + vex_lane_stride(size)) % lane->ring_size, sizeof(record->size));
}

static const struct vex_attr_gap *find_gap(const struct vex_record *copy, struct vex_attr_gap *gap)
{
	if (copy->type != VEX_GAP)
		return NULL;
	memcpy(gap, vex_record_attr(copy, VEX_ATTR_GAP, NULL), sizeof(*gap));
	return gap;
}

/* The private copy, or NULL where the record is not one. The producer writes meanwhile. */
static struct vex_record *copy_record(struct lane *lane, struct vex_lane_reader *r,
		struct input *input, uint32_t size, const struct vex_record *record)
{
	struct vex_record *copy = malloc(size);

	MUST(copy);
	scribble(lane, input, r->tail);
	memcpy(copy, record, size);
	copy->size = size;
	if (vex_record_check(copy, size) == VEX_CHECK_OK)
		return copy;
	free(copy);
	return NULL;
}

/* Ours: peek, copy, check the copy, step over it. Returns -1 where trust ends. */
static int consume(struct lane *lane, struct vex_lane_reader *r, struct input *input)
{
	const struct vex_record *record;
	struct vex_record *copy;
	struct vex_attr_gap gap;
	uint64_t tail = r->tail, seq = r->seq;
	uint32_t size = vex_lane_peek(r, &record);
	int broken;

	if (!size)
		return 0;
	if (size < VEX_RECORD_MIN || size > vex_lane_record_max(lane->ring_size) || size % 8)
		return -1;
	copy = copy_record(lane, r, input, size, record);
	if (!copy)
		return -1;
	broken = vex_lane_advance(r, size, copy->lane_seq, find_gap(copy, &gap));
	if (broken)
		MUST(r->tail == tail && r->seq == seq);
	else
		MUST(r->tail == tail + vex_lane_stride(size) && r->seq != seq);
	MUST(r->tail % VEX_LINE == 0);
	free(copy);
	return broken;
}

static void fuzz_reader(struct lane *lane, struct input *input)
{
	struct vex_lane_reader reader;
	struct vex_lane_writer writer;

	vex_lane_writer_init(&writer, lane->ring, lane->ring_size, &lane->producer, &lane->consumer);
	vex_lane_reader_init(&reader, lane->ring, lane->ring, lane->ring_size, &lane->consumer,
			&lane->producer);
	for (int step = 0; step < STEPS_MAX && input->left; step++) {
		switch (input_number(input, 1) % 6) {
		case 0:
			scribble(lane, input, input_number(input, 2));
			break;
		case 1:
			produce(lane, &writer, input);
			break;
		case 2:
			input_bytes(input, &lane->producer, sizeof(lane->producer));
			break;
		case 3:
			vex_lane_release(&reader);
			MUST(lane->consumer.position == reader.tail);
			break;
		default:
			if (consume(lane, &reader, input))
				return;
		}
	}
}

/* Ours: whatever the consumer's page says, room lies in the ring and is not given twice. */
static void write_one(struct lane *lane, struct vex_lane_writer *w, struct input *input)
{
	uint32_t max = vex_lane_record_max(lane->ring_size);
	uint32_t size = VEX_RECORD_MIN + (uint32_t)(input_number(input, 2) % (max - VEX_RECORD_MIN + 1));
	struct vex_record *record;
	uint64_t head = w->head;

	size &= ~7u;
	if (!vex_lane_flush_gap(w, 1))
		return;
	head = w->head;
	record = vex_lane_reserve(w, size);
	if (!record) {
		vex_lane_lose(w, 1, VEX_GAP_LANE_FULL);
		return;
	}
	MUST((uint8_t *)record == lane->ring + head % lane->ring_size);
	memset(&record->id, 0x5a, size - offsetof(struct vex_record, id));
	vex_lane_commit(w, record, size);
	MUST(w->head == head + vex_lane_stride(size));
	MUST(w->head <= w->limit && w->limit - w->head < lane->ring_size);
	MUST(record->size == size);
}

static void fuzz_writer(struct lane *lane, struct input *input)
{
	struct vex_lane_writer writer;

	vex_lane_writer_init(&writer, lane->ring, lane->ring_size, &lane->producer, &lane->consumer);
	for (int step = 0; step < STEPS_MAX && input->left; step++) {
		switch (input_number(input, 1) % 5) {
		case 0:
			lane->consumer.position = input_number(input, 8);
			break;
		case 1:
			lane->consumer.position += input_number(input, 2) * VEX_LINE;
			break;
		case 2:
			lane->consumer.sleep_epoch = input_number(input, 8);
			if (vex_lane_wake_needed(&writer))
				MUST(!vex_lane_wake_needed(&writer));
			break;
		default:
			write_one(lane, &writer, input);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.at = data, .left = size};
	uint64_t how = input_number(&input, 1);
	static struct lane lane;

	lane_init(&lane, (unsigned)(how >> 1) % 3);
	if (how & 1)
		fuzz_writer(&lane, &input);
	else
		fuzz_reader(&lane, &input);
	free(lane.ring);
	return 0;
}
