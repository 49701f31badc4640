/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ingest: polls the lanes of a port, merges them by the time at which each operation ended,
 * copies each record once out of shared memory, and checks the copy. What the producer's
 * memory says is used only after that, but for the order of the merge.
 */
#include "dataplane/stage.h"

#include "base/clock.h"
#include "event/event.h"

#define NO_RECORD UINT64_MAX
#define ADDED_HERE (1u << VEX_ATTR_ROUTE | 1u << VEX_ATTR_SUPPRESSED)
#define NOTEWORTHY (ADDED_HERE | 1u << VEX_ATTR_GAP) /* few events bring any of these */
#define CLOCKS_DIFFER_NS 10000u /* at most, those of two threads */
#define PREFETCH_AHEAD (8 * VEX_LINE) /* a few records of usual size */
#define LOOK_EVERY 64u		      /* polls of a port */

static const enum vex_reject reject_of_check[] = {
		[VEX_CHECK_SIZE] = VEX_REJECT_SIZE,
		[VEX_CHECK_TYPE] = VEX_REJECT_TYPE,
		[VEX_CHECK_BOUNDARY] = VEX_REJECT_BOUNDARY,
		[VEX_CHECK_ATTRIBUTE] = VEX_REJECT_ATTRIBUTE,
		[VEX_CHECK_COUNT] = VEX_REJECT_COUNT,
		[VEX_CHECK_STRING] = VEX_REJECT_STRING,
};

/* Opens the statistics for change at the first record of a burst; run_port() closes them. */
static inline void count_taken(struct worker *worker, struct burst *burst, struct lane *lane,
		uint32_t size)
{
	if (burst->taken++ == 0) {
		vex_stat_begin(&worker->stat->generation);
		vex_stat_begin(&burst->port->stat->generation);
	}
	burst->bytes += size;
	lane->received++;
}

static void count_reject(struct port *port, struct lane *lane, enum vex_reject reason)
{
	port->stat->reject[reason]++;
	lane->stat->rejected++;
}

/* A record that tells nothing about where the next one starts, or which number it has. */
static void distrust(struct port *port, struct lane *lane, enum vex_reject reason)
{
	count_reject(port, lane, reason);
	VEX_STORE_RELAXED(&lane->untrusted, true);
}

/* Objects come in growing batches: a call for each would cost more than its copy. */
static __rte_noinline bool stock(struct worker *worker, struct burst *burst)
{
	void **objects = (void **)&burst->object[burst->stocked];
	uint32_t batch = burst->count ? burst->count : 1;

	if (batch > VEX_BURST_MAX - burst->stocked)
		batch = VEX_BURST_MAX - burst->stocked;
	if (VEX_UNLIKELY(rte_mempool_get_bulk(worker->objects, objects, batch))) {
		batch = 1;
		if (rte_mempool_get(worker->objects, objects))
			return false;
	}
	burst->stocked += batch;
	return true;
}

/* False where the burst has as many as may be, or, which is counted, where none is free. */
static __rte_noinline bool get_long(struct worker *worker, struct burst *burst, void **record)
{
	if (burst->longs == hold_longs_a_burst(worker))
		return false;
	if (rte_mempool_get(worker->long_objects, record)) {
		worker->stat->stalls++;
		return false;
	}
	burst->longs++;
	return true;
}

/* Where to put the burst's next event; NULL, and it is counted, where no object is free. */
static VEX_ALWAYS_INLINE struct vex_record *get_event(struct worker *worker, struct burst *burst,
		uint32_t size)
{
	void **record = (void **)&burst->record[burst->count];

	if (VEX_UNLIKELY(burst->count == burst->stocked && !stock(worker, burst))) {
		worker->stat->stalls++;
		return NULL;
	}
	*record = burst->object[burst->count];
	if (VEX_UNLIKELY(size > VEX_OBJECT_RECORD_MAX) && !get_long(worker, burst, record))
		return NULL;
	return *record;
}

/* Gives back what get_event() took and the burst did not keep. */
static void free_event(struct worker *worker, struct burst *burst)
{
	if (burst->record[burst->count] == &burst->object[burst->count]->record)
		return;
	rte_mempool_put(worker->long_objects, burst->record[burst->count]);
	burst->longs--;
}

/* Gives back what the burst did not need. */
static void free_stock(struct worker *worker, struct burst *burst)
{
	void **objects = (void **)&burst->object[burst->count];

	if (burst->stocked > burst->count)
		rte_mempool_put_bulk(worker->objects, objects, burst->stocked - burst->count);
}

