/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading values of keys. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "rule/condition.h"
#include "rule/define.h"
#include "rule/quote.h"
#include "rule/suggest.h"

void define_refuse(struct load *load, const struct yaml_node *value, const char *expected)
{
	struct complaint complaint = {.expected = expected};
	bool scalar = value->kind == YAML_SCALAR;

	load_say(load, RULE_ERROR, scalar ? RULE_DIAG_VALUE : RULE_DIAG_SHAPE,
			load_pos(load, &value->scalar), &complaint, "unexpected %s%.*s%s",
			scalar ? "'" : value->kind == YAML_LIST ? "list" : "mapping",
			SHOWN(value->scalar.text), scalar ? "'" : "");
}

bool define_scalar(struct load *load, const struct yaml_node *value, size_t max)
{
	if (value->kind != YAML_SCALAR || !value->scalar.text.len) {
		define_refuse(load, value, "a text");
		return false;
	}
	if (memchr(value->scalar.text.data, '\0', value->scalar.text.len)) {
		define_refuse(load, value, "a text without NUL bytes");
		return false;
	}
	if (value->scalar.text.len <= max)
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &value->scalar), NULL,
			"a text of more than %zu bytes", max);
	return false;
}

static void join_words(const char *const *words, char *out, size_t cap)
{
	size_t len = 0;

	for (out[0] = '\0'; *words && len < cap; words++)
		len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? ", " : "", *words);
}

static const char *nearest(const char *const *words, const struct rule_text *typed)
{
	struct rule_suggest suggest = rule_suggest_begin(typed->data, typed->len);

	for (; *words; words++)
		rule_suggest_offer(&suggest, *words, strlen(*words));
	return suggest.best.data;
}

int define_word(struct load *load, const struct yaml_node *value, const char *const *words)
{
	char expected[256];
	struct complaint complaint = {.expected = expected};
	int i;

	if (!define_scalar(load, value, RULE_NAME_MAX))
		return -1;
	for (i = 0; words[i]; i++)
		if (!strcasecmp(words[i], value->scalar.text.data))
			return i;
	join_words(words, expected, sizeof(expected));
	complaint.suggestion = nearest(words, &value->scalar.text);
	load_say(load, RULE_ERROR, RULE_DIAG_VALUE, load_pos(load, &value->scalar), &complaint,
			"unexpected '%.*s'", SHOWN(value->scalar.text));
	return -1;
}

bool define_bool(struct load *load, const struct yaml_node *value, bool *out)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", NULL};
	int word;

	if (value->kind != YAML_SCALAR || value->scalar.style != TEXT_PLAIN) {
		define_refuse(load, value, "true or false");
		return false;
	}
	word = define_word(load, value, words);
	*out = word & 1;
	return word >= 0;
}

void define_unknown_key(struct load *load, const struct yaml_node *key, const char *const *known)
{
	char expected[512];
	struct complaint complaint = {.expected = expected};

	if (key->kind != YAML_SCALAR) {
		define_refuse(load, key, "a key");
		return;
	}
	join_words(known, expected, sizeof(expected));
	complaint.suggestion = nearest(known, &key->scalar.text);
	load_say(load, RULE_ERROR, RULE_DIAG_KEY, load_pos(load, &key->scalar), &complaint,
			"unknown key '%.*s'", SHOWN(key->scalar.text));
}

static bool is_known(const struct yaml_node *key, const char *const *known)
{
	for (; *known; known++)
		if (yaml_is(key, *known))
			return true;
	return false;
}

bool define_check_keys(struct load *load, const struct yaml_node *map, const char *const *known)
{
	const struct yaml_node *key;
	bool good = true;

	for (key = map->first; key; key = key->next->next) {
		if (!is_known(key, known)) {
			define_unknown_key(load, key, known);
			good = false;
		} else if (yaml_find(map, key->scalar.text.data) != key->next) {
			load_say(load, RULE_ERROR, RULE_DIAG_KEY, load_pos(load, &key->scalar), NULL,
					"the key '%.*s' stands twice", SHOWN(key->scalar.text));
			good = false;
		}
	}
	return good;
}

