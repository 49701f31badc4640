/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/rules_describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "cli/rules.h"
#include "event/event.h"
#include "rule/quote.h"

static json_t *text_json(struct rule_text text)
{
	return rules_json_text(text.data, text.len);
}

static void put_text(json_t *o, const char *key, struct rule_text text)
{
	if (text.len)
		json_object_set_new(o, key, text_json(text));
}

static void put_number(json_t *o, const char *key, uint64_t number)
{
	json_object_set_new(o, key, json_integer((json_int_t)number));
}

static void put_condition(json_t *o, const struct rule_set *set, const struct rule_node *node)
{
	size_t len = node ? rule_node_print_named(set, node, NULL, 0) : 0;
	char *text = node ? malloc(len + 1) : NULL;

	if (!text)
		return;
	rule_node_print_named(set, node, text, len + 1);
	json_object_set_new(o, "condition", rules_json_text(text, len));
	free(text);
}

static json_t *key_json(const struct rule_key *key)
{
	if (!key->argument.len)
		return json_string(rule_fields[key->field].name);
	return json_sprintf(quote_is_bare(&key->argument) ? "%s[%s]" : "%s[\"%s\"]",
			rule_fields[key->field].name, key->argument.data);
}

static void put_keys(json_t *o, const struct rule_keys *keys)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < keys->count; i++)
		json_array_append_new(list, key_json(&keys->keys[i]));
	if (keys->count)
		json_object_set(o, "by", list);
	json_decref(list);
}

static json_t *target_json(const struct rule_target *target)
{
	const char *kind = rule_target_name(target->kind);

	if (target->kind == RULE_TARGET_BOUNDARY)
		return json_sprintf("%s:%s", kind, vex_boundary_name(target->index));
	if (target->name.len)
		return json_sprintf("%s:%s", kind, target->name.data);
	return json_string(kind);
}

static void put_route(json_t *o, const struct rule *rule)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < rule->target_count; i++)
		json_array_append_new(list, target_json(&rule->targets[i]));
	if (rule->target_count)
		json_object_set(o, "route", list);
	json_decref(list);
}

static void put_sample(json_t *o, const struct rule_sample *sample)
{
	json_t *part = json_object();

	put_number(part, "num", sample->num);
	put_number(part, "den", sample->den);
	put_keys(part, &sample->by);
	if (sample->den)
		json_object_set(o, "sample", part);
	json_decref(part);
}

static void put_rate(json_t *o, const struct rule_rate *rate)
{
	json_t *part = json_object();

	put_number(part, "events", rate->events);
	put_number(part, "per_ns", rate->per_ns);
	put_number(part, "burst", rate->burst);
	put_keys(part, &rate->by);
	if (rate->events)
		json_object_set(o, "rate", part);
	json_decref(part);
}

static void put_suppress(json_t *o, const struct rule_suppress *suppress)
{
	json_t *part = json_object();

	put_number(part, "for_ns", suppress->for_ns);
	put_keys(part, &suppress->by);
	if (suppress->for_ns)
		json_object_set(o, "suppress", part);
	json_decref(part);
}

static void put_schedule(json_t *o, const struct rule_schedule *schedule)
{
	json_t *list = json_array();
	json_t *part;
	uint32_t i;

	for (i = 0; i < schedule->count; i++) {
		const struct rule_window *window = &schedule->windows[i];

		part = json_object();
		put_number(part, "days", window->days);
		put_number(part, "from", window->from);
		put_number(part, "to", window->to);
		json_array_append_new(list, part);
	}
	if (schedule->count)
		json_object_set_new(o, "schedule", json_pack("{s:i, s:O}", "offset_minutes",
				(int)schedule->offset_minutes, "windows", list));
	json_decref(list);
}

static void put_redact(json_t *o, const struct rule *rule)
{
	json_t *part = json_object();
	json_t *key;
	uint32_t i;

	for (i = 0; i < rule->redact_count; i++) {
		key = key_json(&rule->redacts[i].key);
		json_object_set_new(part, json_string_value(key),
				json_string(rule_redact_name(rule->redacts[i].how)));
		json_decref(key);
	}
	if (rule->redact_count)
		json_object_set(o, "redact", part);
	json_decref(part);
}