/* Ids go on where they stood, whatever number the lane turns out to have reached. */
static void set_seq(struct lane *lane, uint64_t seq)
{
	lane->seq_known = true;
	lane->id_base += lane->reader.seq - seq;
	lane->reader.seq = seq;
}

/* After a data plane's restart the producer only knows about where its lane stood. */
static void learn_seq(struct lane *lane, const struct vex_record *record,
		const struct vex_attr_gap *gap)
{
	uint64_t hint = lane->reader.seq;

	set_seq(lane, gap ? gap->first
			  : hint + (uint64_t)(int64_t)(int32_t)(record->lane_seq - (uint32_t)hint));
}

/* The lane's own GAP, in a checked copy; one that was passed on as an event has a boundary. */
static inline bool is_lane_gap(const struct vex_record *record)
{
	return VEX_UNLIKELY(record->type == VEX_GAP) && record->boundary == VEX_BOUNDARY_NONE;
}

/*
 * GAPs pass rules, quotas and filters. So those of other lanes are taken only from who may speak
 * for them; a port's own are held against its lane's numbers.
 */
static inline enum vex_check check(const struct port *port, const struct vex_record *record,
		uint32_t size, uint32_t *seen)
{
	enum vex_check found = vex_record_check_seen(record, size, seen);

	if (VEX_UNLIKELY(record->type == VEX_GAP) && found == VEX_CHECK_OK &&
			record->boundary != VEX_BOUNDARY_NONE && !port->keep_id)
		return VEX_CHECK_BOUNDARY;
	return found;
}

/* Of a GAP, leaves what subscribers were not told of yet. */
static void shorten_gap(struct vex_record *record, const struct vex_attr_gap *gap, uint64_t first)
{
	struct vex_attr_gap rest = *gap;

	rest.first = first;
	rest.count = gap->last + 1 - first;
	memcpy((void *)(uintptr_t)vex_record_attr(record, VEX_ATTR_GAP, NULL), &rest, sizeof(rest));
}

enum place {
	PLACE_BROKEN,
	PLACE_NEXT,
	PLACE_TOLD, /* a GAP that has nothing left to tell */
};

static enum place advance_gap(struct port *port, struct lane *lane, struct vex_record *record)
{
	struct vex_attr_gap gap;
	uint64_t from, fresh;

	memcpy(&gap, vex_record_attr(record, VEX_ATTR_GAP, NULL), sizeof(gap));
	if (VEX_UNLIKELY(!lane->seq_known))
		learn_seq(lane, record, &gap);
	from = lane->reader.seq;
	if (vex_lane_advance(&lane->reader, record->size, record->lane_seq, &gap))
		return PLACE_BROKEN;
	fresh = lane->reader.seq - from;
	if (!fresh)
		return PLACE_TOLD;
	if (fresh < gap.count)
		shorten_gap(record, &gap, from);
	port->stat->gaps++;
	port->stat->lost += fresh;
	return PLACE_NEXT;
}

static inline enum place advance(struct port *port, struct lane *lane, struct vex_record *record,
		enum vex_check found)
{
	if (is_lane_gap(record))
		return found == VEX_CHECK_OK ? advance_gap(port, lane, record) : PLACE_BROKEN;
	if (VEX_UNLIKELY(!lane->seq_known))
		learn_seq(lane, record, NULL);
	return VEX_UNLIKELY(vex_lane_advance(&lane->reader, record->size, record->lane_seq, NULL))
			? PLACE_BROKEN
			: PLACE_NEXT;
}

static inline void identify(struct worker *worker, const struct port *port,
		const struct lane *lane, struct vex_record *record)
{
	if (VEX_UNLIKELY(port->keep_id) && !is_lane_gap(record))
		return;
	record->id = (struct vex_event_id){.seq = lane->id_base + lane->reader.seq - 1,
			.node = worker->node,
			.port = (uint16_t)port->id,
			.lane = (uint16_t)lane->number};
}

static void note(struct burst *burst, uint32_t seen)
{
	burst->routed |= (uint64_t)((seen & ADDED_HERE) != 0) << burst->count;
	burst->gaps |= (uint64_t)(seen >> VEX_ATTR_GAP & 1) << burst->count;
}

