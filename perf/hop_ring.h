/* SPDX-License-Identifier: BSD-3-Clause */
/* The best plain ring of 128-byte records that two cores can share. */
#ifndef VEX_PERF_HOP_RING_H
#define VEX_PERF_HOP_RING_H

#include "abi/types.h"

#define HOP_SLOTS_MAX 256u

/** The record: its first word says which one it is, counted from 1, and comes last. */
struct hop_slot {
	uint64_t seq;
	uint64_t word[15];
} VEX_LINE_ALIGNED;

VEX_STATIC_ASSERT(sizeof(struct hop_slot) == 128, "a record has 128 bytes");

/** In shared memory. */
struct hop_ring {
	uint64_t taken VEX_LINE_ALIGNED; /* by the consumer, once a burst */
	struct hop_slot slot[HOP_SLOTS_MAX];
};

/** Each side's own. */
struct hop_end {
	struct hop_ring *ring;
	uint64_t mask;
	uint64_t at;    /* records written or read */
	uint64_t limit; /* writer: may write up to here without a look at the consumer */
};

static inline void hop_end_init(struct hop_end *end, struct hop_ring *ring, uint64_t slots)
{
	*end = (struct hop_end){.ring = ring, .mask = slots - 1, .limit = slots};
}

/* The builtin means a read where the compiler may not assume the instruction. */
static inline void hop_prefetch(const void *line)
{
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)line));
}

static inline int hop_room(struct hop_end *writer, uint64_t count)
{
	if (VEX_LIKELY(writer->at + count <= writer->limit))
		return 1;
	/* released by hop_release() */
	writer->limit = VEX_LOAD_ACQUIRE(&writer->ring->taken) + writer->mask + 1;
	return writer->at + count <= writer->limit;
}

/**
 * Writes one record in full; the caller made sure of room. The line that the consumer polls
 * comes last, so that it crosses once. ahead: prefetches for write so many records on. demotes:
 * moves what was written to the cache that the cores share.
 */
static inline void hop_write(struct hop_end *writer, const uint64_t word[15], uint64_t ahead,
		int demotes)
{
	struct hop_slot *slot = &writer->ring->slot[writer->at & writer->mask];

	memcpy(&slot->word[7], &word[7], 8 * sizeof(*word));
	__asm__ __volatile__("" : : : "memory");
	memcpy(slot->word, word, 7 * sizeof(*word));
	VEX_STORE_RELEASE(&slot->seq, ++writer->at); /* acquired by hop_ready() */
	if (demotes) {
		VEX_DEMOTE(slot);
		VEX_DEMOTE((const uint8_t *)slot + VEX_LINE);
	}
	if (ahead) {
		slot = &writer->ring->slot[(writer->at + ahead) & writer->mask];
		hop_prefetch(slot);
		hop_prefetch((const uint8_t *)slot + VEX_LINE);
	}
}

/** The next record, or NULL where it is not there yet. */
static inline const struct hop_slot *hop_ready(const struct hop_end *reader)
{
	const struct hop_slot *slot = &reader->ring->slot[reader->at & reader->mask];

	return VEX_LOAD_ACQUIRE(&slot->seq) == reader->at + 1 ? slot : NULL;
}

/** Gives back the room of all that was read. */
static inline void hop_release(struct hop_end *reader)
{
	VEX_STORE_RELEASE(&reader->ring->taken, reader->at);
}

#endif
