/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/define.h"

#include <string.h>

static const char *const kinds[] = {"rule", "macro", "list", "group", "program", "class", "quota",
		"include", "required_engine_version", "required_plugin_versions", NULL};
static const char *const macro_keys[] = {"macro", "condition", "append", "override", NULL};
static const char *const list_keys[] = {"list", "items", "append", "override", NULL};

const struct rule_key_info rule_key_infos[] = {
	{"desc", key_desc, true},
	{"condition", key_condition, true},
	{"output", key_output, true},
	{"priority", key_priority, false},
	{"tags", key_tags, true},
	{"enabled", key_enabled, false},
	{"source", key_source, false},
	{"exceptions", key_exceptions, true},
	{"route", key_route, true},
	{"qos", key_qos, false},
	{"sample", key_sample, false},
	{"rate", key_rate, false},
	{"suppress", key_suppress, false},
	{"schedule", key_schedule, false},
	{"redact", key_redact, true},
	{"match", key_match, false},
	{"program", key_program, false},
	{"warn_evttypes", key_ignored, false},
	{"skip-if-unknown-filter", key_ignored, false},
	{"capture", key_ignored, false},
	{"capture_duration", key_ignored, false},
	{NULL, NULL, false},
};

static const struct rule_key_info *key_info(const struct yaml_node *key)
{
	const struct rule_key_info *info;

	for (info = rule_key_infos; info->name; info++)
		if (yaml_is(key, info->name))
			return info;
	return NULL;
}

static bool is_rule_key(const struct yaml_node *key)
{
	return yaml_is(key, "rule") || yaml_is(key, "append") || yaml_is(key, "override");
}

static void check_rule_keys(struct load *load, const struct yaml_node *item)
{
	const char *known[32] = {"rule", "append", "override"};
	unsigned i;

	for (i = 0; rule_key_infos[i].name; i++)
		known[i + 3] = rule_key_infos[i].name;
	known[i + 3] = NULL;
	define_check_keys(load, item, known);
}

static bool read_name(struct load *load, const struct yaml_node *value, struct rule_text *name)
{
	if (!define_scalar(load, value, RULE_NAME_MAX))
		return false;
	*name = load_keep_text(load, value->scalar.text);
	return name->data;
}

static void read_rule_keys(struct load *load, struct draft *draft, const struct yaml_node *item,
		const struct change *change)
{
	const struct yaml_node *key;
	enum define_how how = DEFINE_SET;

	for (key = item->first; key; key = key->next->next) {
		const struct rule_key_info *info = key_info(key);

		if (!info || is_rule_key(key))
			continue;
		if (change->append) {
			how = DEFINE_APPEND;
			if (!info->append) {
				load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE,
						load_pos(load, &key->scalar), NULL,
						"nothing can be appended to '%s'", info->name);
				continue;
			}
		}
		if (change->override && !change_override_of(load, change, key, info->append, &how))
			continue;
		info->read(load, draft, key->next, how);
	}
}

static bool has_room(struct load *load, const struct yaml_node *name, size_t count)
{
	if (count < RULE_RULES_MAX)
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &name->scalar), NULL,
			"more than %u of a kind", RULE_RULES_MAX);
	return false;
}

static struct draft *new_draft(struct load *load, const struct yaml_node *name)
{
	struct draft *drafts = rule_array_room(load->drafts, load->draft_count,
			&load->draft_capacity, sizeof(*drafts));
	struct draft *draft;

	if (!drafts)
		return load_no_memory(load), NULL;
	load->drafts = drafts;
	if (!has_room(load, name, load->draft_count))
		return NULL;
	draft = &drafts[load->draft_count];
	memset(draft, 0, sizeof(*draft));
	if (!read_name(load, name, &draft->rule.name))
		return NULL;
	if (rule_names_add(&load->rule_names, draft->rule.name, (uint32_t)load->draft_count))
		return load_no_memory(load), NULL;
	draft->rule.pos = load_pos(load, &name->scalar);
	load->draft_count++;
	return draft;
}

