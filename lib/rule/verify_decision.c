/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of an image that say what becomes of events that match. */
#include "rule/program.h"
#include "rule/verify_work.h"

static bool check_targets(const struct verify *verify)
{
	const struct rule_image_target *to = rule_image_part(verify->image, RULE_PART_DESTINATIONS);
	const uint32_t *targets = rule_image_part(verify->image, RULE_PART_TARGETS);
	uint64_t i;

	for (i = 0; i < verify_count(verify, RULE_PART_TARGETS); i++)
		if (targets[i] >= verify_count(verify, RULE_PART_DESTINATIONS))
			return false;
	for (i = 0; i < verify_count(verify, RULE_PART_DESTINATIONS); i++)
		if (to[i].kind >= RULE_TARGET_COUNT || !verify_text(verify, &to[i].name) ||
				to[i].name.len > RULE_NAME_MAX ||
				(to[i].kind == RULE_TARGET_GROUP &&
						to[i].index >= verify_count(verify, RULE_PART_GROUPS)) ||
				(to[i].kind == RULE_TARGET_BOUNDARY &&
						to[i].index >= VEX_BOUNDARY_COUNT))
			return false;
	return true;
}

/* A bracket's name goes with attr, and with no other. */
static bool good_key(const struct verify *verify, const struct rule_image_key *key, bool lists)
{
	enum rule_field_id id;

	if (key->field >= verify_count(verify, RULE_PART_FIELDS) ||
			!verify_within(verify, RULE_PART_TEXT, key->arg, key->arg_len))
		return false;
	id = verify->ids[key->field];
	return (lists || rule_fields[id].type != RULE_STRINGS) &&
			(id == RULE_FIELD_ATTR) == (key->arg_len > 0);
}

static bool good_keys(const struct verify *verify, const struct rule_image_keys *keys)
{
	return keys->count <= RULE_KEYS_MAX &&
			verify_within(verify, RULE_PART_KEYS, keys->first, keys->count);
}

static bool check_keys(const struct verify *verify)
{
	const struct rule_image_key *keys = rule_image_part(verify->image, RULE_PART_KEYS);
	const struct rule_image_redact *redacts = rule_image_part(verify->image, RULE_PART_REDACTS);
	uint64_t i;

	for (i = 0; i < verify_count(verify, RULE_PART_KEYS); i++)
		if (!good_key(verify, &keys[i], false))
			return false;
	for (i = 0; i < verify_count(verify, RULE_PART_REDACTS); i++)
		if (redacts[i].how >= RULE_REDACT_COUNT || !good_key(verify, &redacts[i].key, true))
			return false;
	return true;
}

static bool good_flow(uint64_t events, uint64_t per_ns)
{
	return events && events <= UINT32_MAX && per_ns && per_ns <= RULE_INTERVAL_MAX;
}

static bool good_limit(const struct verify *verify, const struct rule_image_limit *limit)
{
	if (!good_keys(verify, &limit->sample_by) || !good_keys(verify, &limit->rate_by) ||
			!good_keys(verify, &limit->suppress_by))
		return false;
	if (limit->sample_den ? !limit->sample_num || limit->sample_num > limit->sample_den
			      : limit->sample_num > 0)
		return false;
	if (limit->rate_events ? !good_flow(limit->rate_events, limit->rate_per_ns) ||
					!limit->rate_burst || limit->rate_burst > UINT32_MAX
			       : limit->rate_per_ns || limit->rate_burst)
		return false;
	return limit->suppress_ns <= RULE_INTERVAL_MAX;
}

static bool check_limits(const struct verify *verify)
{
	const struct rule_image_limit *limits = rule_image_part(verify->image, RULE_PART_LIMITS);
	uint64_t i;

	for (i = 0; i < verify_count(verify, RULE_PART_LIMITS); i++)
		if (!good_limit(verify, &limits[i]))
			return false;
	return true;
}

static bool good_group(const struct verify *verify, const struct rule_image_group_of *group)
{
	return verify_text(verify, &group->name) && good_keys(verify, &group->by) &&
			group->balance < RULE_BALANCE_COUNT &&
			(group->balance == RULE_BALANCE_HASH) == (group->by.count > 0) &&
			group->slow_ns && group->slow_ns <= RULE_INTERVAL_MAX && group->probe_ns &&
			group->probe_ns <= RULE_INTERVAL_MAX && group->member_count &&
			group->member_count <= RULE_MEMBERS_MAX &&
			verify_within(verify, RULE_PART_MEMBERS, group->member_first,
					group->member_count);
}

