/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lane: a ring of variable-length records in shared memory, one producer, one consumer.
 *
 *   producer's object: [ producer page | ring, a power of two of bytes ]
 *   consumer's object: [ consumer page ]
 *
 * Each side maps the other's page read-only. In user space each object is a memfd, sealed by
 * the side that owns it (lib/base/lane_map.h), with the ring mapped twice in a row, so that
 * each record is contiguous. A producer never reads what it wrote: a hostile consumer may have
 * changed it.
 *
 * Records start on cache lines. The first word of a record is its size and, while 0, the busy
 * bit. Before a producer hands records over it clears the word behind them, so a consumer never
 * takes bytes of an earlier lap for a record, whatever they are.
 *
 * Each record bears the low half of a sequence number that counts every event offered to the
 * lane. Events that found no room are announced, before the next one, by a GAP record that
 * stands for the range of numbers lost and bears the last of them.
 *
 * Memory order: vex_lane_publish() releases records, vex_lane_peek() acquires it;
 * vex_lane_release() releases room, vex_lane_reserve() acquires it. A sleeping consumer is
 * found by an asymmetric barrier: see vex_lane_sleep_begin().
 *
 * These functions trust their own arguments and nothing that stands in the other side's
 * memory. None blocks, allocates or makes a system call. A lane's writer belongs to one
 * thread at a time, and so does its reader.
 */
#ifndef VEX_ABI_LANE_H
#define VEX_ABI_LANE_H

#include "abi/copy.h"
#include "abi/record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VEX_LANE_PAGE 4096u
#define VEX_LANE_RING_MIN 4096u
#define VEX_LANE_RING_MAX (1u << 30)
#define VEX_LANE_MAGIC 0x6c786576u /* "vexl" */

/** Written by the producer alone. */
struct vex_lane_producer_page {
	uint32_t magic;
	uint32_t version;
	uint64_t ring_size;
	/** Bytes ever committed; for display only. */
	uint64_t position VEX_LINE_ALIGNED;
	/** A loss that no GAP record announces yet: number of events, and the first of them. */
	uint64_t lost_count;
	uint64_t lost_first;
};

/** Written by the consumer alone. */
struct vex_lane_consumer_page {
	uint32_t magic;
	uint32_t version;
	/** Bytes ever consumed: what stands before it may be overwritten. */
	uint64_t position VEX_LINE_ALIGNED;
	/** Events ever consumed, GAPs not counted; for accounting only. */
	uint64_t events;
	/** Odd while the consumer sleeps; see vex_lane_sleep_begin(). */
	uint64_t sleep_epoch VEX_LINE_ALIGNED;
};

VEX_STATIC_ASSERT(sizeof(struct vex_lane_producer_page) <= VEX_LANE_PAGE, "one page");
VEX_STATIC_ASSERT(sizeof(struct vex_lane_consumer_page) <= VEX_LANE_PAGE, "one page");

/*
 * What others may look at, for an estimate, and is stored for each record: plainly, so that a writer
 * can be kept in registers (measured: 6 ns an event). An aligned word is whole on every machine.
 */
#ifdef __SANITIZE_THREAD__
#define VEX_LANE_STORE_ESTIMATE(field, value) VEX_STORE_RELAXED(&(field), value)
#else
#define VEX_LANE_STORE_ESTIMATE(field, value) ((field) = (value))
#endif

/** The producer's private side. What has relaxed stores others may look at, for an estimate. */
struct vex_lane_writer {
	uint8_t *ring;
	uint64_t mask;
	uint64_t head;  /**< bytes ever committed */
	uint64_t limit; /**< head may grow to here without a look at the consumer */
	uint64_t seq;   /**< of the next event */
	struct vex_lane_producer_page *own;
	const struct vex_lane_consumer_page *peer;
	uint64_t lost_first;
	uint64_t lost_count; /**< not announced yet */
	uint32_t lost_reason;
	struct vex_record *staged; /**< first of the records that are not handed over yet */
	uint64_t staged_word;	   /**< its size and lane_seq */
	uint64_t kicked_epoch; /**< the sleep that was last ended by a wake-up of ours */
};

