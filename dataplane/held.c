/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/held.h"

static bool is_long(const struct held *held)
{
	return (const void *)held->record != (const void *)held->object;
}

uint32_t held_take(struct held_table *table, struct vex_object *object, struct vex_record *record)
{
	struct held held = {.object = object, .record = record};
	uint32_t number = table->free;

	if (number == HELD_NONE || (is_long(&held) && table->longs == table->longs_max))
		return HELD_NONE;
	table->free = table->slots[number].next;
	table->used++;
	table->longs += is_long(&held);
	table->slots[number] = held;
	return number;
}

void held_put(struct held_table *table, uint32_t number)
{
	struct held *held = &table->slots[number];

	table->used--;
	table->longs -= is_long(held);
	held->next = table->free;
	table->free = number;
}