/* Takes the lane's next record, whose size word was seen. False where no object was free. */
static bool take(struct worker *worker, struct burst *burst, struct lane *lane,
		const struct vex_record *shared, uint32_t size)
{
	struct port *port = burst->port;
	struct vex_record *record;
	enum vex_check found;
	enum place place;
	uint32_t seen;

	if (VEX_UNLIKELY(size < VEX_RECORD_MIN || size > lane->record_max || size % 8)) {
		count_taken(worker, burst, lane, 0);
		distrust(port, lane, VEX_REJECT_SIZE);
		return true;
	}
	record = get_event(worker, burst, size);
	if (VEX_UNLIKELY(!record))
		return false;
	vex_copy_words(record, shared, size);
	record->size = size;
	count_taken(worker, burst, lane, size);
	found = check(port, record, size, &seen);
	place = advance(port, lane, record, found);
	if (VEX_UNLIKELY(place == PLACE_BROKEN)) {
		distrust(port, lane, VEX_REJECT_SEQUENCE);
		free_event(worker, burst);
	} else if (VEX_UNLIKELY(place == PLACE_TOLD)) {
		count_reject(port, lane, VEX_REJECT_TOLD);
		free_event(worker, burst);
	} else if (VEX_UNLIKELY(found != VEX_CHECK_OK)) {
		count_reject(port, lane, reject_of_check[found]);
		free_event(worker, burst);
	} else {
		identify(worker, port, lane, record);
		if (VEX_UNLIKELY(seen & NOTEWORTHY))
			note(burst, seen);
		burst->count++;
	}
	return true;
}

static inline void prefetch_ahead(const struct vex_lane_reader *reader)
{
	const uint8_t *ahead = reader->ring + ((reader->tail + PREFETCH_AHEAD) & reader->mask);

	__builtin_prefetch(ahead);
	__builtin_prefetch(ahead + VEX_LINE); /* the ring is mapped twice: never beyond it */
}

static void poll_one(struct worker *worker, struct burst *burst, struct lane *lane)
{
	const struct vex_record *shared;

	while (burst->taken < VEX_BURST_MAX && !lane->untrusted) {
		uint32_t size = vex_lane_peek(&lane->reader, &shared);

		if (!size)
			break;
		if (burst->taken) /* there is a backlog: else it would take lines being written */
			prefetch_ahead(&lane->reader);
		if (!take(worker, burst, lane, shared, size))
			break;
	}
}

/* When the lane's next record ended, as its producer says: good enough to order by. */
static uint64_t head_time(const struct lane *lane)
{
	const struct vex_record *shared;

	if (lane->untrusted || !vex_lane_peek(&lane->reader, &shared))
		return NO_RECORD;
	uint64_t end = vex_record_end_ns(shared);

	return end == NO_RECORD ? NO_RECORD - 1 : end;
}

static uint32_t earliest(const uint64_t *heads, uint32_t count)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < count; i++)
		if (heads[i] < heads[first])
			first = i;
	return first;
}

/*
 * The lane to take from next. What precedes a record was published before that one's operation
 * ended, but maybe after its own lane was looked at: where the record ended just now, those that
 * were empty are looked at again. all_seen_ns: of what ended before it nothing is missing.
 */
static uint32_t next_lane(const struct plan_port *from, uint64_t *heads, uint64_t *all_seen_ns)
{
	uint32_t first = earliest(heads, from->lane_count);

	if (heads[first] < *all_seen_ns || heads[first] == NO_RECORD)
		return first;
	*all_seen_ns = vex_clock_now() - CLOCKS_DIFFER_NS;
	for (uint32_t i = 0; i < from->lane_count; i++)
		if (heads[i] == NO_RECORD)
			heads[i] = head_time(from->lanes[i]);
	return earliest(heads, from->lane_count);
}

static void poll_merged(struct worker *worker, struct burst *burst)
{
	const struct plan_port *from = burst->from;
	uint64_t heads[VEX_PORT_LANES_MAX], all_seen_ns = 0;
	const struct vex_record *shared;

	for (uint32_t i = 0; i < from->lane_count; i++)
		heads[i] = head_time(from->lanes[i]);
	while (burst->taken < VEX_BURST_MAX) {
		uint32_t i = next_lane(from, heads, &all_seen_ns);
		struct lane *lane = from->lanes[i];
		uint32_t size;

		if (heads[i] == NO_RECORD)
			break;
		size = vex_lane_peek(&lane->reader, &shared);
		if (size && !take(worker, burst, lane, shared, size))
			break;
		heads[i] = size ? head_time(lane) : NO_RECORD; /* or it was taken back */
	}
}

/*
 * Events that the producer lost since the last record it wrote, less those told of. Its page may
 * still show a loss whose GAP was read already: that one does not begin where the lane stands.
 */
