/* SPDX-License-Identifier: BSD-3-Clause */
/* One test: is there such a field, does the operator take it, are the values of its type. */
#include <stdio.h>
#include <string.h>

#include "rule/check.h"
#include "rule/suggest.h"

/* The words of a test, lists in place, as an array. */
struct values {
	struct word *words;
	size_t count;
	size_t capacity;
};

static bool add_value(struct load *load, struct values *values, const struct word *word)
{
	if (values->count == RULE_LIST_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, word->pos, NULL,
				"a list of more than %u values", RULE_LIST_MAX);
		return false;
	}
	if (values->count == values->capacity) {
		size_t more = values->capacity ? values->capacity * 2 : 4;
		struct word *words = load_temporary(load, more * sizeof(*words));

		if (!words)
			return false;
		if (values->count)
			memcpy(words, values->words, values->count * sizeof(*words));
		values->words = words;
		values->capacity = more;
	}
	values->words[values->count++] = *word;
	return true;
}

static bool add_list(struct load *load, struct values *values, struct list *list)
{
	size_t i;

	if (!check_list(load, list))
		return false;
	for (i = 0; i < list->value_count; i++)
		if (!add_value(load, values, &list->values[i]))
			return false;
	return true;
}

static struct rule_suggest near_list(const struct load *load, const struct rule_text *name)
{
	struct rule_suggest suggest = rule_suggest_begin(name->data, name->len);
	size_t i;

	for (i = 0; i < load->list_count && i < 10000; i++)
		rule_suggest_offer(&suggest, load->lists[i].name.data, load->lists[i].name.len);
	return suggest;
}

static bool list_has(const struct load *load, const struct rule_text *name,
		const struct rule_text *word)
{
	const struct list *list =
			&load->lists[rule_names_find(&load->list_names, name->data, name->len)];
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->items[i].text.len == word->len &&
				!memcmp(list->items[i].text.data, word->data, word->len))
			return true;
	return false;
}

/*
 * A bare word that is nearly the name of a list was perhaps meant to be one. Words without _ are
 * mostly values: then they are nearly one where a single letter is wrong in five or more, and where
 * the list does not hold the word itself.
 */
static void warn_of_list(struct load *load, const struct word *word)
{
	struct complaint complaint = {NULL, NULL};
	struct rule_suggest near = near_list(load, &word->text);

	if (!near.best.data)
		return;
	if (!memchr(word->text.data, '_', word->text.len) && (near.wrong > 1 || near.best.len < 5 ||
			list_has(load, &near.best, &word->text)))
		return;
	complaint.suggestion = near.best.data;
	load_say(load, RULE_WARNING, RULE_DIAG_LIST, word->pos, &complaint,
			"no list '%.*s', so it is taken as a value", SHOWN(word->text));
}

static bool add_word(struct load *load, struct values *values, const struct word *word)
{
	uint32_t number = RULE_NAMES_NONE;

	if (!word->quoted)
		number = rule_names_find(&load->list_names, word->text.data, word->text.len);
	if (number != RULE_NAMES_NONE)
		return add_list(load, values, &load->lists[number]);
	if (!word->quoted)
		warn_of_list(load, word);
	return add_value(load, values, word);
}

static bool gather(struct load *load, const struct expr *expr, struct values *values)
{
	const struct word *word;
	struct complaint complaint = {.expected = "the name of a list, or values in parentheses"};
	uint32_t number;

	if (expr->how == EXPR_ONE_VALUE)
		return add_value(load, values, expr->values.first);
	if (expr->how == EXPR_LIST_NAME) {
		word = expr->values.first;
		number = rule_names_find(&load->list_names, word->text.data, word->text.len);
		if (number != RULE_NAMES_NONE)
			return add_list(load, values, &load->lists[number]);
		complaint.suggestion = near_list(load, &word->text).best.data;
		load_say(load, RULE_ERROR, RULE_DIAG_LIST, word->pos, &complaint,
				"no list '%.*s'", SHOWN(word->text));
		return false;
	}
	for (word = expr->values.first; word; word = word->next)
		if (!add_word(load, values, word))
			return false;
	return true;
}

