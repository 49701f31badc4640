/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups from set to set: what is the same in a new set goes on with all that it remembers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "dataplane/group.h"
#include "dataplane/rules.h"

VEX_STATIC_ASSERT((int)CHOOSE_ROUND_ROBIN == RULE_BALANCE_ROUND_ROBIN &&
				(int)CHOOSE_WEIGHTED == RULE_BALANCE_WEIGHTED &&
				(int)CHOOSE_LEAST_LOADED == RULE_BALANCE_LEAST_LOADED &&
				(int)CHOOSE_HASH == RULE_BALANCE_HASH &&
				CHOOSE_MEMBERS_MAX == RULE_MEMBERS_MAX,
		"images and groups mean the same");

static uint64_t hash_text(const struct ruleset *set, const struct rule_image_text *text,
		uint64_t seed)
{
	const char *all = rule_image_part(set->image, RULE_PART_TEXT);

	return XXH3_64bits_withSeed(all + text->offset, text->len, seed);
}

static uint64_t hash_number(uint64_t number, uint64_t seed)
{
	return XXH3_64bits_withSeed(&number, sizeof(number), seed);
}

/* Of the name and all that the definition says, in words that do not depend on the image. */
static uint64_t identify(const struct ruleset *set, const struct rule_image_group_of *from)
{
	const struct rule_image_member *members = rule_image_part(set->image, RULE_PART_MEMBERS);
	uint64_t hash = hash_text(set, &from->name, from->balance);

	hash = hash_number(from->slow_ns, hash);
	hash = hash_number(from->probe_ns, hash);
	for (uint32_t i = 0; i < from->member_count; i++) {
		const struct rule_image_member *member = &members[from->member_first + i];

		hash = hash_text(set, &member->name, hash_number(member->weight, hash));
	}
	for (uint32_t i = 0; i < from->by.count; i++) {
		const struct rule_image_key *key = &set->reader.keys[from->by.first + i];

		hash = hash_number(set->reader.field[key->field], hash);
		hash = XXH3_64bits_withSeed(set->reader.text + key->arg, key->arg_len, hash);
	}
	return hash;
}

static void copy_name(const struct ruleset *set, const struct rule_image_text *text, char *to)
{
	const char *all = rule_image_part(set->image, RULE_PART_TEXT);

	snprintf(to, VEX_NAME_MAX, "%.*s", (int)text->len, all + text->offset);
}

/* A row of the statistics; where all are taken, members share the last, which has no name. */
static uint32_t take_row(struct plane *plane, const struct ruleset *set,
		const struct rule_image_group_of *group, const struct rule_image_member *member)
{
	for (uint32_t i = 0; i < VEX_MEMBERS_MAX; i++) {
		struct vex_member_row *row = &plane->stat->member[i];

		if (row->state != VEX_SLOT_FREE)
			continue;
		for (uint32_t k = 0; k < plane->worker_count; k++)
			plane->stat->member_of[k][i] = (struct vex_member_stat){0};
		copy_name(set, &group->name, row->group);
		copy_name(set, &member->name, row->member);
		row->balance = group->balance;
		row->weight = member->weight;
		VEX_STORE_RELEASE(&row->state, VEX_SLOT_LIVE);
		return i;
	}
	return VEX_MEMBERS_MAX;
}

static void free_group(struct plane *plane, struct group *group)
{
	for (uint32_t i = 0; i < plane->worker_count; i++) {
		if (group->states[i])
			backlog_free(&group->states[i]->backlog);
		free(group->states[i]);
	}
	for (uint32_t i = 0; i < group->member_count; i++)
		if (group->rows[i] < VEX_MEMBERS_MAX)
			VEX_STORE_RELEASE(&plane->stat->member[group->rows[i]].state, VEX_SLOT_FREE);
	free(group);
}

static int make_states(struct plane *plane, struct group *group)
{
	for (uint32_t i = 0; i < plane->worker_count; i++) {
		group->states[i] = vex_alloc_lines(sizeof(*group->states[i]));
		if (!group->states[i] ||
				backlog_init(&group->states[i]->backlog, plane->backlog))
			return -ENOMEM;
		group->states[i]->group = group;
	}
	return 0;
}

static struct group *make_group(struct plane *plane, const struct ruleset *set,
		const struct rule_image_group_of *from, uint64_t identity)
{
	const struct rule_image_member *members = rule_image_part(set->image, RULE_PART_MEMBERS);
	struct group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->identity = identity;
	group->name = hash_text(set, &from->name, 0);
	group->balance = (enum choose_balance)from->balance;
	group->slow_ns = from->slow_ns;
	group->probe_ns = from->probe_ns;
	if (make_states(plane, group)) {
		free_group(plane, group);
		return NULL;
	}
	for (uint32_t i = 0; i < from->member_count; i++) {
		const struct rule_image_member *member = &members[from->member_first + i];

		group->members[i].hash = hash_text(set, &member->name, 0);
		group->members[i].weight = member->weight;
		group->rows[i] = take_row(plane, set, from, member);
		group->member_count++;
	}
	return group;
}

static struct group *find(const struct plane *plane, uint64_t identity)
{
	for (uint32_t i = 0; i < plane->group_count; i++)
		if (plane->groups[i]->identity == identity)
			return plane->groups[i];
	return NULL;
}

static int make_room(struct plane *plane)
{
	uint32_t capacity = plane->group_capacity ? 2 * plane->group_capacity : 16;
	struct group **groups;

	if (plane->group_count < plane->group_capacity)
		return 0;
	groups = realloc(plane->groups, capacity * sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	plane->groups = groups;
	plane->group_capacity = capacity;
	return 0;
}

int groups_take(struct plane *plane, struct ruleset *set)
{
	const struct rule_image_group_of *from = rule_image_part(set->image, RULE_PART_GROUPS);

	set->plane = plane;
	set->groups = calloc(set->group_count + 1ull, sizeof(*set->groups));
	if (!set->groups)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->group_count; i++) {
		uint64_t identity = identify(set, &from[i]);
		struct group *group = find(plane, identity);

		if (!group && (make_room(plane) ||
					!(group = make_group(plane, set, &from[i], identity))))
			return -ENOMEM;
		if (!group->sets++)
			plane->groups[plane->group_count++] = group;
		set->groups[i] = group;
	}
	return 0;
}

static void forget(struct plane *plane, struct group *group)
{
	uint32_t i = 0;

	while (plane->groups[i] != group)
		i++;
	plane->groups[i] = plane->groups[--plane->group_count];
	free_group(plane, group);
}

void groups_release(struct ruleset *set)
{
	for (uint32_t i = 0; set->groups && i < set->group_count; i++)
		if (set->groups[i] && !--set->groups[i]->sets)
			forget(set->plane, set->groups[i]);
	free(set->groups);
	if (set->plane && !set->plane->group_count) {
		free(set->plane->groups);
		set->plane->groups = NULL;
		set->plane->group_capacity = 0;
	}
}