static uint64_t untold_loss(struct lane *lane)
{
	struct vex_lane_reader *reader = &lane->reader;
	const struct vex_record *shared;
	uint64_t count, first;

	if (lane->untrusted || vex_lane_peek(reader, &shared))
		return 0;
	count = VEX_LOAD_ACQUIRE(&reader->peer->lost_count); /* by vex_lane_lose() */
	first = VEX_LOAD_RELAXED(&reader->peer->lost_first);
	if (!count || count > UINT32_MAX)
		return 0;
	if (!lane->seq_known)
		set_seq(lane, first);
	return first == reader->seq - reader->told && count > reader->told ? count - reader->told
									   : 0;
}

/*
 * What the producer of an empty lane lost and has not announced, since it has nothing else to
 * say, or is gone: a GAP in its stead. False where no object was free for it; then it is tried
 * again.
 */
static bool announce_loss(struct worker *worker, struct burst *burst, struct lane *lane,
		enum vex_gap_reason reason)
{
	uint64_t count = untold_loss(lane);
	struct vex_attr_gap gap = {.first = lane->reader.seq,
			.last = lane->reader.seq + count - 1,
			.count = count,
			.reason = reason};
	struct vex_record *record;

	if (!count)
		return true;
	record = get_event(worker, burst, VEX_GAP_RECORD_SIZE);
	if (!record)
		return false;
	vex_gap_fill(record, &gap, vex_clock_now());
	record->size = VEX_GAP_RECORD_SIZE;
	record->lane_seq = (uint32_t)gap.last;
	count_taken(worker, burst, lane, VEX_GAP_RECORD_SIZE);
	burst->port->stat->gaps++;
	burst->port->stat->lost += count;
	vex_lane_tell(&lane->reader, count);
	identify(worker, burst->port, lane, record);
	note(burst, 1u << VEX_ATTR_GAP);
	burst->count++;
	return true;
}

/* A lane whose producer is gone is done once it was found empty after that became known. */
static void finish_lane(struct worker *worker, struct burst *burst, struct lane *lane)
{
	const struct vex_record *shared;
	uint64_t told = lane->reader.told;

	if (!lane->untrusted && vex_lane_peek(&lane->reader, &shared))
		return;
	if (!announce_loss(worker, burst, lane, VEX_GAP_ABANDONED))
		return;
	lane->stat->abandoned += lane->reader.told - told;
	VEX_STORE_RELEASE(&lane->drained, true);
}

static void look_at_empty_lanes(struct worker *worker, struct burst *burst, uint32_t first,
		bool for_losses)
{
	uint32_t count = burst->from->lane_count;

	/* One GAP a round at most: each opens and closes the statistics. */
	for (uint32_t i = 0; i < count && !burst->count; i++) {
		struct lane *lane = burst->from->lanes[(first + i) % count];

		if (VEX_UNLIKELY(VEX_LOAD_ACQUIRE(&lane->draining))) {
			if (!lane->drained)
				finish_lane(worker, burst, lane);
		} else if (VEX_UNLIKELY(for_losses) && lane->seq_known) {
			announce_loss(worker, burst, lane, VEX_GAP_LANE_FULL);
		}
	}
}

void stage_ingest(struct worker *worker, struct burst *burst)
{
	struct vex_stage_stat *stage = &worker->stat->stage[VEX_STAGE_INGEST];
	const struct plan_port *from = burst->from;
	uint32_t polls = burst->port->polls++;

	/* However busy one lane is, the others are not to wait for it to rest. */
	if (VEX_UNLIKELY(polls % LOOK_EVERY == 0))
		look_at_empty_lanes(worker, burst, polls / LOOK_EVERY, true);
	if (VEX_LIKELY(from->lane_count == 1))
		poll_one(worker, burst, from->lanes[0]);
	else
		poll_merged(worker, burst);
	if (!burst->taken)
		look_at_empty_lanes(worker, burst, 0, worker->looks_for_losses);
	free_stock(worker, burst);
	if (!burst->taken)
		return;
	stage->in += burst->taken;
	stage->out += burst->count;
	stage->bursts++;
	worker->stat->received += burst->taken;
	burst->port->stat->received += burst->taken;
	burst->port->stat->bytes += burst->bytes;
}

void ingest_release(const struct plan_port *from)
{
	for (uint32_t i = 0; i < from->lane_count; i++) {
		struct lane *lane = from->lanes[i];

		if (lane->stat->received == lane->received)
			continue;
		lane->stat->received = lane->received;
		lane->stat->bytes = lane->reader.tail - lane->start;
		vex_lane_release(&lane->reader);
	}
}
