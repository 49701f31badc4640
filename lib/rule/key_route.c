/* SPDX-License-Identifier: BSD-3-Clause */
/* Our own keys that say where events go, and as what: route, redact. */
#include <string.h>

#include "rule/define.h"
#include "rule/place.h"
#include "rule/suggest.h"

enum named { NAMED_ANY, NAMED_GROUP, NAMED_BOUNDARY, NAMED_NONE };

#define RULE_TARGET(ID, text, NAMED, desc) [RULE_TARGET_##ID] = {text, NAMED_##NAMED},
static const struct {
	const char *name;
	enum named named;
} targets[RULE_TARGET_COUNT] = {
#include "rule/target.def"
};
#undef RULE_TARGET

const char *rule_target_name(enum rule_target_kind kind)
{
	return kind < RULE_TARGET_COUNT ? targets[kind].name : NULL;
}

static bool read_boundary(struct load *load, const struct yaml_node *value,
		const struct rule_text *name, uint32_t *index)
{
	uint32_t i;

	for (i = VEX_BOUNDARY_KERNEL; i <= VEX_BOUNDARY_PEER; i++) {
		if (!strcmp(vex_boundary_name(i), name->data)) {
			*index = i;
			return true;
		}
	}
	define_refuse(load, value, "boundary: kernel, fuse, app or peer");
	return false;
}

/* A kind and a name out of "kind:name" or "kind". */
static bool read_target(struct load *load, const struct yaml_node *value, const struct rule_text *kind,
		const struct rule_text *name, struct rule_target *target)
{
	static const char expected[] = "subscriber:NAME, group:NAME, boundary:NAME or drop";
	unsigned i;

	for (i = 0; i < RULE_TARGET_COUNT; i++)
		if (strlen(targets[i].name) == kind->len &&
				!memcmp(targets[i].name, kind->data, kind->len))
			break;
	if (i == RULE_TARGET_COUNT || (targets[i].named == NAMED_NONE) != !name->data ||
			(name->data && (!name->len || name->len > RULE_NAME_MAX))) {
		define_refuse(load, value, expected);
		return false;
	}
	target->kind = (enum rule_target_kind)i;
	if (!name->data)
		return true;
	target->name = load_keep_text(load, *name);
	if (!target->name.data)
		return false;
	return targets[i].named != NAMED_BOUNDARY ||
			read_boundary(load, value, &target->name, &target->index);
}

static bool read_target_node(struct load *load, const struct yaml_node *value,
		struct rule_target *target)
{
	struct rule_text kind = value->scalar.text;
	struct rule_text name = {NULL, 0};
	const char *colon;

	if (value->kind == YAML_MAP && value->count == 2 && value->first->kind == YAML_SCALAR &&
			value->first->next->kind == YAML_SCALAR) {
		kind = value->first->scalar.text;
		name = value->first->next->scalar.text;
	} else if (!define_scalar(load, value, RULE_NAME_MAX + 32)) {
		return false;
	} else if ((colon = memchr(kind.data, ':', kind.len))) {
		name = (struct rule_text){colon + 1, kind.len - (size_t)(colon - kind.data) - 1};
		kind.len = (size_t)(colon - kind.data);
	}
	return read_target(load, value, &kind, &name, target);
}

DEFINE_KEY(route)
{
	struct rule *rule = &draft->rule;
	const struct yaml_node *node = value->kind == YAML_LIST ? value->first : value;
	struct rule_target list[RULE_TARGETS_MAX];
	uint32_t count = how == DEFINE_APPEND ? rule->target_count : 0;

	memset(list, 0, sizeof(list));
	if (count)
		memcpy(list, rule->targets, count * sizeof(*list));
	draft->route_pos = load_pos(load, &value->scalar);
	for (; node; node = value->kind == YAML_LIST ? node->next : NULL) {
		if (count == RULE_TARGETS_MAX) {
			load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &node->scalar), NULL,
					"more than %u targets", RULE_TARGETS_MAX);
			return;
		}
		count += read_target_node(load, node, &list[count]);
	}
	rule->targets = rule_memory_copy(load->keep, list, count * sizeof(*list));
	if (count && !rule->targets)
		load_no_memory(load);
	rule->target_count = rule->targets ? count : 0;
}

/* Groups may be defined behind the rules that lead to them. */
void define_targets(struct load *load, struct draft *draft)
{
	struct rule_target *list = (struct rule_target *)draft->rule.targets;
	struct complaint complaint = {NULL, NULL};
	uint32_t number;
	uint32_t i;
	size_t j;

	for (i = 0; i < draft->rule.target_count; i++) {
		struct rule_suggest suggest = rule_suggest_begin(list[i].name.data, list[i].name.len);

		if (targets[list[i].kind].named != NAMED_GROUP)
			continue;
		number = rule_names_find(&load->group_names, list[i].name.data, list[i].name.len);
		list[i].index = number;
		if (number != RULE_NAMES_NONE)
			continue;
		for (j = 0; j < load->group_count; j++)
			rule_suggest_offer(&suggest, load->groups[j].name.data,
					load->groups[j].name.len);
		complaint.suggestion = suggest.best.data;
		load_say(load, RULE_ERROR, RULE_DIAG_REFERENCE, draft->route_pos, &complaint,
				"no such group '%.*s'", SHOWN(list[i].name));
	}
}

static const char *const hows[] = {"hash", "mask", "remove", NULL};

const char *rule_redact_name(enum rule_redact_how how)
{
	return how < RULE_REDACT_COUNT ? hows[how] : NULL;
}

/* Some fields can't be without their value, others have none that a hash could stand for. */
static bool check_redact(struct load *load, const struct yaml_node *key, enum rule_field_id field,
		enum rule_redact_how how)
{
	if (rule_place_redacts(field, how))
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_FIELD, load_pos(load, &key->scalar), NULL,
			rule_places[field].redact
					? "'%s' can't be hashed; it can be masked or removed"
					: "'%s' can't be redacted: events are led and ordered by it",
			rule_fields[field].name);
	return false;
}

DEFINE_KEY(redact)
{
	struct rule *rule = &draft->rule;
	uint32_t count = how == DEFINE_APPEND ? rule->redact_count : 0;
	struct rule_redact list[RULE_REDACTIONS_MAX];
	const struct yaml_node *key;
	bool field;
	int word;

	memset(list, 0, sizeof(list));
	if (count)
		memcpy(list, rule->redacts, count * sizeof(*list));
	if (value->kind != YAML_MAP) {
		define_refuse(load, value, "a mapping of fields to hash, mask or remove");
		return;
	}
	for (key = value->first; key; key = key->next->next) {
		if (count == RULE_REDACTIONS_MAX) {
			load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &key->scalar), NULL,
					"more than %u fields", RULE_REDACTIONS_MAX);
			return;
		}
		list[count].key = (struct rule_key){0};
		field = define_field(load, key, true, &list[count].key);
		word = define_word(load, key->next, hows);
		if (field && word >= 0 && check_redact(load, key, list[count].key.field,
						(enum rule_redact_how)word))
			list[count++].how = (enum rule_redact_how)word;
	}
	rule->redacts = rule_memory_copy(load->keep, list, count * sizeof(*list));
	if (count && !rule->redacts)
		load_no_memory(load);
	rule->redact_count = rule->redacts ? count : 0;
}