/** The consumer's private side. */
struct vex_lane_reader {
	const uint8_t *ring;
	uint8_t *lines; /**< the ring's, writable; see vex_lane_release() */
	uint64_t mask;
	uint64_t tail;   /**< bytes ever taken */
	uint64_t seq;    /**< expected of the next event */
	uint64_t told;   /**< events before seq that the next GAP announces once more */
	uint64_t events; /**< taken, GAPs not counted */
	struct vex_lane_consumer_page *own;
	const struct vex_lane_producer_page *peer;
};

/** Bytes that a record of this size takes in a ring. */
static inline uint64_t vex_lane_stride(uint32_t size)
{
	return ((uint64_t)size + (VEX_LINE - 1)) & ~(uint64_t)(VEX_LINE - 1);
}

/** The largest record that a ring can ever hold: one line stays free for the busy word. */
static inline uint32_t vex_lane_record_max(uint64_t ring_size)
{
	return ring_size - VEX_LINE < VEX_RECORD_MAX ? (uint32_t)ring_size - VEX_LINE
						     : VEX_RECORD_MAX;
}

static inline void vex_lane_writer_init(struct vex_lane_writer *w, void *ring, uint64_t ring_size,
		struct vex_lane_producer_page *own, const struct vex_lane_consumer_page *peer)
{
	memset(w, 0, sizeof(*w));
	w->ring = (uint8_t *)ring;
	w->mask = ring_size - 1;
	w->limit = ring_size - VEX_LINE;
	w->own = own;
	w->peer = peer;
	own->ring_size = ring_size;
	own->version = VEX_ABI_VERSION;
	own->magic = VEX_LANE_MAGIC;
}

static inline void vex_lane_reader_init(struct vex_lane_reader *r, const void *ring, void *lines,
		uint64_t ring_size, struct vex_lane_consumer_page *own,
		const struct vex_lane_producer_page *peer)
{
	memset(r, 0, sizeof(*r));
	r->ring = (const uint8_t *)ring;
	r->lines = (uint8_t *)lines;
	r->mask = ring_size - 1;
	r->own = own;
	r->peer = peer;
	own->version = VEX_ABI_VERSION;
	own->magic = VEX_LANE_MAGIC;
}

/* The consumer's position is foreign: one that can't be true leaves the limit as it is. */
static inline int vex_lane_refresh(struct vex_lane_writer *w, uint64_t stride)
{
	uint64_t tail = VEX_LOAD_ACQUIRE(&w->peer->position);
	uint64_t room = w->mask + 1 - VEX_LINE;

	if (VEX_UNLIKELY(tail > w->head || w->head - tail > room || (tail & (VEX_LINE - 1))))
		return 0;
	w->limit = tail + room;
	return w->head + stride <= w->limit;
}

/**
 * Finds room for a record. Returns where to write it, or NULL where there is none now.
 * The caller fills everything but size and lane_seq, then calls vex_lane_commit(). A reserved
 * record that is not committed may be reserved anew.
 */
static inline struct vex_record *vex_lane_reserve(struct vex_lane_writer *w, uint32_t size)
{
	uint64_t stride = vex_lane_stride(size);

	if (VEX_UNLIKELY(w->head + stride > w->limit) && !vex_lane_refresh(w, stride))
		return NULL;
	return (struct vex_record *)(w->ring + (w->head & w->mask));
}

/* How far ahead of the next record lines are fetched: a few records of usual size. */
#define VEX_LANE_AHEAD (8u * VEX_LINE)

/* As many lines as the record that was just written has, up to a few: the next is like it. */
static inline void vex_lane_prefetch(const struct vex_lane_writer *w, uint64_t stride)
{
	const uint8_t *at = w->ring + ((w->head + VEX_LANE_AHEAD) & w->mask);
	const uint8_t *end = at + (stride < VEX_LANE_AHEAD ? stride : VEX_LANE_AHEAD);

	for (; at < end; at += VEX_LINE) /* the ring is mapped twice: never beyond it */
		VEX_PREFETCH_WRITE(at);
}