/* As if it were new, but where it stood. */
static void reset_draft(struct draft *draft)
{
	const struct draft before = *draft;

	memset(draft, 0, sizeof(*draft));
	draft->rule.name = before.rule.name;
	draft->rule.pos = before.rule.pos;
	draft->rule.span = before.rule.span;
	draft->rule.changes = before.rule.changes;
	draft->last_change = before.last_change;
	draft->rule.desc = draft->rule.output = (struct rule_text){"", 0};
	draft->rule.source = (struct rule_text){"syscall", 7};
	draft->rule.priority = RULE_INFORMATIONAL;
	draft->rule.qos = RULE_QOS_NORMAL;
	draft->rule.enabled = true;
}

static struct rule_span span_of(const struct yaml_node *item)
{
	return (struct rule_span){(uint32_t)item->scalar.start,
		(uint32_t)(item->scalar.end - item->scalar.start)};
}

static void add_change(struct load *load, struct draft *draft, const struct yaml_node *item)
{
	struct rule_change *change = load_keep(load, sizeof(*change));

	if (!change)
		return;
	*change = (struct rule_change){.pos = load_pos(load, &yaml_find(item, "rule")->scalar),
		.span = span_of(item)};
	if (draft->last_change)
		draft->last_change->next = change;
	else
		draft->rule.changes = change;
	draft->last_change = change;
}

static void define_rule(struct load *load, const struct yaml_node *item)
{
	struct yaml_node *name = yaml_find(item, "rule");
	struct change change;
	struct draft *draft;
	uint32_t number;
	bool whole;

	check_rule_keys(load, item); /* what is wrong with them does not hide what else is */
	if (!change_read(load, item, &change) || !define_scalar(load, name, RULE_NAME_MAX))
		return;
	number = rule_names_find(&load->rule_names, name->scalar.text.data, name->scalar.text.len);
	whole = !change.append && !change.override &&
			!(item->count == 4 && yaml_find(item, "enabled"));
	if (number == RULE_NAMES_NONE && !whole) {
		change_of_nothing(load, name, "rule", &load->rule_names);
		return;
	}
	draft = number == RULE_NAMES_NONE ? new_draft(load, name) : &load->drafts[number];
	if (!draft)
		return;
	if (number == RULE_NAMES_NONE)
		draft->rule.span = span_of(item);
	else
		add_change(load, draft, item);
	if (whole)
		reset_draft(draft);
	if (change.override)
		change_check_override(load, &change, item);
	read_rule_keys(load, draft, item, &change);
	if (whole && !yaml_find(item, "condition"))
		load_say(load, RULE_ERROR, RULE_DIAG_MISSING, load_pos(load, &item->scalar), NULL,
				"rule '%.*s' has no condition", SHOWN(draft->rule.name));
}

/* Whether a macro or list is to be changed (append), replaced or made; false on errors. */
static bool how_to_define(struct load *load, const struct yaml_node *item, const char *kind,
		const char *key, const struct rule_names *names, uint32_t *number,
		enum define_how *how)
{
	struct yaml_node *name = yaml_find(item, kind);
	struct yaml_node *content;
	struct change change;

	if (!change_read(load, item, &change) || !define_scalar(load, name, RULE_NAME_MAX))
		return false;
	*number = rule_names_find(names, name->scalar.text.data, name->scalar.text.len);
	*how = change.append ? DEFINE_APPEND : DEFINE_SET;
	if (change.override) {
		change_check_override(load, &change, item);
		for (content = item->first; content && !yaml_is(content, key); content = content->next->next)
			;
		if (!content || !change_override_of(load, &change, content, true, how))
			return false;
	}
	if ((change.append || change.override) && *number == RULE_NAMES_NONE) {
		change_of_nothing(load, name, kind, names);
		return false;
	}
	if (yaml_find(item, key))
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_MISSING, load_pos(load, &item->scalar), NULL,
			"%s '%.*s' has no %s", kind, SHOWN(name->scalar.text), key);
	return false;
}

static struct macro *new_macro(struct load *load, const struct yaml_node *name)
{
	struct macro *macros = rule_array_room(load->macros, load->macro_count,
			&load->macro_capacity, sizeof(*macros));
	struct macro *macro;

	if (!macros)
		return load_no_memory(load), NULL;
	load->macros = macros;
	if (!has_room(load, name, load->macro_count))
		return NULL;
	macro = &macros[load->macro_count];
	memset(macro, 0, sizeof(*macro));
	if (!read_name(load, name, &macro->name))
		return NULL;
	if (rule_names_add(&load->macro_names, macro->name, (uint32_t)load->macro_count))
		return load_no_memory(load), NULL;
	load->macro_count++;
	return macro;
}

