/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/top_table.h"

#include <stdlib.h>

#define SLOTS (TOP_KEYS_MAX * 2)

/* FNV-1a, mixed once more so that its low bits tell keys apart. */
static uint64_t hash_key(uint32_t number, struct vex_bytes text)
{
	const uint8_t *at = text.data;
	uint64_t hash = (0xcbf29ce484222325u ^ number) * 0x100000001b3u;

	while (text.len--)
		hash = (hash ^ *at++) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

void top_count_add(struct top_count *count, const struct vex_event *event)
{
	count->events++;
	count->errors += event->result < 0;
	count->duration_ns += event->duration_ns;
}

/* The slot of a key: where it stands, or the empty one where it would. */
static uint16_t *find_slot(struct top_table *table, uint64_t hash, uint32_t number, size_t len)
{
	size_t i = hash % SLOTS;

	for (;; i = (i + 1) % SLOTS) { /* ends: half of the slots are always empty */
		const struct top_entry *entry;

		if (!table->slots[i])
			return &table->slots[i];
		entry = &table->entries[table->slots[i] - 1];
		if (entry->hash == hash && entry->number == number && entry->len == len)
			return &table->slots[i];
	}
}

static void fill_entry(struct top_entry *entry, uint64_t hash, uint32_t number,
		struct vex_bytes text)
{
	size_t kept = text.len < TOP_KEY_SHOWN ? text.len : TOP_KEY_SHOWN;

	entry->hash = hash;
	entry->number = number;
	entry->len = (uint32_t)text.len;
	entry->count = (struct top_count){0};
	if (kept)
		memcpy(entry->text, (const uint8_t *)text.data + text.len - kept, kept);
}

void top_table_add(struct top_table *table, uint32_t number, struct vex_bytes text,
		const struct vex_event *event)
{
	uint64_t hash = hash_key(number, text);
	uint16_t *slot = find_slot(table, hash, number, text.len);

	if (!*slot && table->used == TOP_KEYS_MAX) {
		top_count_add(&table->other, event);
		return;
	}
	if (!*slot) {
		fill_entry(&table->entries[table->used++], hash, number, text);
		*slot = (uint16_t)table->used;
	}
	top_count_add(&table->entries[*slot - 1].count, event);
}

static int busier(const void *left, const void *right)
{
	const struct top_entry *a = left;
	const struct top_entry *b = right;

	if (a->count.events != b->count.events)
		return a->count.events < b->count.events ? 1 : -1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static void index_entries(struct top_table *table)
{
	unsigned i;

	memset(table->slots, 0, sizeof(table->slots));
	for (i = 0; i < table->used; i++) {
		const struct top_entry *entry = &table->entries[i];

		*find_slot(table, entry->hash, entry->number, entry->len) = (uint16_t)(i + 1);
	}
}

void top_table_sort(struct top_table *table)
{
	qsort(table->entries, table->used, sizeof(table->entries[0]), busier);
	index_entries(table);
}

void top_table_next(struct top_table *table)
{
	unsigned i;

	while (table->used && (table->used > TOP_KEYS_MAX / 2 ||
			!table->entries[table->used - 1].count.events))
		table->used--;
	for (i = 0; i < table->used; i++)
		table->entries[i].count = (struct top_count){0};
	table->other = (struct top_count){0};
	index_entries(table);
}

struct vex_bytes top_entry_text(const struct top_entry *entry)
{
	return (struct vex_bytes){
		.data = entry->text,
		.len = entry->len < TOP_KEY_SHOWN ? entry->len : TOP_KEY_SHOWN,
	};
}
