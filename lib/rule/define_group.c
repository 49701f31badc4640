/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of subscribers, and programs: what rules refer to. */
#include <string.h>

#include "rule/check.h"
#include "rule/define.h"

static const char *const balances[] = {"round_robin", "weighted", "least_loaded", "hash", NULL};

const char *rule_balance_name(enum rule_balance balance)
{
	return balance < RULE_BALANCE_COUNT ? balances[balance] : NULL;
}

/* NAME, or NAME: WEIGHT */
static bool read_member(struct load *load, const struct yaml_node *node, struct rule_member *member)
{
	const struct yaml_node *name = node->kind == YAML_MAP && node->count == 2 ? node->first : node;
	uint64_t weight = 1;

	if (!define_scalar(load, name, RULE_NAME_MAX))
		return false;
	if (name != node && (name->next->kind != YAML_SCALAR ||
				    !number_read(name->next->scalar.text.data,
						    name->next->scalar.text.len, &weight) ||
				    !weight || weight > RULE_WEIGHT_MAX)) {
		define_refuse(load, name->next, "a weight from 1 to 1000");
		return false;
	}
	member->weight = (uint32_t)weight;
	member->name = load_keep_text(load, name->scalar.text);
	return member->name.data;
}

static bool is_new_member(struct load *load, const struct yaml_node *node,
		const struct rule_member *members, uint32_t count)
{
	const struct rule_text *name = &members[count].name;
	uint32_t i;

	for (i = 0; i < count; i++)
		if (members[i].name.len == name->len &&
				!memcmp(members[i].name.data, name->data, name->len))
			break;
	if (i == count)
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE, load_pos(load, &node->scalar), NULL,
			"the member '%.*s' stands twice", SHOWN(*name));
	return false;
}

static bool read_members(struct load *load, const struct yaml_node *value, struct rule_group *group)
{
	struct rule_member members[RULE_MEMBERS_MAX];
	const struct yaml_node *node;
	bool good = true;

	if (value->kind != YAML_LIST || !value->first) {
		define_refuse(load, value, "a list of subscribers");
		return false;
	}
	for (node = value->first; node; node = node->next) {
		if (group->member_count == RULE_MEMBERS_MAX) {
			load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &node->scalar), NULL,
					"a group of more than %u members", RULE_MEMBERS_MAX);
			return false;
		}
		if (read_member(load, node, &members[group->member_count]) &&
				is_new_member(load, node, members, group->member_count))
			group->member_count++;
		else
			good = false;
	}
	if (!good)
		return false;
	group->members = rule_memory_copy(load->keep, members,
			group->member_count * sizeof(*members));
	return group->members || load_no_memory(load) == 0;
}

static bool read_interval(struct load *load, const struct yaml_node *value, uint64_t fallback,
		uint64_t *ns)
{
	*ns = fallback;
	if (!value)
		return true;
	if (value->kind == YAML_SCALAR && duration_read(value->scalar.text.data,
			value->scalar.text.len, 1000000000u, ns) && *ns && *ns <= RULE_INTERVAL_MAX)
		return true;
	define_refuse(load, value, "a duration such as 10ms");
	return false;
}

static bool read_group(struct load *load, const struct yaml_node *item, struct rule_group *group)
{
	const struct yaml_node *balance = yaml_find(item, "balance");
	const struct yaml_node *by = yaml_find(item, "by");
	int word = balance ? define_word(load, balance, balances) : RULE_BALANCE_ROUND_ROBIN;
	bool good = word >= 0;

	good &= !by || define_keys(load, by, &group->by);
	good &= read_members(load, yaml_find(item, "members"), group);
	good &= read_interval(load, yaml_find(item, "slow"), 10000000u, &group->slow_ns);
	good &= read_interval(load, yaml_find(item, "probe"), 100000000u, &group->probe_ns);
	if (!good)
		return false;
	group->balance = (enum rule_balance)word;
	if ((group->balance == RULE_BALANCE_HASH) == (group->by.count > 0))
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_MISSING, load_pos(load, &item->scalar), NULL,
			"by goes with balance: hash, and hash with by");
	return false;
}

