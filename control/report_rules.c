/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of rules to readers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "params.h"
#include "report.h"
#include "rule/names.h"
#include "rule/rule.h"
#include "rules_state.h"

/** Bytes of a version's file in one answer of rules.text; a multiple of 3. */
#define PART_BYTES (720u * 1024u)
/** Rules in one answer of rules.list, unless fewer are asked for. */
#define LIST_MAX 2000u
#define COUNTER_TRIES 100u
/** Rules that are looked at for one answer, so that the loop goes on. */
#define LOOK_MAX 100000u

static json_t *describe_change(const struct rules *rules)
{
	enum rules_phase phase = (enum rules_phase)VEX_LOAD_ACQUIRE(&rules->job.phase);

	if (!rules->busy)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:I}", "action", rules->job.action, "phase",
			rules_phase_name(phase), "uid", (json_int_t)rules->by, "elapsed_ms",
			(json_int_t)(uv_now(&rules->control->loop) - rules->since_ms));
}

static const char *state_of(const struct rules *rules)
{
	if (!rules->current)
		return "none";
	if (*rules->refused)
		return "refused";
	if (!plane_segment(rules->control->plane))
		return "waiting";
	return rules->loaded == rules->current ? "in force" : "loading";
}

void task_rules_status(struct control *control, struct task *task)
{
	const struct rules *rules = control->rules;
	json_t *o = json_pack("{s:s, s:I, s:o}", "state", state_of(rules), "version",
			(json_int_t)rules->current, "change", describe_change(rules));

	if (rules->image.data) {
		report_set(o, "rules", rules->image.data->parts[RULE_PART_RULES].count);
		report_set(o, "image_bytes", rules->image.size);
	}
	if (*rules->refused)
		json_object_set_new(o, "reason", json_string(rules->refused));
	if (!rules->store)
		json_object_set_new(o, "store", json_string(rules->why_no_store));
	task_done(task, o);
}

void task_rules_history(struct control *control, struct task *task)
{
	struct rules *rules = control->rules;
	uint64_t from = param_integer(task->params, "from", 0);
	uint64_t next = 0;
	json_t *list = rules->store ? store_list(rules->store, from, &next) : json_array();
	json_t *version;
	size_t i;

	json_array_foreach(list, i, version)
		json_object_set_new(version, "current", json_boolean(json_integer_value(
				json_object_get(version, "version")) ==
				(json_int_t)rules->current));
	task_done(task, json_pack("{s:I, s:o}", "next", (json_int_t)next, "versions", list));
}

/* The end of the file is where an answer is shorter than what is left of "size". */
void task_rules_text(struct control *control, struct task *task)
{
	struct rules *rules = control->rules;
	uint64_t version = param_integer(task->params, "version", (uint32_t)rules->current);
	uint64_t offset = param_integer(task->params, "offset", 0);
	void *part = malloc(PART_BYTES);
	ssize_t n = part && rules->store ? store_read_part(rules->store, version, offset, part,
			PART_BYTES) : -1;
	char *text = n < 0 ? NULL : base64_encode(part, (size_t)n);

	if (text)
		task_done(task, json_pack("{s:I, s:I, s:b, s:s}", "version", (json_int_t)version,
				"offset", (json_int_t)offset, "end", (size_t)n < PART_BYTES, "data",
				text));
	else if (!version)
		task_fail(task, WIRE_RULES, "there are no rules");
	else
		task_fail(task, WIRE_RULES, "there is no version %" PRIu64 " (any more)", version);
	free(part);
	free(text);
}

static const char *image_text(const struct rule_image *image, const struct rule_image_text *text)
{
	return (const char *)rule_image_part(image, RULE_PART_TEXT) + text->offset;
}

