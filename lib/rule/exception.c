/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exceptions of a rule. Each becomes text behind the rule's condition:
 *
 *   ( condition ) and not ( ( field comp value and ... ) or ... )
 */
#include <string.h>

#include "rule/define.h"

static struct scalars *copy_scalar(struct load *load, const struct yaml_node *node)
{
	struct scalars *copy;

	if (node->kind != YAML_SCALAR) {
		define_refuse(load, node, "a value");
		return NULL;
	}
	copy = load_scratch(load, sizeof(*copy));
	if (!copy)
		return NULL;
	copy->scalar = node->scalar;
	copy->scalar.text = rule_memory_text(&load->scratch, node->scalar.text.data,
			node->scalar.text.len);
	if (copy->scalar.text.data)
		return copy;
	load_no_memory(load);
	return NULL;
}

/* The words of a list, or the one word that it is. */
static bool copy_scalars(struct load *load, const struct yaml_node *node, struct scalars **out,
		uint32_t *count)
{
	const struct yaml_node *item = node->kind == YAML_LIST ? node->first : node;
	bool good = true;

	*count = 0;
	for (; item; item = node->kind == YAML_LIST ? item->next : NULL) {
		*out = copy_scalar(load, item);
		good &= *out != NULL;
		out = *out ? &(*out)->next : out;
		++*count;
	}
	return good;
}

static bool add_cell(struct load *load, struct exception_cell ***end, const struct yaml_node *node)
{
	struct exception_cell *cell = load_scratch(load, sizeof(*cell));
	uint32_t count;

	if (!cell)
		return false;
	cell->list = node->kind == YAML_LIST;
	if (!copy_scalars(load, node, &cell->words, &count))
		return false;
	**end = cell;
	*end = &cell->next;
	return true;
}

/* [value, value], one for each field. */
static bool read_row(struct load *load, struct exception *exception, const struct yaml_node *row)
{
	struct exception_value *value = load_scratch(load, sizeof(*value));
	struct exception_cell **end;
	const struct yaml_node *cell = row;
	bool good = value;

	if (!value)
		return false;
	end = &value->cells;
	value->start = row->scalar;
	if (!exception->single)
		cell = row->kind == YAML_LIST ? row->first : NULL;
	for (; good && cell; cell = exception->single ? NULL : cell->next, value->count++)
		good = add_cell(load, &end, cell);
	if (good && value->count != exception->field_count) {
		define_refuse(load, row, "a list with one value for each field");
		good = false;
	}
	if (!good)
		return false;
	*exception->values_end = value;
	exception->values_end = &value->next;
	return true;
}

static bool read_values(struct load *load, struct exception *exception, const struct yaml_node *values)
{
	const struct yaml_node *row;
	bool good = true;

	if (values->kind != YAML_LIST) {
		define_refuse(load, values, "a list");
		return false;
	}
	if (exception->single)
		return !values->first || read_row(load, exception, values);
	for (row = values->first; row; row = row->next)
		good &= read_row(load, exception, row);
	return good;
}

static struct exception *find(struct draft *draft, const struct yaml_node *name)
{
	struct exception *exception;

	for (exception = draft->exceptions; exception; exception = exception->next)
		if (yaml_is(name, exception->name.text.data))
			return exception;
	return NULL;
}

static struct exception *new_exception(struct load *load, struct draft *draft,
		const struct yaml_node *item)
{
	const struct yaml_node *fields = yaml_find(item, "fields");
	const struct yaml_node *comps = yaml_find(item, "comps");
	struct exception *exception = load_scratch(load, sizeof(*exception));
	struct scalars *name = copy_scalar(load, yaml_find(item, "name"));
	uint32_t count = 0;
	bool good;

	if (!exception || !name)
		return NULL;
	if (!fields) {
		load_say(load, RULE_ERROR, RULE_DIAG_MISSING, load_pos(load, &item->scalar), NULL,
				"an exception has no fields");
		return NULL;
	}
	exception->name = name->scalar;
	exception->values_end = &exception->values;
	exception->single = fields->kind == YAML_SCALAR;
	good = copy_scalars(load, fields, &exception->fields, &exception->field_count);
	good &= !comps || copy_scalars(load, comps, &exception->comps, &count);
	if (!good)
		return NULL;
	if (!exception->field_count || (comps && count != exception->field_count)) {
		define_refuse(load, comps && exception->field_count ? comps : fields,
				"as many operators in comps as there are fields");
		return NULL;
	}
	if (draft->exception_count++ == RULE_EXCEPTIONS_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &item->scalar), NULL,
				"more than %u exceptions", RULE_EXCEPTIONS_MAX);
		return NULL;
	}
	exception->next = draft->exceptions;
	draft->exceptions = exception;
	return exception;
}

/* What is wrong with one hides neither the next nor what else is wrong with it. */
static void read_exception(struct load *load, struct draft *draft, const struct yaml_node *item)
{
	static const char *const keys[] = {"name", "fields", "comps", "values", NULL};
	const struct yaml_node *name = yaml_find(item, "name");
	const struct yaml_node *values = yaml_find(item, "values");
	struct exception *exception;

	if (item->kind != YAML_MAP || !name) {
		define_refuse(load, item, "a mapping with name, fields, comps and values");
		return;
	}
	define_check_keys(load, item, keys);
	if (!define_scalar(load, name, RULE_NAME_MAX))
		return;
	exception = find(draft, name);
	if (!exception)
		exception = new_exception(load, draft, item);
	if (exception && values)
		read_values(load, exception, values);
}