/* The same without a loop where the record is a usual one. */
static inline void vex_lane_prefetch_one(const struct vex_lane_writer *w, uint64_t stride)
{
	VEX_PREFETCH_WRITE(w->ring + ((w->head + VEX_LANE_AHEAD) & w->mask));
	if (VEX_LIKELY(stride > VEX_LINE))
		VEX_PREFETCH_WRITE(w->ring + ((w->head + VEX_LANE_AHEAD) & w->mask) + VEX_LINE);
	if (VEX_UNLIKELY(stride > 2 * VEX_LINE))
		vex_lane_prefetch(w, stride);
}

/*
 * Adds a complete record to those that vex_lane_publish() is to hand over. All but the first
 * may say so already: the first one's busy bit stands before them.
 */
static inline void vex_lane_stage_as(struct vex_lane_writer *w, struct vex_record *record,
		uint32_t size, uint32_t lane_seq)
{
	uint64_t word = size | (uint64_t)lane_seq << 32;

	if (w->staged)
		VEX_STORE_RELAXED((uint64_t *)record, word);
	else
		w->staged_word = word, w->staged = record;
	VEX_LANE_STORE_ESTIMATE(w->head, w->head + vex_lane_stride(size));
	vex_lane_prefetch(w, vex_lane_stride(size));
}

/** The same, for the record that vex_lane_reserve() gave, which takes the next sequence number. */
static inline void vex_lane_stage(struct vex_lane_writer *w, struct vex_record *record,
		uint32_t size)
{
	uint64_t seq = w->seq;

	VEX_LANE_STORE_ESTIMATE(w->seq, seq + 1);
	vex_lane_stage_as(w, record, size, (uint32_t)seq);
}

/* Nothing stands behind what is staged yet. */
static inline void vex_lane_end(struct vex_lane_writer *w)
{
	VEX_STORE_RELAXED(&((struct vex_record *)(w->ring + (w->head & w->mask)))->size, 0);
}

/*
 * Lines handed over, which the consumer is about to read; measured on a Xeon of 2023: 44 instead
 * of 66 ns of a worker for each event, and twice as many events a second.
 */
static inline void vex_lane_demote(const void *from, uint64_t length)
{
	const uint8_t *at = (const uint8_t *)from, *end = at + length;

	for (; at < end; at += VEX_LINE) /* the ring is mapped twice: never beyond it */
		VEX_DEMOTE(at);
}

static inline void vex_lane_hand_over(struct vex_lane_writer *w)
{
	uint64_t from = (uint64_t)((const uint8_t *)w->staged - w->ring);
	const struct vex_record *first = w->staged;

	VEX_STORE_RELEASE((uint64_t *)w->staged, w->staged_word); /* acquired by vex_lane_peek() */
	VEX_STORE_RELAXED(&w->own->position, w->head);
	w->staged = NULL;
	vex_lane_demote(first, (w->head - from) & w->mask);
}

/** Hands over what is staged, if anything is, at once. */
static inline void vex_lane_publish(struct vex_lane_writer *w)
{
	if (!w->staged)
		return;
	vex_lane_end(w);
	vex_lane_hand_over(w);
}

/**
 * The same where something is staged, and of its first record nothing but vex_lane_copy_rest() was
 * written: its first line is written here, from where it was copied from, and the word that the
 * consumer waits for right behind, so that he takes the line once.
 */
static inline void vex_lane_publish_from(struct vex_lane_writer *w, const struct vex_record *first)
{
	vex_lane_end(w);
	vex_lane_copy_line(w->staged, first, (uint32_t)w->staged_word);
	vex_lane_hand_over(w);
}

