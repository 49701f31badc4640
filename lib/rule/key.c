/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys of a rule that Falco has. */
#include <string.h>

#include "rule/define.h"
#include "rule/output.h"
#include "rule/suggest.h"

static const char *const priorities[] = {"emergency", "alert", "critical", "error", "warning",
		"notice", "informational", "debug", "info", NULL};
const char *const define_qos_words[] = {"critical", "high", "normal", "low", NULL};
static const char *const states[] = {"active", "disabled", "unsupported", NULL};

const char *rule_priority_name(enum rule_priority priority)
{
	return priority < RULE_PRIORITY_COUNT ? priorities[priority] : NULL;
}

const char *rule_qos_name(enum rule_qos class)
{
	return class < RULE_QOS_COUNT ? define_qos_words[class] : NULL;
}

const char *rule_state_name(enum rule_state state)
{
	return state <= RULE_UNSUPPORTED ? states[state] : NULL;
}

static void set_text(struct load *load, const struct yaml_node *value, enum define_how how,
		struct rule_text *text)
{
	struct rule_text more;
	size_t len = how == DEFINE_APPEND && text->len ? text->len + 1 : 0;
	char *copy;

	if (value->kind == YAML_SCALAR && !value->scalar.text.len)
		return;
	if (!define_scalar(load, value, RULE_TEXT_MAX - len))
		return;
	more = value->scalar.text;
	copy = load_keep(load, len + more.len + 1);
	if (!copy)
		return;
	if (len) {
		memcpy(copy, text->data, text->len);
		copy[text->len] = ' ';
	}
	memcpy(copy + len, more.data, more.len);
	*text = (struct rule_text){copy, len + more.len};
}

DEFINE_KEY(desc)
{
	set_text(load, value, how, &draft->rule.desc);
}

/* It harms nobody, so it is no error; but it will never say anything. */
static void warn_of_field(struct load *load, const struct yaml_node *value,
		struct text_cursor *cursor, const struct rule_output_field *field)
{
	const struct rule_text *name = &field->name;
	struct rule_suggest suggest = rule_suggest_begin(name->data, name->len);
	struct rule_pos pos = text_cursor_pos(cursor,
			(size_t)(name->data - value->scalar.text.data));
	struct complaint complaint = {NULL, NULL};
	char room[RULE_OUTPUT_ARGUMENT_MAX];
	struct rule_text argument;
	unsigned i;

	if (rule_field_by_name(name->data, name->len) == RULE_FIELD_ATTR) {
		complaint.expected = "attr[name]";
		if (!rule_output_argument(field, room, &argument))
			load_say(load, RULE_WARNING, RULE_DIAG_FIELD, pos, &complaint,
					"attr without a name has no value");
		return;
	}
	if (rule_field_by_name(name->data, name->len) != RULE_FIELD_COUNT ||
			rule_field_foreign(name->data, name->len))
		return;
	for (i = 0; i < RULE_FIELD_COUNT; i++)
		rule_suggest_offer(&suggest, rule_fields[i].name, strlen(rule_fields[i].name));
	complaint.suggestion = suggest.best.data;
	if (!suggest.best.data && !rule_output_is_field(name))
		return;
	load_say(load, RULE_WARNING, RULE_DIAG_FIELD, pos, &complaint,
			"no such field '%.*s', which has no value then", SHOWN(*name));
}

DEFINE_KEY(output)
{
	struct rule_output_field field;
	struct text_cursor cursor;
	struct rule_text literal;
	const char *end;
	const char *at;

	set_text(load, value, how, &draft->rule.output);
	if (value->kind != YAML_SCALAR)
		return;
	at = value->scalar.text.data;
	end = at + value->scalar.text.len;
	cursor = text_cursor_begin(&load->files[value->scalar.file], &value->scalar);
	while (rule_output_next(&at, end, &literal, &field))
		warn_of_field(load, value, &cursor, &field);
}

DEFINE_KEY(condition)
{
	if (!define_scalar(load, value, RULE_CONDITION_MAX))
		return;
	if (how == DEFINE_SET)
		draft->condition = (struct pieces){0};
	define_piece(load, &draft->condition, &value->scalar);
}

DEFINE_KEY(priority)
{
	int word = define_word(load, value, priorities);

	(void)how;
	if (word >= 0)
		draft->rule.priority = word == RULE_PRIORITY_COUNT ? RULE_INFORMATIONAL
								   : (enum rule_priority)word;
}

DEFINE_KEY(qos)
{
	int word = define_word(load, value, define_qos_words);

	(void)how;
	if (word >= 0)
		draft->rule.qos = (enum rule_qos)word;
}

DEFINE_KEY(enabled)
{
	(void)how;
	define_bool(load, value, &draft->rule.enabled);
}

DEFINE_KEY(match)
{
	static const char *const words[] = {"all", "first", NULL};

	(void)how;
	draft->rule.first = define_word(load, value, words) == 1;
}

/* Only events of system calls are ours; Falco's plugins bring others. */
DEFINE_KEY(source)
{
	(void)how;
	if (!define_scalar(load, value, RULE_NAME_MAX))
		return;
	draft->rule.source = load_keep_text(load, value->scalar.text);
	draft->foreign_source = !yaml_is(value, "syscall");
	draft->source_pos = load_pos(load, &value->scalar);
}

/* Falco's own business: accepted, so that its files load. */
DEFINE_KEY(ignored)
{
	(void)load;
	(void)draft;
	(void)value;
	(void)how;
}

static bool has_tag(const struct rule *rule, const struct rule_text *tag)
{
	uint32_t i;

	for (i = 0; i < rule->tag_count; i++)
		if (rule->tags[i].len == tag->len && !memcmp(rule->tags[i].data, tag->data, tag->len))
			return true;
	return false;
}

static void add_tag(struct load *load, struct rule *rule, const struct yaml_node *value)
{
	struct rule_text *tags = (struct rule_text *)rule->tags;

	if (!define_scalar(load, value, RULE_NAME_MAX) || has_tag(rule, &value->scalar.text))
		return;
	if (rule->tag_count == RULE_TAGS_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &value->scalar), NULL,
				"more than %u tags", RULE_TAGS_MAX);
		return;
	}
	tags[rule->tag_count] = load_keep_text(load, value->scalar.text);
	rule->tag_count += tags[rule->tag_count].data != NULL;
}

DEFINE_KEY(tags)
{
	struct rule *rule = &draft->rule;
	const struct yaml_node *node;
	size_t room = (how == DEFINE_APPEND ? rule->tag_count : 0) + value->count;
	struct rule_text *tags;

	if (value->kind == YAML_SCALAR && !value->scalar.text.len)
		return;
	if (value->kind != YAML_LIST) {
		define_refuse(load, value, "a list of tags");
		return;
	}
	tags = load_keep(load, (room < RULE_TAGS_MAX ? room : RULE_TAGS_MAX) * sizeof(*tags) + 1);
	if (!tags)
		return;
	if (how == DEFINE_SET)
		rule->tag_count = 0;
	if (rule->tag_count)
		memcpy(tags, rule->tags, rule->tag_count * sizeof(*tags));
	rule->tags = tags;
	for (node = value->first; node; node = node->next)
		add_tag(load, rule, node);
}

DEFINE_KEY(program)
{
	(void)how;
	if (!define_scalar(load, value, RULE_NAME_MAX))
		return;
	draft->program = value->scalar;
	draft->program.text = rule_memory_text(&load->scratch, value->scalar.text.data,
			value->scalar.text.len);
	if (!draft->program.text.data)
		load_no_memory(load);
}
