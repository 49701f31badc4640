/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts by key in bounded memory: what finds no room is counted together, as "other". At the
 * end of an interval the busier half of the keys is kept, so a key that is busy now finds room
 * in the next interval at the latest. The counts of an interval always add up to all events.
 */
#ifndef VEX_CONTROL_CLI_TOP_TABLE_H
#define VEX_CONTROL_CLI_TOP_TABLE_H

#include "event/event.h"

#define TOP_KEYS_MAX 1024u
#define TOP_KEY_SHOWN 256u

struct top_count {
	uint64_t events;
	uint64_t errors;
	uint64_t duration_ns;
};

struct top_entry {
	uint64_t hash; /**< of the whole key; two keys of one hash and length count as one */
	uint32_t number;
	uint32_t len;
	uint8_t text[TOP_KEY_SHOWN]; /**< the key's last bytes */
	struct top_count count;
};

struct top_table {
	unsigned used;
	struct top_entry entries[TOP_KEYS_MAX];
	uint16_t slots[TOP_KEYS_MAX * 2]; /**< by hash: 1 + an entry's place; 0: empty */
	struct top_count other;
};

/** Counts an event under a key made of a number and bytes. */
void top_table_add(struct top_table *table, uint32_t number, struct vex_bytes text,
		const struct vex_event *event);

/** Puts the busiest first. */
void top_table_sort(struct top_table *table);

/** Counts from 0 again, keeping the busier half of the keys; the table must be sorted. */
void top_table_next(struct top_table *table);

void top_count_add(struct top_count *count, const struct vex_event *event);

/** The bytes of the key that are kept. */
struct vex_bytes top_entry_text(const struct top_entry *entry);

#endif