static void define_macro(struct load *load, const struct yaml_node *item)
{
	struct yaml_node *name = yaml_find(item, "macro");
	struct yaml_node *condition = yaml_find(item, "condition");
	struct macro *macro;
	enum define_how how;
	uint32_t number;

	define_check_keys(load, item, macro_keys);
	if (!how_to_define(load, item, "macro", "condition", &load->macro_names, &number, &how) ||
			!define_scalar(load, condition, RULE_CONDITION_MAX))
		return;
	macro = number == RULE_NAMES_NONE ? new_macro(load, name) : &load->macros[number];
	if (!macro)
		return;
	if (how == DEFINE_SET) {
		macro->condition = (struct pieces){0};
		macro->pos = load_pos(load, &name->scalar);
	}
	define_piece(load, &macro->condition, &condition->scalar);
}

static struct list *new_list(struct load *load, const struct yaml_node *name)
{
	struct list *lists = rule_array_room(load->lists, load->list_count, &load->list_capacity,
			sizeof(*lists));
	struct list *list;

	if (!lists)
		return load_no_memory(load), NULL;
	load->lists = lists;
	if (!has_room(load, name, load->list_count))
		return NULL;
	list = &lists[load->list_count];
	memset(list, 0, sizeof(*list));
	if (!read_name(load, name, &list->name))
		return NULL;
	if (rule_names_add(&load->list_names, list->name, (uint32_t)load->list_count))
		return load_no_memory(load), NULL;
	list->pos = load_pos(load, &name->scalar);
	load->list_count++;
	return list;
}

static bool add_item(struct load *load, struct list *list, const struct yaml_node *node)
{
	struct text_scalar *items = rule_array_room(list->items, list->count, &list->capacity,
			sizeof(*items));

	if (!items)
		return load_no_memory(load), false;
	list->items = items;
	items[list->count] = node->scalar;
	items[list->count].text = rule_memory_text(&load->scratch, node->scalar.text.data,
			node->scalar.text.len);
	if (!items[list->count].text.data)
		return load_no_memory(load), false;
	list->count++;
	return true;
}

static void add_items(struct load *load, struct list *list, const struct yaml_node *items)
{
	const struct yaml_node *node;

	for (node = items->first; node; node = node->next) {
		if (node->kind != YAML_SCALAR)
			define_refuse(load, node, "a value");
		else if (!add_item(load, list, node))
			return;
	}
}

static void define_list(struct load *load, const struct yaml_node *item)
{
	struct yaml_node *items = yaml_find(item, "items");
	struct list *list;
	enum define_how how;
	uint32_t number;

	define_check_keys(load, item, list_keys);
	if (!how_to_define(load, item, "list", "items", &load->list_names, &number, &how))
		return;
	if (items->kind != YAML_LIST && !(items->kind == YAML_SCALAR && !items->scalar.text.len)) {
		define_refuse(load, items, "a list of values");
		return;
	}
	list = number == RULE_NAMES_NONE ? new_list(load, yaml_find(item, "list"))
					 : &load->lists[number];
	if (!list)
		return;
	if (how == DEFINE_SET)
		list->count = 0;
	add_items(load, list, items);
}

void define_item(struct load *load, const struct yaml_node *item)
{
	if (item->kind != YAML_MAP)
		define_refuse(load, item, "a mapping with rule, macro, list, group, program, class, "
				"quota or include");
	else if (yaml_find(item, "rule"))
		define_rule(load, item);
	else if (yaml_find(item, "macro"))
		define_macro(load, item);
	else if (yaml_find(item, "list"))
		define_list(load, item);
	else if (yaml_find(item, "group"))
		define_group(load, item);
	else if (yaml_find(item, "program"))
		define_program(load, item);
	else if (yaml_find(item, "class"))
		define_class(load, item);
	else if (yaml_find(item, "quota"))
		define_quota(load, item);
	else if (!item->first)
		define_refuse(load, item, "rule, macro, list, group, program, class, quota or include");
	else if (!yaml_is(item->first, "required_engine_version") &&
			!yaml_is(item->first, "required_plugin_versions"))
		define_unknown_key(load, item->first, kinds);
}