static void say_no_field(struct load *load, const struct field_word *word)
{
	struct rule_suggest suggest = rule_suggest_begin(word->name.data, word->name.len);
	struct complaint complaint = {NULL, NULL};
	unsigned i;

	for (i = 0; i < RULE_FIELD_COUNT; i++)
		rule_suggest_offer(&suggest, rule_fields[i].name, strlen(rule_fields[i].name));
	complaint.suggestion = suggest.best.data;
	load_say(load, RULE_ERROR, RULE_DIAG_FIELD, word->pos, &complaint, "no such field '%.*s'",
			SHOWN(word->name));
}

/* Operators that take a type, for a message. */
static void list_operators(enum rule_type type, char *out, size_t cap)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < RULE_OP_COUNT && len < cap; i++)
		if (rule_ops[i].types & 1u << type)
			len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? ", " : "",
					rule_ops[i].name);
}

static void say_bad_operator(struct load *load, const struct expr *expr, const char *what)
{
	enum rule_field_id field = rule_field_by_name(expr->field.name.data, expr->field.name.len);
	const struct rule_text *name = &expr->op.text;
	struct rule_suggest suggest = rule_suggest_begin(name->data, name->len);
	char expected[256] = "";
	struct complaint complaint = {.expected = expected};
	unsigned i;

	for (i = 0; i < RULE_OP_COUNT; i++)
		if (rule_ops[i].name)
			rule_suggest_offer(&suggest, rule_ops[i].name, strlen(rule_ops[i].name));
	if (rule_op_by_name(name->data, name->len) == RULE_OP_COUNT)
		complaint.suggestion = suggest.best.data;
	if (field != RULE_FIELD_COUNT)
		list_operators(rule_fields[field].type, expected, sizeof(expected));
	load_say(load, RULE_ERROR, RULE_DIAG_OPERATOR, expr->op.pos, &complaint, what, SHOWN(*name),
			field != RULE_FIELD_COUNT ? rule_fields[field].name : "");
}

/* The name with its brackets, as it was written. */
static struct rule_text whole_name(struct load *load, const struct field_word *word)
{
	size_t cap = word->name.len + word->argument.len + 3;
	struct rule_text text = {word->name.data, word->name.len};
	char *name;

	if (!word->argument.data)
		return text;
	name = load_temporary(load, cap);
	if (!name)
		return text;
	text.len = (size_t)snprintf(name, cap, "%s[%s]", word->name.data, word->argument.data);
	text.data = name;
	return text;
}

/* tolower() out of "tolower  (", as the scanner has it. */
static struct rule_text transformer_name(struct load *load, const struct rule_text *text)
{
	struct rule_text name = {"transformer", 11};
	size_t len = strcspn(text->data, " \t\r\n\b\f\v(");
	char *copy = load_temporary(load, len + 3);

	if (!copy)
		return name;
	name.len = (size_t)snprintf(copy, len + 3, "%.*s()", (int)len, text->data);
	name.data = copy;
	return name;
}

/* True where the field can't be had: then out is what stands in its place. */
static bool is_foreign(struct load *load, const struct expr *expr, struct rule_node *out)
{
	const struct field_word *word = &expr->field;
	struct rule_text name = word->foreign.data ? transformer_name(load, &word->foreign)
						   : whole_name(load, word);
	const char *why = NULL;

	if (rule_field_by_name(word->name.data, word->name.len) == RULE_FIELD_COUNT)
		why = rule_field_foreign(word->name.data, word->name.len);
	if (word->foreign.data)
		why = "fields are compared as they are, with values alone";
	if (!why)
		return false;
	out->kind = RULE_NODE_UNSUPPORTED;
	out->pos = word->pos;
	out->unsupported.name = load_keep_text(load, name);
	out->unsupported.why = why;
	return true;
}

static bool check_argument(struct load *load, const struct expr *expr, struct rule_node *out)
{
	const struct field_word *word = &expr->field;
	struct complaint complaint = {.expected = "attr[name]"};
	bool takes = out->field == RULE_FIELD_ATTR;

	if (takes && word->argument.data && word->argument.len && word->argument.len <= 255) {
		out->test.argument = load_keep_text(load, word->argument);
		return out->test.argument.data;
	}
	if (!takes && !word->argument.data)
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_FIELD, word->pos, takes ? &complaint : NULL,
			takes ? "%.*s takes a name of up to 255 bytes in brackets"
			      : "%.*s takes nothing in brackets",
			SHOWN(word->name));
	return false;
}

