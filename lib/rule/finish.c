/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/finish.h"

#include <stdio.h>
#include <string.h>

#include "rule/check.h"
#include "rule/define.h"

/* Names of what a rule can't have; each once. */
struct missing {
	struct load *load;
	struct rule *rule;
	const struct rule_node *first; /* node, for the place of the warning */
	struct rule_unsupported *list;
	uint32_t capacity;
};

static bool is_listed(const struct missing *missing, const struct rule_text *name)
{
	uint32_t i;

	for (i = 0; i < missing->rule->unsupported_count; i++)
		if (missing->list[i].name.len == name->len &&
				!memcmp(missing->list[i].name.data, name->data, name->len))
			return true;
	return false;
}

static void add_missing(struct missing *missing, const struct rule_unsupported *unsupported)
{
	uint32_t count = missing->rule->unsupported_count;
	uint32_t more = missing->capacity ? missing->capacity * 2 : 4;
	struct rule_unsupported *list;

	if (is_listed(missing, &unsupported->name))
		return;
	if (count == missing->capacity) {
		list = load_keep(missing->load, more * sizeof(*list));
		if (!list)
			return;
		if (count)
			memcpy(list, missing->list, count * sizeof(*list));
		missing->list = list;
		missing->capacity = more;
	}
	missing->list[missing->rule->unsupported_count++] = *unsupported;
}

static void visit(const struct rule_node *node, void *data)
{
	struct missing *missing = data;

	if (node->kind != RULE_NODE_UNSUPPORTED)
		return;
	if (!missing->first)
		missing->first = node;
	add_missing(missing, &node->unsupported);
}

static void warn_unsupported(struct load *load, const struct rule *rule, struct rule_pos pos)
{
	char names[384];
	size_t len = 0;
	uint32_t i;

	for (i = 0; i < rule->unsupported_count && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.*s (%s)",
				i ? ", " : "", SHOWN(rule->unsupported[i].name),
				rule->unsupported[i].why);
	load_say(load, RULE_WARNING, RULE_DIAG_UNSUPPORTED, pos, NULL,
			"rule '%.*s' is unsupported: %s", SHOWN(rule->name), names);
}

static void find_unsupported(struct load *load, struct draft *draft)
{
	struct rule *rule = &draft->rule;
	struct missing missing = {.load = load, .rule = rule};
	struct rule_unsupported source = {rule->source, "events of this source are not seen"};

	if (draft->foreign_source)
		add_missing(&missing, &source);
	rule_node_walk(rule->condition, visit, &missing);
	rule->unsupported = missing.list;
	if (!rule->unsupported_count)
		return;
	rule->state = RULE_UNSUPPORTED;
	warn_unsupported(load, rule, draft->foreign_source ? draft->source_pos : missing.first->pos);
}

/* Types of events that the condition may be true of; or more. */
static struct rule_words types_of(const struct rule_node *node)
{
	struct rule_words words = {0};
	uint32_t i;
	unsigned j;

	if (node->kind == RULE_NODE_TEST && node->field == RULE_FIELD_EVT_TYPE && node->test.words)
		return *node->test.words;
	if (node->kind == RULE_NODE_OR) {
		for (i = 0; i < node->count; i++) {
			struct rule_words more = types_of(node->children[i]);

			for (j = 0; j < 4; j++)
				words.bits[j] |= more.bits[j];
		}
		return words;
	}
	memset(&words, 0xff, sizeof(words));
	for (i = 0; node->kind == RULE_NODE_AND && i < node->count; i++) {
		struct rule_words less = types_of(node->children[i]);

		for (j = 0; j < 4; j++)
			words.bits[j] &= less.bits[j];
	}
	return words;
}

/* Data planes ask no rule of what they tell of themselves. */
static bool is_of_control(const struct rule_node *condition)
{
	struct rule_words words = types_of(condition);
	unsigned type;

	for (type = 0; type < VEX_TYPE_LIMIT; type++)
		if (rule_words_has(&words, type) && vex_type_name(type) &&
				vex_type_category(type) != VEX_CATEGORY_CONTROL)
			return false;
	return true;
}

static void warn_constant(struct load *load, const struct rule *rule)
{
	bool never = rule->condition->kind == RULE_NODE_FALSE;

	if (never || is_of_control(rule->condition))
		load_say(load, RULE_WARNING, RULE_DIAG_CONSTANT, rule->pos, NULL,
				"rule '%.*s' never matches%s", SHOWN(rule->name),
				never ? "" : ": gaps are no business of rules");
}

static void finish_rule(struct load *load, struct draft *draft)
{
	struct rule *rule = &draft->rule;
	struct checked checked;

	define_targets(load, draft);
	if (!draft->condition.first) /* which was said */
		return;
	checked = check_rule(load, draft);
	rule_memory_free(&load->temporary);
	if (!checked.lowered)
		return;
	rule->condition = checked.lowered;
	rule->plain = checked.plain;
	rule->nodes = checked.nodes;
	rule->state = rule->enabled ? RULE_ACTIVE : RULE_DISABLED;
	find_unsupported(load, draft);
	if (rule->state == RULE_ACTIVE)
		warn_constant(load, rule);
}

static void keep_rules(struct load *load)
{
	struct rule *rules = load_keep(load, load->draft_count * sizeof(*rules) + 1);
	size_t i;

	for (i = 0; rules && i < load->draft_count; i++)
		rules[i] = load->drafts[i].rule;
	load->set->rules = rules;
	load->set->count = rules ? (uint32_t)load->draft_count : 0;
}

static void keep_files(struct load *load)
{
	struct rule_text *files = load_keep(load, load->file_count * sizeof(*files) + 1);
	size_t i;

	for (i = 0; files && i < load->file_count; i++)
		files[i] = (struct rule_text){load->files[i].name, strlen(load->files[i].name)};
	load->set->files = files;
	load->set->file_count = files ? (uint32_t)load->file_count : 0;
}

static void keep_rest(struct load *load)
{
	struct rule_set *set = load->set;

	set->groups = rule_memory_copy(load->keep, load->groups,
			load->group_count * sizeof(*load->groups));
	set->group_count = (uint32_t)load->group_count;
	set->programs = rule_memory_copy(load->keep, load->programs,
			load->program_count * sizeof(*load->programs));
	set->program_count = (uint32_t)load->program_count;
	if ((set->group_count && !set->groups) || (set->program_count && !set->programs))
		load_no_memory(load);
}

void finish_set(struct load *load)
{
	size_t i;

	for (i = 0; i < load->list_count && !load->error; i++)
		check_list(load, &load->lists[i]);
	rule_memory_free(&load->temporary);
	check_macros(load);
	load_programs(load);
	define_finish_classes(load);
	define_finish_quotas(load);
	for (i = 0; i < load->draft_count && !load->error; i++)
		finish_rule(load, &load->drafts[i]);
	rule_memory_free(&load->scratch); /* a million rules' texts, no longer needed */
	if (load->error || load->errors)
		return;
	keep_rules(load);
	keep_files(load);
	keep_rest(load);
}

const struct rule *rule_set_find(const struct rule_set *set, const char *name)
{
	uint32_t i;

	for (i = 0; i < set->count; i++)
		if (!strcmp(set->rules[i].name.data, name))
			return &set->rules[i];
	return NULL;
}