static json_t *describe_targets(const struct rule_image *image, const struct rule_image_rule *rule)
{
	const uint32_t *targets = rule_image_part(image, RULE_PART_TARGETS);
	const struct rule_image_target *destinations = rule_image_part(image,
			RULE_PART_DESTINATIONS);
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < rule->target_count; i++) {
		const struct rule_image_target *target =
				&destinations[targets[rule->target_first + i]];
		const char *kind = rule_target_name((enum rule_target_kind)target->kind);

		if (target->name.len)
			json_array_append_new(list, json_sprintf("%s:%.*s", kind,
					(int)target->name.len, image_text(image, &target->name)));
		else
			json_array_append_new(list, json_string(kind));
	}
	return list;
}

/* Not there where the data plane has other rules, or is changing them just now. */
static void put_counters(const struct rules *rules, uint64_t index, json_t *o)
{
	const struct vex_rules_segment *counters = plane_rule_counters(rules->control->plane);
	struct vex_rule_stat stat;
	unsigned i;

	for (i = 0; counters && i < COUNTER_TRIES; i++) {
		if (!vex_rules_read(counters, rules->current, (uint32_t)index, 1, &stat))
			continue;
#define VEX_RULE_COUNTER(name, description) report_set(o, #name, stat.name);
#include "stat/stat.def"
		return;
	}
}

static json_t *describe_rule(const struct rules *rules, uint64_t index)
{
	const struct rule_image *image = rules->image.data;
	const struct rule_image_rule *rule = (const struct rule_image_rule *)rule_image_part(image,
			RULE_PART_RULES) + index;

	json_t *o = json_pack("{s:I, s:o, s:s, s:s, s:s, s:b, s:o, s:o}", "rule", (json_int_t)index,
			"name", json_stringn(image_text(image, &rule->name), rule->name.len), "state",
			rule_state_name((enum rule_state)rule->state), "priority",
			rule_priority_name((enum rule_priority)rule->priority), "qos",
			rule_qos_name((enum rule_qos)rule->qos), "first", rule->first,
			"fingerprint", json_sprintf("%016" PRIx64, rule->fingerprint), "targets",
			describe_targets(image, rule));

	put_counters(rules, index, o);
	return o;
}

/* A table of the names that are asked for: there may be many of both. */
static int read_names(const json_t *list, struct rule_names *names)
{
	const json_t *name;
	int error = 0;
	size_t i;

	json_array_foreach(list, i, name) {
		struct rule_text text = {json_string_value(name), json_string_length(name)};

		if (!error && rule_names_find(names, text.data, text.len) == RULE_NAMES_NONE)
			error = rule_names_add(names, text, 0);
	}
	return error;
}

static bool is_named(const struct rules *rules, uint64_t index, const struct rule_names *names)
{
	const struct rule_image *image = rules->image.data;
	const struct rule_image_rule *rule = (const struct rule_image_rule *)rule_image_part(image,
			RULE_PART_RULES) + index;

	return !names->count || rule_names_find(names, image_text(image, &rule->name),
			rule->name.len) != RULE_NAMES_NONE;
}

void task_rules_list(struct control *control, struct task *task)
{
	const struct rules *rules = control->rules;
	struct rule_names names = {0};
	uint64_t i = param_integer(task->params, "from", 0);
	uint64_t limit = param_integer(task->params, "count", LIST_MAX);
	uint64_t total = rules->image.data ? rules->image.data->parts[RULE_PART_RULES].count : 0;
	uint64_t end = i + LOOK_MAX < total ? i + LOOK_MAX : total;
	json_t *list = json_array();
	int error = read_names(json_object_get(task->params, "names"), &names);

	if (limit > LIST_MAX)
		limit = LIST_MAX;
	for (; !error && i < end && json_array_size(list) < limit; i++)
		if (is_named(rules, i, &names))
			json_array_append_new(list, describe_rule(rules, i));
	rule_names_free(&names);
	task_done(task, json_pack("{s:I, s:I, s:I, s:o}", "version", (json_int_t)rules->current,
			"total", (json_int_t)total, "next", (json_int_t)(i < total ? i : 0),
			"rules", list));
}