DEFINE_KEY(exceptions)
{
	const struct yaml_node *item;

	if (how == DEFINE_SET) {
		draft->exceptions = NULL;
		draft->exception_count = 0;
	}
	if (value->kind != YAML_LIST) {
		define_refuse(load, value, "a list of exceptions");
		return;
	}
	for (item = value->first; item; item = item->next)
		read_exception(load, draft, item);
}

/* Text that grows; data NULL where memory ran out. */
struct text {
	struct load *load;
	char *data;
	size_t len;
	size_t cap;
};

static void put(struct text *text, const char *data, size_t len)
{
	char *more;

	if (text->data && text->len + len > text->cap) {
		text->cap = (text->cap + len) * 2;
		more = load_scratch(text->load, text->cap);
		if (more)
			memcpy(more, text->data, text->len);
		text->data = more;
	}
	if (!text->data)
		return;
	memcpy(text->data + text->len, data, len);
	text->len += len;
}

static void puts_to(struct text *text, const char *data)
{
	put(text, data, strlen(data));
}

static bool is_identifier(const struct rule_text *word)
{
	size_t i;

	for (i = 0; i < word->len; i++) {
		char c = word->data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
				c != '_')
			return false;
	}
	return word->len;
}

/* In quotes, unless it has its own, or may be the name of a list. */
static void put_word(struct text *text, const struct rule_text *word, bool in_list)
{
	size_t i;

	if ((in_list && is_identifier(word)) || (word->len > 1 && word->data[0] == '"')) {
		put(text, word->data, word->len);
		return;
	}
	puts_to(text, "\"");
	for (i = 0; i < word->len; i++) {
		if (word->data[i] == '"' || word->data[i] == '\\')
			puts_to(text, "\\");
		put(text, word->data + i, 1);
	}
	puts_to(text, "\"");
}

static bool takes_list(const struct rule_text *comp)
{
	enum rule_op op = rule_op_by_name(comp->data, comp->len);

	return op != RULE_OP_COUNT && rule_ops[op].values == RULE_VALUES_LIST;
}

static void put_cell(struct text *text, const struct scalars *field, const struct rule_text *comp,
		const struct exception_cell *cell)
{
	bool list = takes_list(comp);
	const struct scalars *word;

	put(text, field->scalar.text.data, field->scalar.text.len);
	puts_to(text, " ");
	put(text, comp->data, comp->len);
	puts_to(text, list ? " (" : " ");
	for (word = cell->words; word; word = word->next) {
		put_word(text, &word->scalar.text, list);
		if (word->next)
			puts_to(text, ", ");
	}
	puts_to(text, list ? ")" : "");
}

static void put_value(struct text *text, const struct exception *exception,
		const struct exception_value *value)
{
	const struct rule_text usual = {exception->single ? "in" : "=", exception->single ? 2 : 1};
	const struct scalars *field = exception->fields;
	const struct scalars *comp = exception->comps;
	const struct exception_cell *cell = value->cells;

	puts_to(text, "(");
	for (; field && cell; field = field->next, cell = cell->next) {
		put_cell(text, field, comp ? &comp->scalar.text : &usual, cell);
		if (field->next)
			puts_to(text, " and ");
		comp = comp ? comp->next : NULL;
	}
	puts_to(text, ")");
}

static bool put_piece(struct load *load, struct pieces *pieces, const struct text_scalar *at,
		const char *data, size_t len)
{
	struct text_scalar scalar = *at;

	scalar.text = (struct rule_text){data, len};
	return define_piece(load, pieces, &scalar, true);
}

static bool add_exceptions(struct load *load, struct draft *draft, struct pieces *pieces)
{
	const struct exception *exception;
	const struct exception_value *value;

	for (exception = draft->exceptions; exception; exception = exception->next) {
		for (value = exception->values; value; value = value->next) {
			struct text text = {.load = load, .data = load_scratch(load, 256), .cap = 256};

			puts_to(&text, "and not ");
			put_value(&text, exception, value);
			if (!text.data || !put_piece(load, pieces, &value->start, text.data, text.len))
				return false;
		}
	}
	return true;
}

bool define_finish_condition(struct load *load, struct draft *draft)
{
	const struct piece *piece;
	struct pieces pieces = {0};
	struct text program = {.load = load, .cap = 64};
	bool good;

	if (!draft->condition.first || (!draft->exceptions && !draft->program.text.data))
		return draft->condition.first;
	good = put_piece(load, &pieces, &draft->condition.first->scalar, "(", 1);
	for (piece = draft->condition.first; good && piece; piece = piece->next)
		good = define_piece(load, &pieces, &piece->scalar, piece->made);
	good = good && put_piece(load, &pieces, &draft->condition.last->scalar, ")", 1) &&
			add_exceptions(load, draft, &pieces);
	if (good && draft->program.text.data) {
		program.data = load_scratch(load, program.cap);
		puts_to(&program, "and program[");
		put_word(&program, &draft->program.text, false);
		puts_to(&program, "]");
		good = program.data && put_piece(load, &pieces, &draft->program, program.data,
							 program.len);
	}
	draft->condition = pieces;
	return good;
}