static void put_tags(json_t *o, const struct rule *rule)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < rule->tag_count; i++)
		json_array_append_new(list, text_json(rule->tags[i]));
	if (rule->tag_count)
		json_object_set(o, "tags", list);
	json_decref(list);
}

json_t *rules_describe(const struct rule_set *set, const struct rule *rule)
{
	json_t *o = json_object();

	json_object_set_new(o, "state", json_string(rule_state_name(rule->state)));
	put_condition(o, set, rule->condition);
	put_text(o, "desc", rule->desc);
	put_text(o, "output", rule->output);
	json_object_set_new(o, "priority", json_string(rule_priority_name(rule->priority)));
	json_object_set_new(o, "qos", json_string(rule_qos_name(rule->qos)));
	json_object_set_new(o, "match", json_string(rule->first ? "first" : "all"));
	put_tags(o, rule);
	put_route(o, rule);
	put_sample(o, &rule->sample);
	put_rate(o, &rule->rate);
	put_suppress(o, &rule->suppress);
	put_schedule(o, &rule->schedule);
	put_redact(o, rule);
	return o;
}

__attribute__((format(printf, 3, 4)))
static void put_named(json_t *all, json_t *value, const char *format, ...)
{
	char name[RULE_NAME_MAX + 16];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (json_object_set_new(all, name, value) < 0)
		json_decref(value); /* a name that is not UTF-8 */
}

static json_t *describe_group(const struct rule_group *group)
{
	json_t *o = json_object();
	json_t *members = json_array();
	uint32_t i;

	for (i = 0; i < group->member_count; i++)
		json_array_append_new(members, json_sprintf("%s: %" PRIu32,
				group->members[i].name.data, group->members[i].weight));
	json_object_set_new(o, "members", members);
	json_object_set_new(o, "balance", json_string(rule_balance_name(group->balance)));
	put_keys(o, &group->by);
	put_number(o, "slow_ns", group->slow_ns);
	put_number(o, "probe_ns", group->probe_ns);
	return o;
}

static json_t *describe_quota(const struct rule_quota *quota)
{
	json_t *o = json_object();

	put_number(o, "events", quota->events);
	put_number(o, "per_ns", quota->per_ns);
	put_number(o, "burst", quota->burst);
	put_number(o, "excess", quota->excess);
	json_object_set_new(o, "over", json_string(rule_over_name(quota->over)));
	return o;
}

static json_t *describe_class(const struct rule_class *class)
{
	json_t *o = json_object();

	json_object_set_new(o, "overload", json_string(rule_overload_name(class->overload)));
	put_number(o, "share", class->share);
	put_number(o, "block_ns", class->block_ns);
	return o;
}

/* The object may be another one under the same name. */
static json_t *describe_program(const struct rule_program *program)
{
	json_t *o = json_pack("{s:s, s:s}", "file", program->file.data, "section",
			program->section.data);

	if (program->code)
		json_object_set_new(o, "code", json_sprintf("%016" PRIx64, XXH3_64bits(program->code,
				program->code_count * sizeof(*program->code))));
	return o;
}

json_t *rules_describe_others(const struct rule_set *set)
{
	json_t *all = json_object();
	uint32_t i;

	for (i = 0; i < set->group_count; i++)
		put_named(all, describe_group(&set->groups[i]), "group %s",
				set->groups[i].name.data);
	for (i = 0; i < RULE_QOS_COUNT; i++)
		put_named(all, describe_class(&set->classes[i]), "class %s",
				rule_qos_name((enum rule_qos)i));
	for (i = 0; i < set->quota_count; i++)
		if (set->quotas[i].any)
			put_named(all, describe_quota(&set->quotas[i]), "quota default");
		else
			put_named(all, describe_quota(&set->quotas[i]), "quota %" PRIu32,
					set->quotas[i].tenant);
	for (i = 0; i < set->program_count; i++)
		put_named(all, describe_program(&set->programs[i]), "program %s",
				set->programs[i].name.data);
	return all;
}
