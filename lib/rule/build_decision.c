/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of events that match: targets, limits, redactions; and what targets are made of. */
#include "rule/build.h"

#include <errno.h>
#include <stdlib.h>

/* -- fields as keys -- */

static struct rule_image_key key_of(struct build *build, const struct rule_key *key)
{
	struct rule_image_key out = {.field = build_field(build, key->field)};
	struct rule_image_text arg = build_text(build, key->argument.data, key->argument.len);

	out.arg = arg.len ? arg.offset : 0;
	out.arg_len = arg.len;
	return out;
}

static struct rule_image_keys keys_of(struct build *build, const struct rule_keys *keys)
{
	struct rule_image_key list[RULE_KEYS_MAX];
	uint32_t i;

	for (i = 0; i < keys->count; i++)
		list[i] = key_of(build, &keys->keys[i]);
	return (struct rule_image_keys){.count = keys->count,
			.first = (uint32_t)(build_intern(build, &build->keys, list,
					keys->count * sizeof(*list)) / sizeof(*list))};
}

/* -- of a rule -- */

static uint32_t destination(struct build *build, const struct rule_target *target)
{
	struct rule_image_target out = {.kind = target->kind, .index = target->index,
			.name = build_text(build, target->name.data, target->name.len)};

	return (uint32_t)(build_intern(build, &build->destinations, &out, sizeof(out)) /
			sizeof(out));
}

static void add_targets(struct build *build, const struct rule *rule, struct rule_image_rule *out)
{
	uint32_t list[RULE_TARGETS_MAX];
	uint32_t i;

	for (i = 0; i < rule->target_count; i++)
		list[i] = destination(build, &rule->targets[i]);
	out->target_count = (uint16_t)rule->target_count;
	out->target_first = (uint32_t)(build_intern(build, &build->targets, list,
			rule->target_count * sizeof(*list)) / sizeof(*list));
}

static uint32_t limit(struct build *build, const struct rule *rule)
{
	struct rule_image_limit out = {.rate_events = rule->rate.events,
			.rate_per_ns = rule->rate.per_ns, .rate_burst = rule->rate.burst,
			.suppress_ns = rule->suppress.for_ns, .sample_num = rule->sample.num,
			.sample_den = rule->sample.den};

	if (!out.rate_events && !out.suppress_ns && !out.sample_den)
		return RULE_IMAGE_NONE;
	out.sample_by = keys_of(build, &rule->sample.by);
	out.rate_by = keys_of(build, &rule->rate.by);
	out.suppress_by = keys_of(build, &rule->suppress.by);
	return (uint32_t)(build_intern(build, &build->limits, &out, sizeof(out)) / sizeof(out));
}

static void add_redacts(struct build *build, const struct rule *rule, struct rule_image_rule *out)
{
	struct rule_image_redact list[RULE_REDACTIONS_MAX];
	uint32_t i;

	memset(list, 0, sizeof(list));
	for (i = 0; i < rule->redact_count; i++) {
		list[i].how = rule->redacts[i].how;
		list[i].key = key_of(build, &rule->redacts[i].key);
	}
	out->redact_count = (uint16_t)rule->redact_count;
	out->redact_first = (uint32_t)(build_intern(build, &build->redacts, list,
			rule->redact_count * sizeof(*list)) / sizeof(*list));
}

void build_decision(struct build *build, const struct rule *rule, struct rule_image_rule *out)
{
	add_targets(build, rule, out);
	add_redacts(build, rule, out);
	out->limit = limit(build, rule);
}

/* -- of a set -- */

static void add_group(struct build *build, const struct rule_group *group)
{
	struct rule_image_group_of out = {.slow_ns = group->slow_ns, .probe_ns = group->probe_ns,
			.balance = group->balance, .member_count = group->member_count,
			.member_first = (uint32_t)(build->members.len /
					sizeof(struct rule_image_member))};
	uint32_t i;

	out.name = build_text(build, group->name.data, group->name.len);
	out.by = keys_of(build, &group->by);
	build_add(build, &build->groups, &out, sizeof(out));
	for (i = 0; i < group->member_count; i++) {
		const struct rule_member *from = &group->members[i];
		struct rule_image_member member = {.weight = from->weight,
				.name = build_text(build, from->name.data, from->name.len)};

		build_add(build, &build->members, &member, sizeof(member));
	}
}

static void add_program(struct build *build, const struct rule_program *program)
{
	struct rule_image_program out = {.count = program->code_count,
			.name = build_text(build, program->name.data, program->name.len)};

	out.code = build_add(build, &build->code, program->code,
			program->code_count * sizeof(*program->code)) / sizeof(*program->code);
	build_add(build, &build->programs, &out, sizeof(out));
}

static void add_quota(struct build *build, const struct rule_quota *quota)
{
	struct rule_image_quota out = {.events = quota->events, .per_ns = quota->per_ns,
			.burst = quota->burst, .excess = quota->excess, .tenant = quota->tenant,
			.any = quota->any, .over = quota->over};

	build_add(build, &build->quotas, &out, sizeof(out));
}

void build_definitions(struct build *build)
{
	const struct rule_set *set = build->set;
	uint32_t i;

	for (i = 0; i < set->group_count; i++)
		add_group(build, &set->groups[i]);
	for (i = 0; i < set->program_count; i++)
		add_program(build, &set->programs[i]);
	for (i = 0; i < set->quota_count; i++)
		add_quota(build, &set->quotas[i]);
	for (i = 0; i < RULE_QOS_COUNT; i++) {
		struct rule_image_class class = {.overload = set->classes[i].overload,
				.share = set->classes[i].share, .block_ns = set->classes[i].block_ns};

		build_add(build, &build->classes, &class, sizeof(class));
	}
}