/** Completes the record that vex_lane_reserve() gave, and hands it over; nothing is staged. */
static inline void vex_lane_commit(struct vex_lane_writer *w, struct vex_record *record,
		uint32_t size)
{
	uint64_t stride = vex_lane_stride(size), head = w->head + stride, seq = w->seq;
	struct vex_record *behind = (struct vex_record *)(w->ring + (head & w->mask));

	VEX_STORE_RELAXED(&behind->size, 0);
	VEX_STORE_RELEASE((uint64_t *)record, size | seq << 32); /* acquired by vex_lane_peek() */
	VEX_STORE_RELAXED(&w->own->position, head);
	VEX_LANE_STORE_ESTIMATE(w->head, head);
	VEX_LANE_STORE_ESTIMATE(w->seq, seq + 1);
	vex_lane_prefetch_one(w, stride);
	vex_lane_demote(record, stride);
}

/** Gives up count events: they take sequence numbers, and the next GAP announces them. */
static inline void vex_lane_lose(struct vex_lane_writer *w, uint64_t count,
		enum vex_gap_reason reason)
{
	if (!w->lost_count)
		VEX_STORE_RELAXED(&w->lost_first, w->seq);
	VEX_STORE_RELAXED(&w->lost_count, w->lost_count + count);
	w->lost_reason = reason;
	VEX_STORE_RELAXED(&w->seq, w->seq + count);
	VEX_STORE_RELAXED(&w->own->lost_first, w->lost_first);
	VEX_STORE_RELEASE(&w->own->lost_count, w->lost_count);
}

#define VEX_GAP_RECORD_SIZE (VEX_RECORD_MIN + 40u)

/** Writes the body of a GAP record: everything but size, lane_seq and id. */
static inline void vex_gap_fill(struct vex_record *record, const struct vex_attr_gap *gap,
		uint64_t now_ns)
{
	uint32_t head = vex_attr_head(VEX_ATTR_GAP, sizeof(*gap));
	uint8_t *attr = (uint8_t *)(record + 1);

	record->start_ns = now_ns;
	record->duration_ns = 0;
	record->result = 0;
	record->type = VEX_GAP;
	record->boundary = VEX_BOUNDARY_NONE;
	record->attr_count = 1;
	record->pid = 0;
	record->uid = 0;
	record->gid = 0;
	memcpy(attr, &head, sizeof(head));
	memcpy(attr + VEX_ATTR_HEAD, gap, sizeof(*gap));
	memset(attr + VEX_ATTR_HEAD + sizeof(*gap), 0, 4);
}

/**
 * Announces what was lost, if anything was. Returns 1 where nothing is left to announce, 0
 * where there is no room for the GAP yet; then no event may be committed before it.
 */
static inline int vex_lane_flush_gap(struct vex_lane_writer *w, uint64_t now_ns)
{
	struct vex_record *record;
	struct vex_attr_gap gap;

	if (VEX_LIKELY(!w->lost_count))
		return 1;
	record = vex_lane_reserve(w, VEX_GAP_RECORD_SIZE);
	if (!record)
		return 0;
	memset(&record->id, 0, sizeof(record->id));
	gap.first = w->lost_first;
	gap.last = w->lost_first + w->lost_count - 1;
	gap.count = w->lost_count;
	gap.reason = w->lost_reason;
	gap.reserved = 0;
	record->id.seq = gap.last;
	vex_gap_fill(record, &gap, now_ns);
	vex_lane_stage_as(w, record, VEX_GAP_RECORD_SIZE, (uint32_t)gap.last);
	vex_lane_publish(w);
	VEX_STORE_RELAXED(&w->lost_count, 0);
	VEX_STORE_RELAXED(&w->own->lost_count, 0);
	return 1;
}

/**
 * Whether the consumer sleeps and was not woken from this sleep yet; the caller then wakes it.
 * Called after a commit. In user space a compiler barrier suffices before it, since the
 * consumer issues the barrier for both; kernel producers put smp_mb() there.
 */
static inline int vex_lane_wake_needed(struct vex_lane_writer *w)
{
	uint64_t epoch;

	__asm__ __volatile__("" ::: "memory");
	epoch = VEX_LOAD_RELAXED(&w->peer->sleep_epoch);
	if (VEX_LIKELY(!(epoch & 1) || epoch == w->kicked_epoch))
		return 0;
	w->kicked_epoch = epoch;
	return 1;
}

