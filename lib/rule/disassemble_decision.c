/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints what becomes of events that match. */
#include "rule/disassemble_work.h"

#include <inttypes.h>
#include <stdlib.h>

static void print_key(const struct rule_image *image, const struct rule_image_key *key, FILE *out)
{
	fputs(rule_fields[disassemble_field(image, key->field)].name, out);
	disassemble_argument(image, key->arg, key->arg_len, out);
}

static void print_by(const struct rule_image *image, const struct rule_image_keys *by, FILE *out)
{
	const struct rule_image_key *keys = rule_image_part(image, RULE_PART_KEYS);
	uint32_t i;

	for (i = 0; i < by->count; i++) {
		fputs(i ? ", " : " by ", out);
		print_key(image, &keys[by->first + i], out);
	}
}

static void print_target(const struct rule_image *image, const struct rule_image_target *target,
		FILE *out)
{
	fprintf(out, " %s", rule_target_name((enum rule_target_kind)target->kind));
	if (target->kind == RULE_TARGET_BOUNDARY)
		fprintf(out, ":%s", vex_boundary_name(target->index));
	else if (target->name.len)
		disassemble_text(image, &target->name, out);
}

/* mon-fri where they stand in a row. */
static void print_days(uint8_t days, FILE *out)
{
	static const char names[] = "montuewedthufrisatsun";
	const char *between = "";
	int first;
	int last;

	if ((days & 0x7f) == 0x7f)
		return;
	for (first = 0; first < 7; first = last + 1) {
		last = first;
		if (!(days >> first & 1))
			continue;
		while (last < 6 && (days >> (last + 1) & 1))
			last++;
		fprintf(out, "%s%.3s", between, names + 3 * first);
		if (last > first)
			fprintf(out, "-%.3s", names + 3 * last);
		between = ",";
	}
	fputc(' ', out);
}

void disassemble_schedule(const struct rule_image *image, uint64_t index, FILE *out)
{
	const struct rule_image_schedule *schedule =
			(const struct rule_image_schedule *)rule_image_part(image,
			RULE_PART_SCHEDULES) + index;
	const struct rule_image_window *window =
			(const struct rule_image_window *)rule_image_part(image,
			RULE_PART_WINDOWS) + schedule->first;
	int offset = abs(schedule->offset_minutes);
	uint32_t i;

	fputc('(', out);
	for (i = 0; i < schedule->count; i++, window++) {
		fputs(i ? " or " : "", out);
		print_days(window->days, out);
		fprintf(out, "%02u:%02u-%02u:%02u", window->from / 60u, window->from % 60u,
				window->to / 60u, window->to % 60u);
	}
	fprintf(out, ", UTC%s", offset ? schedule->offset_minutes < 0 ? "-" : "+" : "");
	if (offset)
		fprintf(out, "%02d:%02d", offset / 60, offset % 60);
	fputc(')', out);
}

static void print_limit(const struct rule_image *image, const struct rule_image_limit *limit,
		FILE *out)
{
	if (limit->sample_den) {
		fprintf(out, "\n  sample: %u/%u", limit->sample_num, limit->sample_den);
		print_by(image, &limit->sample_by, out);
	}
	if (limit->suppress_ns) {
		fprintf(out, "\n  suppress: %" PRIu64 " ns", limit->suppress_ns);
		print_by(image, &limit->suppress_by, out);
	}
	if (limit->rate_events) {
		fprintf(out, "\n  rate: %" PRIu64 " in %" PRIu64 " ns, burst %" PRIu64,
				limit->rate_events, limit->rate_per_ns, limit->rate_burst);
		print_by(image, &limit->rate_by, out);
	}
}

void disassemble_decision(const struct rule_image *image, const struct rule_image_rule *rule,
		FILE *out)
{
	const struct rule_image_target *to = rule_image_part(image, RULE_PART_DESTINATIONS);
	const struct rule_image_redact *redacts = rule_image_part(image, RULE_PART_REDACTS);
	const struct rule_image_limit *limits = rule_image_part(image, RULE_PART_LIMITS);
	const uint32_t *targets = rule_image_part(image, RULE_PART_TARGETS);
	uint32_t i;

	for (i = 0; i < rule->target_count; i++)
		print_target(image, &to[targets[rule->target_first + i]], out);
	if (rule->limit != RULE_IMAGE_NONE)
		print_limit(image, &limits[rule->limit], out);
	for (i = 0; i < rule->redact_count; i++) {
		const struct rule_image_redact *redact = &redacts[rule->redact_first + i];

		fprintf(out, "\n  %s ", rule_redact_name((enum rule_redact_how)redact->how));
		print_key(image, &redact->key, out);
	}
}

static void print_group(const struct rule_image *image, const struct rule_image_group_of *group,
		FILE *out)
{
	const struct rule_image_member *members = rule_image_part(image, RULE_PART_MEMBERS);
	uint32_t i;

	fputs("group ", out);
	disassemble_text(image, &group->name, out);
	fprintf(out, " %s, slow %" PRIu64 " ns, probe %" PRIu64 " ns",
			rule_balance_name((enum rule_balance)group->balance), group->slow_ns,
			group->probe_ns);
	print_by(image, &group->by, out);
	for (i = 0; i < group->member_count; i++) {
		fputs(i ? ", " : ": ", out);
		disassemble_text(image, &members[group->member_first + i].name, out);
		fprintf(out, " %u", members[group->member_first + i].weight);
	}
	fputc('\n', out);
}

static void print_quota(const struct rule_image_quota *quota, FILE *out)
{
	fputs("quota ", out);
	if (quota->any)
		fputs("default", out);
	else
		fprintf(out, "%u", quota->tenant);
	fprintf(out, ": %" PRIu64 " in %" PRIu64 " ns, burst %" PRIu64 ", excess %" PRIu64 ", %s\n",
			quota->events, quota->per_ns, quota->burst, quota->excess,
			rule_over_name((enum rule_over)quota->over));
}

void disassemble_definitions(const struct rule_image *image, FILE *out)
{
	const struct rule_image_class *classes = rule_image_part(image, RULE_PART_CLASSES);
	const struct rule_image_quota *quotas = rule_image_part(image, RULE_PART_QUOTAS);
	const struct rule_image_group_of *groups = rule_image_part(image, RULE_PART_GROUPS);
	const struct rule_image_program *programs = rule_image_part(image, RULE_PART_PROGRAMS);
	uint64_t i;

	for (i = 0; i < image->parts[RULE_PART_CLASSES].count; i++)
		fprintf(out, "class %s: share %u%%, %s, %" PRIu64 " ns\n",
				rule_qos_name((enum rule_qos)i), classes[i].share,
				rule_overload_name((enum rule_overload)classes[i].overload),
				classes[i].block_ns);
	for (i = 0; i < image->parts[RULE_PART_QUOTAS].count; i++)
		print_quota(&quotas[i], out);
	for (i = 0; i < image->parts[RULE_PART_GROUPS].count; i++)
		print_group(image, &groups[i], out);
	for (i = 0; i < image->parts[RULE_PART_PROGRAMS].count; i++) {
		fputs("program ", out);
		disassemble_text(image, &programs[i].name, out);
		fprintf(out, ": %" PRIu64 " instructions\n", programs[i].count);
	}
}