static bool check_groups(const struct verify *verify)
{
	const struct rule_image_group_of *groups = rule_image_part(verify->image, RULE_PART_GROUPS);
	const struct rule_image_member *members = rule_image_part(verify->image, RULE_PART_MEMBERS);
	uint64_t i;

	if (verify_count(verify, RULE_PART_GROUPS) > RULE_GROUPS_MAX)
		return false;
	for (i = 0; i < verify_count(verify, RULE_PART_GROUPS); i++)
		if (!good_group(verify, &groups[i]))
			return false;
	for (i = 0; i < verify_count(verify, RULE_PART_MEMBERS); i++)
		if (!verify_text(verify, &members[i].name) || !members[i].name.len ||
				members[i].name.len > RULE_NAME_MAX || !members[i].weight ||
				members[i].weight > RULE_WEIGHT_MAX)
			return false;
	return true;
}

/* All four; none may fill more than one above it. */
static bool check_classes(const struct verify *verify)
{
	const struct rule_image_class *class = rule_image_part(verify->image, RULE_PART_CLASSES);
	unsigned i;

	if (verify_count(verify, RULE_PART_CLASSES) != RULE_QOS_COUNT)
		return false;
	for (i = 0; i < RULE_QOS_COUNT; i++)
		if (class[i].overload >= RULE_OVERLOAD_COUNT || !class[i].share ||
				class[i].share > (i ? class[i - 1].share : 100) ||
				(class[i].overload == RULE_OVERLOAD_BLOCK) != (class[i].block_ns > 0) ||
				class[i].block_ns > RULE_BLOCK_MAX)
			return false;
	return true;
}

static bool check_quotas(const struct verify *verify)
{
	const struct rule_image_quota *quota = rule_image_part(verify->image, RULE_PART_QUOTAS);
	uint64_t i;

	if (verify_count(verify, RULE_PART_QUOTAS) > RULE_QUOTAS_MAX)
		return false;
	for (i = 0; i < verify_count(verify, RULE_PART_QUOTAS); i++, quota++)
		if (!good_flow(quota->events, quota->per_ns) || !quota->burst ||
				quota->burst > UINT32_MAX || quota->excess > UINT32_MAX ||
				quota->over >= RULE_OVER_COUNT || quota->any > 1 ||
				(quota->any && quota->tenant) || (i && (quota[-1].any ||
				(!quota->any && quota[-1].tenant >= quota->tenant))))
			return false;
	return true;
}

static bool check_programs(const struct verify *verify)
{
	const struct rule_image_program *programs =
			rule_image_part(verify->image, RULE_PART_PROGRAMS);
	const uint64_t *code = rule_image_part(verify->image, RULE_PART_CODE);
	struct rule_program_why why;
	uint64_t i;

	if (verify_count(verify, RULE_PART_PROGRAMS) > RULE_PROGRAMS_MAX)
		return false;
	for (i = 0; i < verify_count(verify, RULE_PART_PROGRAMS); i++)
		if (!verify_text(verify, &programs[i].name) || programs[i].count > RULE_CODE_MAX ||
				!verify_within(verify, RULE_PART_CODE, programs[i].code,
						programs[i].count) ||
				(programs[i].count && rule_program_check(code + programs[i].code,
						(uint32_t)programs[i].count, &why)))
			return false;
	return true;
}

bool verify_decisions(const struct verify *verify, const char **why)
{
	static const struct {
		bool (*check)(const struct verify *verify);
		const char *why;
	} steps[] = {
		{check_targets, "a target is malformed"},
		{check_keys, "a key or a redaction is malformed"},
		{check_limits, "a limit is malformed"},
		{check_groups, "a group is malformed"},
		{check_classes, "a service class is malformed"},
		{check_quotas, "a quota is malformed"},
		{check_programs, "a program is malformed"},
	};
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		*why = steps[i].why;
		if (!steps[i].check(verify))
			return false;
	}
	return true;
}
