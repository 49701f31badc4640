/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule/build.h"
#include "rule/index_key.h"

struct mix {
	const struct rule_set *set;
	uint64_t hash;
};

static uint64_t mix_text(uint64_t hash, struct rule_text text)
{
	return rule_key_mix(hash, XXH3_64bits(text.data, text.len) + text.len);
}

static uint64_t mix_keys(uint64_t hash, const struct rule_keys *keys)
{
	uint32_t i;

	hash = rule_key_mix(hash, keys->count);
	for (i = 0; i < keys->count; i++) {
		const char *name = rule_fields[keys->keys[i].field].name;

		hash = mix_text(hash, (struct rule_text){name, strlen(name)});
		hash = mix_text(hash, keys->keys[i].argument);
	}
	return hash;
}

static uint64_t mix_decision(const struct build *build, uint64_t hash, const struct rule *rule)
{
	uint32_t i;

	hash = rule_key_mix(hash, (uint64_t)rule->qos << 8 | rule->first);
	for (i = 0; i < rule->target_count; i++) {
		const struct rule_target *target = &rule->targets[i];

		hash = rule_key_mix(hash, target->kind);
		hash = target->kind == RULE_TARGET_GROUP
				? mix_text(hash, build->set->groups[target->index].name)
				: rule_key_mix(mix_text(hash, target->name), target->index);
	}
	for (i = 0; i < rule->redact_count; i++) {
		const struct rule_keys keys = {1, &rule->redacts[i].key};

		hash = mix_keys(rule_key_mix(hash, rule->redacts[i].how), &keys);
	}
	return hash;
}

/* A program by what it does. */
static void mix_program(const struct rule_node *node, void *data)
{
	struct mix *mix = data;
	const struct rule_program *program;

	if (node->kind != RULE_NODE_PROGRAM)
		return;
	program = &mix->set->programs[node->program];
	mix->hash = rule_key_mix(mix->hash,
			XXH3_64bits(program->code, program->code_count * sizeof(*program->code)));
}

static uint64_t mix_limits(uint64_t hash, const struct rule *rule)
{
	uint32_t i;

	hash = mix_keys(rule_key_mix(rule_key_mix(hash, rule->sample.num), rule->sample.den),
			&rule->sample.by);
	hash = rule_key_mix(rule_key_mix(hash, rule->rate.events), rule->rate.per_ns);
	hash = mix_keys(rule_key_mix(hash, rule->rate.burst), &rule->rate.by);
	hash = mix_keys(rule_key_mix(hash, rule->suppress.for_ns), &rule->suppress.by);
	hash = rule_key_mix(hash, (uint64_t)rule->schedule.offset_minutes);
	for (i = 0; i < rule->schedule.count; i++) {
		const struct rule_window *window = &rule->schedule.windows[i];

		hash = rule_key_mix(hash, (uint64_t)window->days << 32 | (uint32_t)window->from << 16 |
				window->to);
	}
	return hash;
}

/* A rule's state survives a reload where this did not change, whatever became of its name. */
static uint64_t fingerprint(struct build *build, struct build_bytes *text, const struct rule *rule)
{
	size_t len = rule_node_print_named(build->set, rule->condition, (char *)text->data, text->cap);
	struct mix mix = {.set = build->set};

	if (len >= text->cap) {
		text->len = 0;
		build_add(build, text, NULL, len + 1);
		if (build->error)
			return 0;
		rule_node_print_named(build->set, rule->condition, (char *)text->data, text->cap);
	}
	mix.hash = rule_key_mix(len, XXH3_64bits(text->data, len));
	if (build->set->program_count)
		rule_node_walk(rule->condition, mix_program, &mix);
	return mix_limits(mix_decision(build, mix.hash, rule), rule);
}

static void add_rules(struct build *build)
{
	struct rule_image_rule *rules;
	struct build_bytes text = {0};
	uint32_t i;

	build_add(build, &text, NULL, 1);
	build_add(build, &build->rules, NULL, build->set->count * sizeof(*rules));
	rules = (struct rule_image_rule *)build->rules.data;
	for (i = 0; !build->error && i < build->set->count; i++) {
		const struct rule *rule = &build->set->rules[i];

		build->rule = i;
		rules[i].name = build_text(build, rule->name.data, rule->name.len);
		rules[i].fingerprint = fingerprint(build, &text, rule);
		rules[i].state = (uint8_t)rule->state;
		rules[i].first = rule->first;
		rules[i].qos = (uint8_t)rule->qos;
		rules[i].priority = (uint8_t)rule->priority;
		rules[i].cacheable = rules[i].residual = RULE_IMAGE_NONE;
		build_decision(build, rule, &rules[i]);
		if (rule->state == RULE_ACTIVE)
			build_split(build, rule, &rules[i]);
	}
	free(text.data);
}

static void add_keys(struct build *build)
{
	const struct rule_image_rule *rules = (const struct rule_image_rule *)build->rules.data;
	uint32_t i;

	build_crowds(build);
	for (i = 0; !build->error && i < build->set->count; i++) {
		build->rule = i;
		if (build->set->rules[i].state == RULE_ACTIVE)
			build_keys(build, rules[i].cacheable);
	}
}

static void free_build(struct build *build)
{
	struct build_bytes *const bytes[] = {&build->field_names, &build->rules,
			&build->rule_inputs, &build->groups, &build->members, &build->classes,
			&build->quotas, &build->programs, &build->code, &build->schedules,
			&build->windows, &build->slots, &build->postings, &build->scans,
			&build->patterns, &build->databases, &build->leads, &build->pattern_leads,
			&build->loose, &build->crowd};
	struct build_pool *const pools[] = {&build->text, &build->texts, &build->values,
			&build->tests, &build->nodes, &build->inputs, &build->targets,
			&build->destinations, &build->keys, &build->limits, &build->redacts};
	size_t i;

	for (i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		free(bytes[i]->data);
	for (i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		build_pool_free(pools[i]);
}

static void explain(const struct build *build, struct rule_compile_error *why)
{
	if (build->error == -EINVAL)
		snprintf(why->text, sizeof(why->text), "Hyperscan refuses a pattern");
	else
		snprintf(why->text, sizeof(why->text), "%s", strerror(-build->error));
}

int rule_compile(const struct rule_set *set, const struct rule_image *previous,
		struct rule_image **image, size_t *size, struct rule_compile_error *why)
{
	struct build build = {.set = set, .previous = previous};

	*image = NULL;
	build_definitions(&build);
	add_rules(&build);
	if (!build.error)
		add_keys(&build);
	build_index(&build);
	build_scans(&build);
	if (!build.error)
		*image = build_image(&build, size);
	if (!*image)
		explain(&build, why);
	free_build(&build);
	return build.error;
}
