/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists that name lists. */
#include <string.h>

#include "rule/check.h"

static bool say_list(struct load *load, const struct list *list, enum rule_diag_code code,
		const char *format)
{
	load_say(load, RULE_ERROR, code, list->pos, NULL, format, SHOWN(list->name));
	return false;
}

static bool add_value(struct load *load, struct list *list, size_t *capacity,
		const struct word *value)
{
	size_t more = *capacity ? *capacity * 2 : 8;
	struct word *values;

	if (list->value_count == RULE_LIST_MAX)
		return say_list(load, list, RULE_DIAG_LIMIT, "list '%.*s' has more than 65536 values");
	if (list->value_count == *capacity) {
		values = load_scratch(load, more * sizeof(*values));
		if (!values)
			return false;
		if (list->value_count)
			memcpy(values, list->values, list->value_count * sizeof(*values));
		list->values = values;
		*capacity = more;
	}
	list->values[list->value_count++] = *value;
	return true;
}

static bool add_list(struct load *load, struct list *list, size_t *capacity, struct list *other)
{
	size_t i;

	if (!check_list(load, other))
		return false;
	for (i = 0; i < other->value_count; i++)
		if (!add_value(load, list, capacity, &other->values[i]))
			return false;
	return true;
}

static bool add_item(struct load *load, struct list *list, size_t *capacity,
		const struct text_scalar *item)
{
	struct word value = {.pos = load_pos(load, item)};
	uint32_t number = rule_names_find(&load->list_names, item->text.data, item->text.len);
	struct rule_text unquoted;

	if (number != RULE_NAMES_NONE)
		return add_list(load, list, capacity, &load->lists[number]);
	if (!condition_word(load, &item->text, value.pos, &unquoted))
		return false;
	if (unquoted.len > RULE_VALUE_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, value.pos, NULL,
				"a value of more than %u bytes", RULE_VALUE_MAX);
		return false;
	}
	value.text = rule_memory_text(&load->scratch, unquoted.data, unquoted.len);
	if (!value.text.data)
		return load_no_memory(load), false;
	return add_value(load, list, capacity, &value);
}

/* How deep lists name lists is bounded by how deep macros do. */
bool check_list(struct load *load, struct list *list)
{
	size_t capacity = 0;
	bool good = true;
	size_t i;

	if (list->progress == PROGRESS_BUSY)
		return say_list(load, list, RULE_DIAG_CYCLE, "list '%.*s' needs itself");
	if (list->progress != PROGRESS_NONE)
		return list->progress == PROGRESS_DONE;
	if (load->list_depth == RULE_DEPTH_MAX)
		return say_list(load, list, RULE_DIAG_LIMIT,
				"list '%.*s' is named by lists that are nested deeper than 64");
	list->progress = PROGRESS_BUSY;
	load->list_depth++;
	for (i = 0; good && i < list->count; i++)
		good = add_item(load, list, &capacity, &list->items[i]);
	load->list_depth--;
	list->progress = good ? PROGRESS_DONE : PROGRESS_FAILED;
	return good;
}