/**
 * The next record's size word and place; 0 where there is none. The size is foreign: unless
 * the producer is trusted, the caller checks it against vex_lane_record_max(), copies the
 * record, and checks the copy.
 */
static inline uint32_t vex_lane_peek(const struct vex_lane_reader *r,
		const struct vex_record **record)
{
	*record = (const struct vex_record *)(r->ring + (r->tail & r->mask));
	return VEX_LOAD_ACQUIRE(&(*record)->size); /* released by vex_lane_publish() */
}

/** The consumer was told of count lost events before a GAP said so: see vex_lane_advance(). */
static inline void vex_lane_tell(struct vex_lane_reader *r, uint64_t count)
{
	r->seq += count;
	r->told += count;
}

/**
 * Checks a record's place in the sequence and steps over it. The copy is the caller's private
 * one, with a valid GAP attribute where its type is GAP; gap is that attribute or NULL. A GAP
 * begins where the sequence stands, or with the events of vex_lane_tell(), all of which it then
 * includes. Returns 0, or -1 where the sequence is broken; nothing is stepped over then.
 */
static inline int vex_lane_advance(struct vex_lane_reader *r, uint32_t size, uint32_t lane_seq,
		const struct vex_attr_gap *gap)
{
	if (VEX_UNLIKELY(gap != NULL)) {
		if (gap->first != r->seq - r->told || gap->last < gap->first || !gap->count ||
				gap->count != gap->last - gap->first + 1 || gap->count < r->told ||
				lane_seq != (uint32_t)gap->last)
			return -1;
		r->seq = gap->last + 1;
		r->told = 0;
	} else {
		if (VEX_UNLIKELY(lane_seq != (uint32_t)r->seq || r->told))
			return -1;
		r->seq++;
		r->events++;
	}
	r->tail += vex_lane_stride(size);
	return 0;
}

#define VEX_LANE_TRICKLE (2u * VEX_LINE)

/*
 * Writes a word of each line stepped over as it stands there. A line that was only read is
 * shared, and the producer's next store to it must ask every cache of the machine; one that
 * was written comes straight from the cache that has it. Measured near: 1.1 instead of 7 ns.
 * A trickle leaves the producer time enough, and is not to wait for this.
 */
static inline void vex_lane_own_lines(struct vex_lane_reader *r)
{
	uint64_t at = VEX_LOAD_RELAXED(&r->own->position);

	if (r->tail - at < VEX_LANE_TRICKLE)
		return;
	if (r->tail - at > r->mask + 1) /* a hostile producer's records, several times around */
		at = r->tail - (r->mask + 1);
	for (; at < r->tail; at += VEX_LINE) {
		uint64_t *word = (uint64_t *)(r->lines + (at & r->mask));

		VEX_STORE_RELAXED(word, VEX_LOAD_RELAXED(word));
	}
}

/** Gives the room of all records stepped over back to the producer; once a burst. */
static inline void vex_lane_release(struct vex_lane_reader *r)
{
	vex_lane_own_lines(r);
	VEX_STORE_RELAXED(&r->own->events, r->events);
	VEX_STORE_RELEASE(&r->own->position, r->tail); /* acquired by vex_lane_refresh() */
}

/**
 * Falling asleep: begin, then a barrier that every producer takes part in (user space:
 * membarrier(2) GLOBAL_EXPEDITED, for which libvex registers), then look at the lane once
 * more, and only then sleep. So a producer either sees the odd epoch or the consumer sees its
 * record. After waking: end.
 */
static inline void vex_lane_sleep_begin(struct vex_lane_reader *r)
{
	VEX_STORE_RELEASE(&r->own->sleep_epoch, r->own->sleep_epoch | 1);
}

static inline void vex_lane_sleep_end(struct vex_lane_reader *r)
{
	VEX_STORE_RELEASE(&r->own->sleep_epoch, (r->own->sleep_epoch | 1) + 1);
}

#ifdef __cplusplus
}
#endif
#endif
