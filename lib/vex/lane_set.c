/* SPDX-License-Identifier: BSD-3-Clause */
#include "vex/lane_set.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

struct lane_set *lane_set_make(uint32_t count)
{
	struct lane_set *set = vex_alloc_lines(
			sizeof(struct lane_set) + count * sizeof(struct target_lane));

	if (!set)
		return NULL;
	set->count = count;
	for (uint32_t i = 0; i < count; i++) {
		set->lanes[i].ring.fd = -1;
		set->lanes[i].page.fd = -1;
	}
	return set;
}

void lane_set_free(struct lane_set *set)
{
	if (!set)
		return;
	for (uint32_t i = 0; i < set->count; i++) {
		vex_ring_map_close(&set->lanes[i].ring);
		vex_page_map_close(&set->lanes[i].page);
	}
	free(set);
}

/* A GAP of the lane itself, not one that was passed on as an event. */
static const struct vex_attr_gap *own_gap(const struct vex_record *record,
		struct vex_attr_gap *gap)
{
	const void *attr;

	if (VEX_LIKELY(record->type != VEX_GAP) || record->boundary != VEX_BOUNDARY_NONE)
		return NULL;
	attr = vex_record_attr(record, VEX_ATTR_GAP, NULL);
	if (!attr)
		return NULL;
	memcpy(gap, attr, sizeof(*gap));
	return gap;
}

static void count_gap(struct vex_subscription_stats *stats, const struct vex_attr_gap *gap)
{
	stats->gaps++;
	stats->lost += gap->count;
}

/* The data plane is trusted to write good records; a torn lane still must not lead astray. */
static bool take(struct target_lane *lane, const struct vex_record *record, uint32_t size,
		struct vex_subscription_stats *stats)
{
	struct vex_attr_gap space;
	const struct vex_attr_gap *gap = own_gap(record, &space);

	if (VEX_UNLIKELY(size > VEX_RECORD_MAX || size < VEX_RECORD_MIN ||
			    vex_lane_advance(&lane->reader, size, record->lane_seq, gap)))
		return false;
	if (VEX_UNLIKELY(gap != NULL))
		count_gap(stats, gap);
	else
		stats->received++;
	return true;
}

static uint32_t read_one(struct target_lane *lane, const struct vex_record **records,
		uint32_t count, struct vex_subscription_stats *stats)
{
	uint32_t n = 0;

	while (n < count) {
		uint32_t size = vex_lane_peek(&lane->reader, &records[n]);

		if (!size || !take(lane, records[n], size, stats))
			break;
		n++;
	}
	return n;
}

/* Each time the record that ended first, of those that are there. */
static uint32_t read_merged(struct lane_set *set, const struct vex_record **records,
		uint32_t count, struct vex_subscription_stats *stats)
{
	uint32_t n = 0;

	while (n < count) {
		const struct vex_record *record, *first = NULL;
		struct target_lane *from = NULL;
		uint32_t first_size = 0;

		for (uint32_t i = 0; i < set->count; i++) {
			uint32_t size = vex_lane_peek(&set->lanes[i].reader, &record);

			if (!size || (first && vex_record_end_ns(first) <=
						      vex_record_end_ns(record)))
				continue;
			first = record;
			first_size = size;
			from = &set->lanes[i];
		}
		if (!from || !take(from, first, first_size, stats))
			break;
		records[n++] = first;
	}
	return n;
}

uint32_t lane_set_read(struct lane_set *set, const struct vex_record **records, uint32_t count,
		struct vex_subscription_stats *stats)
{
	return set->count == 1 ? read_one(&set->lanes[0], records, count, stats)
			       : read_merged(set, records, count, stats);
}

/* A GAP that was written before the page could say so bears numbers that were read already. */
static const struct vex_record *last_word(struct target_lane *lane,
		struct vex_subscription_stats *stats)
{
	const struct vex_lane_producer_page *peer = lane->reader.peer;
	struct vex_record *record = (struct vex_record *)lane->last_word;
	uint64_t count = VEX_LOAD_ACQUIRE(&peer->lost_count); /* released by vex_lane_lose() */
	struct vex_attr_gap gap = {.first = lane->reader.seq,
			.last = lane->reader.seq + count - 1,
			.count = count,
			.reason = VEX_GAP_TARGET_FULL};

	if (!count || peer->lost_first != gap.first || gap.last < gap.first)
		return NULL;
	vex_gap_fill(record, &gap, vex_clock_now());
	record->size = VEX_GAP_RECORD_SIZE;
	record->lane_seq = (uint32_t)gap.last;
	record->id = (struct vex_event_id){.seq = gap.last};
	lane->reader.seq = gap.last + 1;
	count_gap(stats, &gap);
	return record;
}

uint32_t lane_set_last_words(struct lane_set *set, const struct vex_record **records,
		uint32_t count, struct vex_subscription_stats *stats)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->count && n < count; i++) {
		records[n] = last_word(&set->lanes[i], stats);
		n += records[n] != NULL;
	}
	return n;
}

void lane_set_release(struct lane_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		vex_lane_release(&set->lanes[i].reader);
}

bool lane_set_empty(const struct lane_set *set)
{
	const struct vex_record *record;

	for (uint32_t i = 0; i < set->count; i++)
		if (vex_lane_peek(&set->lanes[i].reader, &record))
			return false;
	return true;
}

void lane_set_sleep(struct lane_set *set, bool sleeps)
{
	for (uint32_t i = 0; set && i < set->count; i++) {
		if (sleeps)
			vex_lane_sleep_begin(&set->lanes[i].reader);
		else
			vex_lane_sleep_end(&set->lanes[i].reader);
	}
}
