/* SPDX-License-Identifier: BSD-3-Clause */
/* Definitions of what is there already: append and override. */
#include "rule/define.h"
#include "rule/suggest.h"

bool change_read(struct load *load, const struct yaml_node *item, struct change *change)
{
	const struct yaml_node *append = yaml_find(item, "append");

	change->append = false;
	change->override = yaml_find(item, "override");
	if (append && !define_bool(load, append, &change->append))
		return false;
	if (change->override && change->override->kind != YAML_MAP) {
		define_refuse(load, change->override, "a mapping of keys to append or replace");
		return false;
	}
	if (!change->append || !change->override)
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE, load_pos(load, &append->scalar), NULL,
			"append and override exclude each other");
	return false;
}

bool change_override_of(struct load *load, const struct change *change, const struct yaml_node *key,
		bool can_append, enum define_how *how)
{
	static const char *const words[] = {"replace", "append", NULL};
	struct yaml_node *value = yaml_find(change->override, key->scalar.text.data);
	struct complaint complaint = {.expected = "replace"};
	int word;

	if (!value) {
		load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE, load_pos(load, &key->scalar), NULL,
				"override does not say what becomes of '%.*s'",
				SHOWN(key->scalar.text));
		return false;
	}
	word = define_word(load, value, words);
	if (word == 1 && !can_append)
		load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE, load_pos(load, &value->scalar),
				&complaint, "nothing can be appended to '%.*s'",
				SHOWN(key->scalar.text));
	*how = word == 1 ? DEFINE_APPEND : DEFINE_SET;
	return word == 0 || (word == 1 && can_append);
}

void change_check_override(struct load *load, const struct change *change,
		const struct yaml_node *item)
{
	const struct yaml_node *key;

	for (key = change->override->first; key; key = key->next->next) {
		if (key->kind == YAML_SCALAR && yaml_find(item, key->scalar.text.data) &&
				!yaml_is(key, "override") && !yaml_is(key, "append"))
			continue;
		load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE, load_pos(load, &key->scalar), NULL,
				"override of a key that is not there");
	}
}

void change_of_nothing(struct load *load, const struct yaml_node *value, const char *kind,
		const struct rule_names *names)
{
	const struct rule_text *name = &value->scalar.text;
	struct rule_suggest suggest = rule_suggest_begin(name->data, name->len);
	struct complaint complaint = {NULL, NULL};
	size_t i;

	for (i = 0; i < names->capacity && i < 65536; i++)
		if (names->slots[i].name.data)
			rule_suggest_offer(&suggest, names->slots[i].name.data,
					names->slots[i].name.len);
	complaint.suggestion = suggest.best.data;
	load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE, load_pos(load, &value->scalar), &complaint,
			"there is no %s '%.*s' yet", kind, SHOWN(*name));
}
