/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/held.h"

static bool is_long(const struct held *held)
{
	return (const void *)held->record != (const void *)held->object;
}

static struct held_list *list_of(struct held_table *table, const struct held *held)
{
	return &table->lists[held->class][is_long(held)];
}

static void append(struct held_table *table, uint32_t number)
{
	struct held *held = &table->slots[number];
	struct held_list *list = list_of(table, held);

	held->next = HELD_NONE;
	held->previous = list->last;
	if (list->last == HELD_NONE)
		list->first = number;
	else
		table->slots[list->last].next = number;
	list->last = number;
	list->count++;
}

static void take_out(struct held_table *table, const struct held *held)
{
	struct held_list *list = list_of(table, held);

	list->count--;
	if (held->previous == HELD_NONE)
		list->first = held->next;
	else
		table->slots[held->previous].next = held->next;
	if (held->next == HELD_NONE)
		list->last = held->previous;
	else
		table->slots[held->next].previous = held->previous;
}

uint32_t held_take(struct held_table *table, struct vex_object *object, struct vex_record *record,
		enum vex_class class)
{
	struct held held = {.object = object,
			.record = record,
			.class = (uint8_t)class,
			.turn = table->turn + 1};
	uint32_t number = table->free;

	if (number == HELD_NONE || (is_long(&held) && table->longs == table->longs_max))
		return HELD_NONE;
	table->free = table->slots[number].next;
	table->used++;
	table->longs += is_long(&held);
	table->slots[number] = held;
	table->turn++;
	append(table, number);
	return number;
}

void held_put(struct held_table *table, uint32_t number)
{
	struct held *held = &table->slots[number];

	table->used--;
	table->longs -= is_long(held);
	take_out(table, held);
	held->next = table->free;
	table->free = number;
}

/* Of a list, the first that may go, from the one end or the other. */
static uint32_t closed(const struct held_table *table, const struct held_list *list, bool oldest)
{
	uint32_t number = oldest ? list->first : list->last;

	while (number != HELD_NONE && table->slots[number].open)
		number = oldest ? table->slots[number].next : table->slots[number].previous;
	return number;
}

static uint32_t victim_of(const struct held_table *table, unsigned class, bool oldest, bool only_long)
{
	uint32_t large = closed(table, &table->lists[class][true], oldest);
	uint32_t small = only_long ? HELD_NONE : closed(table, &table->lists[class][false], oldest);

	if (large == HELD_NONE || small == HELD_NONE)
		return large == HELD_NONE ? small : large;
	return (table->slots[small].turn < table->slots[large].turn) == oldest ? small : large;
}

uint32_t held_victim(const struct held_table *table, const struct class_policy *policies,
		enum vex_class above, bool for_long)
{
	bool only_long = for_long && table->longs == table->longs_max;
	uint32_t number = HELD_NONE;

	for (unsigned class = VEX_CLASS_COUNT - 1; class > above && number == HELD_NONE; class --)
		number = victim_of(table, class, policies[class].overload == CLASS_DROP_OLDEST,
				only_long);
	return number;
}

uint32_t held_room(const struct held_table *table, enum vex_class class, bool only_long)
{
	uint32_t room = only_long ? table->longs_max : table->capacity;

	for (unsigned i = 0; i <= class; i++) {
		room -= table->lists[i][true].count;
		room -= only_long ? 0 : table->lists[i][false].count;
	}
	return room;
}