static void say_no_field(struct load *load, const struct yaml_node *value, size_t len)
{
	const char *name = value->scalar.text.data;
	struct rule_suggest suggest = rule_suggest_begin(name, len);
	struct complaint complaint = {NULL, NULL};
	const char *why = rule_field_foreign(name, len);
	unsigned i;

	for (i = 0; i < RULE_FIELD_COUNT; i++)
		if (rule_fields[i].core)
			rule_suggest_offer(&suggest, rule_fields[i].name, strlen(rule_fields[i].name));
	complaint.suggestion = why ? NULL : suggest.best.data;
	load_say(load, RULE_ERROR, RULE_DIAG_FIELD, load_pos(load, &value->scalar), &complaint,
			"no such field '%.*s'%s%s", SHOWN(value->scalar.text), why ? ": " : "",
			why ? why : "");
}

/* What stands in brackets behind attr, as conditions have it: bare or in quotes. */
static bool read_argument(struct load *load, const struct yaml_node *value,
		const struct rule_text *brackets, struct rule_text *argument)
{
	struct rule_text inside = {brackets->data + 1, brackets->len - 2};
	struct rule_text name;

	if (!brackets->len ||
			quote_bracket(brackets->data, brackets->data + brackets->len) != brackets->len) {
		define_refuse(load, value, "attr[name], or another field without brackets");
		return false;
	}
	if (!condition_word(load, &inside, load_pos(load, &value->scalar), &name))
		return false;
	if (!name.len || name.len > RULE_NAME_MAX) {
		define_refuse(load, value, "attr[name], with a name of up to 255 bytes");
		return false;
	}
	*argument = load_keep_text(load, name);
	return argument->data;
}

bool define_field(struct load *load, const struct yaml_node *value, bool lists, struct rule_key *key)
{
	const struct rule_text *text = &value->scalar.text;
	struct rule_text brackets;
	size_t len;

	if (!define_scalar(load, value, RULE_FIELD_NAME_MAX + 4 * RULE_NAME_MAX))
		return false;
	len = strcspn(text->data, "[");
	brackets = (struct rule_text){text->data + len, text->len - len};
	key->field = rule_field_by_name(text->data, len);
	if (key->field == RULE_FIELD_COUNT) {
		say_no_field(load, value, len);
		return false;
	}
	if (!rule_fields[key->field].core || (!lists && key->field == RULE_FIELD_LABEL)) {
		define_refuse(load, value, "a field with a value of its own");
		return false;
	}
	if (key->field == RULE_FIELD_ATTR)
		return read_argument(load, value, &brackets, &key->argument);
	if (brackets.len)
		define_refuse(load, value, "attr[name], or another field without brackets");
	return !brackets.len;
}

bool define_keys(struct load *load, const struct yaml_node *value, struct rule_keys *keys)
{
	const struct yaml_node *node = value->kind == YAML_LIST ? value->first : value;
	struct rule_key list[RULE_KEYS_MAX];
	bool good = true;

	memset(list, 0, sizeof(list));
	keys->count = 0;
	for (; node; node = value->kind == YAML_LIST ? node->next : NULL) {
		if (keys->count == RULE_KEYS_MAX) {
			load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &node->scalar), NULL,
					"a key of more than %u fields", RULE_KEYS_MAX);
			return false;
		}
		if (define_field(load, node, false, &list[keys->count]))
			keys->count++;
		else
			good = false;
	}
	if (!good)
		return false;
	keys->keys = rule_memory_copy(load->keep, list, keys->count * sizeof(*list));
	if (keys->count && !keys->keys)
		return load_no_memory(load), false;
	return true;
}

bool define_piece(struct load *load, struct pieces *pieces, const struct text_scalar *scalar)
{
	struct piece *piece = load_scratch(load, sizeof(*piece));

	if (!piece)
		return false;
	piece->scalar = *scalar;
	piece->scalar.text = rule_memory_text(&load->scratch, scalar->text.data, scalar->text.len);
	if (!piece->scalar.text.data)
		return load_no_memory(load), false;
	pieces->len += scalar->text.len + (pieces->first != NULL);
	if (pieces->len > RULE_CONDITION_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, scalar), NULL,
				"a condition of more than %u bytes", RULE_CONDITION_MAX);
		return false;
	}
	if (pieces->last)
		pieces->last->next = piece;
	else
		pieces->first = piece;
	pieces->last = piece;
	return true;
}