static bool check_operator(struct load *load, const struct expr *expr, struct rule_node *out)
{
	enum rule_op op = rule_op_by_name(expr->op.text.data, expr->op.text.len);

	if (op == RULE_OP_COUNT) {
		say_bad_operator(load, expr, "no such operator '%.*s'%.0s");
		return false;
	}
	if (!(rule_ops[op].types & 1u << rule_fields[out->field].type)) {
		say_bad_operator(load, expr, "'%.*s' does not take %s");
		return false;
	}
	out->op = (uint8_t)op;
	return true;
}

/* Words of an enumerated field as one set; the node becomes IN, or unsupported. */
static bool make_words(struct load *load, const struct values *values, struct rule_node *out)
{
	enum rule_field_id field = out->field;
	struct rule_words words = {0};
	const char *foreign = NULL;
	bool good = true;
	size_t i;

	for (i = 0; i < values->count && !foreign; i++)
		good &= value_words(load, field, out->op, &values->words[i], &words, &foreign);
	if (good && foreign) {
		out->kind = RULE_NODE_UNSUPPORTED;
		out->pos = values->words[i - 1].pos;
		out->unsupported.name = load_keep_text(load, values->words[i - 1].text);
		out->unsupported.why = foreign;
		return out->unsupported.name.data;
	}
	if (out->op == RULE_OP_NE)
		rule_words_invert(field, &words);
	out->op = RULE_OP_IN;
	out->test.words = rule_memory_copy(load->keep, &words, sizeof(words));
	if (!out->test.words)
		load_no_memory(load);
	return good && out->test.words;
}

/* Of a system call's flags there are more than those of open: others can't be had. */
static bool has_foreign_flag(struct load *load, const struct values *values, struct rule_node *out)
{
	const char *prefix = out->field == RULE_FIELD_EVT_ARG_FLAGS ? "O_" : "S_I";
	size_t i;

	if (out->field != RULE_FIELD_EVT_ARG_FLAGS && out->field != RULE_FIELD_EVT_ARG_MODE)
		return false;
	for (i = 0; i < values->count; i++) {
		const struct word *word = &values->words[i];

		if (!strncmp(word->text.data, prefix, strlen(prefix)) ||
				(word->text.data[0] >= '0' && word->text.data[0] <= '9'))
			continue;
		out->kind = RULE_NODE_UNSUPPORTED;
		out->pos = word->pos;
		out->unsupported.name = load_keep_text(load, word->text);
		out->unsupported.why = "of system calls only flags of open and modes of chmod are kept";
		return true;
	}
	return false;
}

static bool make_values(struct load *load, const struct values *values, struct rule_node *out)
{
	union rule_value *read = load_keep(load, values->count * sizeof(*read) + 1);
	bool good = read;
	size_t i;

	for (i = 0; read && i < values->count; i++) {
		good &= pattern_check(load, out->op, &values->words[i]);
		good &= value_read(load, out, &values->words[i], &read[i]);
	}
	out->test.values = read;
	out->count = (uint32_t)values->count;
	return good;
}

bool check_field(struct load *load, const struct expr *expr, struct rule_node *out)
{
	*out = (struct rule_node){.kind = RULE_NODE_TEST, .pos = expr->pos};
	if (is_foreign(load, expr, out))
		return out->unsupported.name.data;
	out->field = (uint8_t)rule_field_by_name(expr->field.name.data, expr->field.name.len);
	if (out->field == RULE_FIELD_COUNT) {
		say_no_field(load, &expr->field);
		return false;
	}
	out->repeats = rule_fields[out->field].repeats;
	return check_argument(load, expr, out) && check_operator(load, expr, out);
}

bool check_test(struct load *load, const struct expr *expr, struct rule_node *out)
{
	struct values values = {0};

	if (!check_field(load, expr, out))
		return false;
	if (out->kind == RULE_NODE_UNSUPPORTED)
		return true;
	if (!gather(load, expr, &values))
		return false;
	if (out->op == RULE_OP_EXISTS)
		return true;
	if (has_foreign_flag(load, &values, out))
		return out->unsupported.name.data;
	return rule_fields[out->field].type == RULE_ENUM ? make_words(load, &values, out)
							 : make_values(load, &values, out);
}
