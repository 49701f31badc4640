/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of workers' tables: made and freed by the main core, apart from what polls. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "dataplane/backlog.h"
#include "dataplane/guard.h"
#include "dataplane/held.h"
#include "dataplane/summary.h"

int backlog_init(struct backlog *backlog, uint32_t capacity)
{
	uint32_t size = 1;

	*backlog = (struct backlog){.capacity = capacity};
	if (!capacity)
		return 0;
	while (size < capacity)
		size *= 2;
	backlog->mask = size - 1;
	backlog->queue[0].ring =
			calloc((size_t)size * VEX_CLASS_COUNT, sizeof(*backlog->queue[0].ring));
	if (!backlog->queue[0].ring)
		return -ENOMEM;
	for (unsigned i = 1; i < VEX_CLASS_COUNT; i++)
		backlog->queue[i].ring = backlog->queue[0].ring + (size_t)size * i;
	return 0;
}

void backlog_free(struct backlog *backlog)
{
	free(backlog->queue[0].ring);
	*backlog = (struct backlog){0};
}

int held_init(struct held_table *table, uint32_t capacity, uint32_t longs_max)
{
	*table = (struct held_table){.capacity = capacity, .longs_max = longs_max};
	for (unsigned i = 0; i < VEX_CLASS_COUNT; i++)
		table->lists[i][false] = table->lists[i][true] =
				(struct held_list){HELD_NONE, HELD_NONE, 0};
	table->slots = calloc(capacity, sizeof(*table->slots));
	if (!table->slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < capacity; i++)
		table->slots[i].next = i + 1 < capacity ? i + 1 : HELD_NONE;
	return 0;
}

void held_free(struct held_table *table)
{
	free(table->slots);
	*table = (struct held_table){.free = HELD_NONE};
}

int guards_init(struct guards *guards, uint64_t ring_size)
{
	guards->bytes = vex_alloc_lines(ring_size + guard_stride(VEX_RECORD_MAX));
	if (!guards->bytes)
		return -ENOMEM;
	guards->capacity = ring_size;
	return 0;
}

void guards_free(struct guards *guards)
{
	free(guards->bytes);
	*guards = (struct guards){0};
}

int summary_init(struct summary_table *table, uint32_t capacity, uint32_t longs_max)
{
	*table = (struct summary_table){.longs_max = longs_max};
	table->capacity = capacity < SUMMARIES_MAX ? capacity : SUMMARIES_MAX;
	table->heap = calloc(table->capacity + 1ull, sizeof(*table->heap));
	return table->heap ? 0 : -ENOMEM;
}

void summary_free(struct summary_table *table)
{
	free(table->heap);
	*table = (struct summary_table){0};
}