/* The name of a definition that may stand but once. */
static bool new_name(struct load *load, const struct yaml_node *value, struct rule_names *names,
		size_t count, size_t max, struct rule_text *name)
{
	if (!define_scalar(load, value, RULE_NAME_MAX))
		return false;
	if (count == max)
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &value->scalar), NULL,
				"more than %zu of a kind", max);
	else if (rule_names_find(names, value->scalar.text.data, value->scalar.text.len) !=
			RULE_NAMES_NONE)
		load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE, load_pos(load, &value->scalar), NULL,
				"'%.*s' is defined twice", SHOWN(value->scalar.text));
	else
		*name = load_keep_text(load, value->scalar.text);
	return name->data;
}

void define_group(struct load *load, const struct yaml_node *item)
{
	static const char *const keys[] = {"group", "members", "balance", "by", "slow", "probe", NULL};
	const struct yaml_node *name = yaml_find(item, "group");
	struct rule_group *groups = rule_array_room(load->groups, load->group_count,
			&load->group_capacity, sizeof(*groups));
	struct rule_group group = {.pos = load_pos(load, &name->scalar)};

	if (!groups) {
		load_no_memory(load);
		return;
	}
	load->groups = groups;
	if (!define_check_keys(load, item, keys) ||
			!new_name(load, name, &load->group_names, load->group_count, RULE_GROUPS_MAX,
					&group.name))
		return;
	if (!yaml_find(item, "members")) {
		load_say(load, RULE_ERROR, RULE_DIAG_MISSING, group.pos, NULL,
				"group '%.*s' has no members", SHOWN(group.name));
		return;
	}
	if (!read_group(load, item, &group))
		return;
	if (rule_names_add(&load->group_names, group.name, (uint32_t)load->group_count))
		load_no_memory(load);
	else
		groups[load->group_count++] = group;
}

/* Relative to the file that names it; as it is where that is none. */
static struct rule_text resolve(struct load *load, const struct yaml_node *value)
{
	const char *from = load->files[value->scalar.file].name;
	const char *slash = strrchr(from, '/');
	struct rule_text path = value->scalar.text;
	char *whole;

	if ((load->sources && !load->options->complete) || path.data[0] == '/' || !slash)
		return load_keep_text(load, path);
	whole = load_keep(load, (size_t)(slash - from) + path.len + 2);
	if (!whole)
		return (struct rule_text){NULL, 0};
	memcpy(whole, from, (size_t)(slash - from) + 1);
	memcpy(whole + (slash - from) + 1, path.data, path.len);
	return (struct rule_text){whole, (size_t)(slash - from) + 1 + path.len};
}

void define_program(struct load *load, const struct yaml_node *item)
{
	static const char *const keys[] = {"program", "file", "section", NULL};
	const struct yaml_node *name = yaml_find(item, "program");
	const struct yaml_node *file = yaml_find(item, "file");
	const struct yaml_node *section = yaml_find(item, "section");
	struct rule_program *programs = rule_array_room(load->programs, load->program_count,
			&load->program_capacity, sizeof(*programs));
	struct rule_program program = {.pos = load_pos(load, &name->scalar), .section = {"filter", 6}};

	if (!programs) {
		load_no_memory(load);
		return;
	}
	load->programs = programs;
	if (!define_check_keys(load, item, keys) ||
			!new_name(load, name, &load->program_names, load->program_count,
					RULE_PROGRAMS_MAX, &program.name))
		return;
	if (!file) {
		load_say(load, RULE_ERROR, RULE_DIAG_MISSING, program.pos, NULL,
				"program '%.*s' has no file", SHOWN(program.name));
		return;
	}
	if (!define_scalar(load, file, 4095) ||
			(section && !define_scalar(load, section, RULE_NAME_MAX)))
		return;
	program.file = resolve(load, file);
	if (section)
		program.section = load_keep_text(load, section->scalar.text);
	if (!program.file.data || !program.section.data)
		return;
	if (rule_names_add(&load->program_names, program.name, (uint32_t)load->program_count))
		load_no_memory(load);
	else
		programs[load->program_count++] = program;
}
