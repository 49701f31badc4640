/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/exception.h"

#include <string.h>

#include "rule/check.h"
#include "rule/define.h"
#include "rule/quote.h"

static bool copy_text(struct load *load, const char *data, size_t len, struct rule_text *out)
{
	*out = rule_memory_text(&load->scratch, data, len);
	if (!out->data)
		load_no_memory(load);
	return out->data;
}

/* -- values -- */

static struct scalars *copy_scalar(struct load *load, const struct yaml_node *node)
{
	struct scalars *copy;

	if (node->kind != YAML_SCALAR ||
			memchr(node->scalar.text.data, '\0', node->scalar.text.len)) {
		define_refuse(load, node, "a value without NUL bytes");
		return NULL;
	}
	copy = load_scratch(load, sizeof(*copy));
	if (!copy)
		return NULL;
	copy->scalar = node->scalar;
	return copy_text(load, node->scalar.text.data, node->scalar.text.len, &copy->scalar.text)
			? copy : NULL;
}

/* The words of a list, or the one word that it is. */
static bool copy_scalars(struct load *load, const struct yaml_node *node, struct scalars **out,
		uint32_t *count)
{
	const struct yaml_node *item = node->kind == YAML_LIST ? node->first : node;
	bool good = true;

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

	if (!cell)
		return false;
	cell->pos = load_pos(load, &node->scalar);
	if (!copy_scalars(load, node, &cell->words, &cell->count))
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
	value->pos = load_pos(load, &row->scalar);
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

static void read_values(struct load *load, struct exception *exception, const struct yaml_node *values)
{
	const struct yaml_node *row;

	if (values->kind != YAML_LIST) {
		define_refuse(load, values, "a list");
		return;
	}
	if (exception->single && values->first)
		read_row(load, exception, values);
	for (row = exception->single ? NULL : values->first; row; row = row->next)
		read_row(load, exception, row);
}

/* -- fields, each with its operator -- */

static bool is_name(const struct rule_text *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text->data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
				c != '_' && c != '.')
			return false;
	}
	return len;
}

/* A name, perhaps with brackets; whether there is such a field is not known yet. */
static bool read_field(struct load *load, const struct yaml_node *node, struct field_word *field)
{
	const struct rule_text *text = &node->scalar.text;
	struct rule_text inside;
	struct rule_text name;
	size_t len;

	if (!define_scalar(load, node, RULE_VALUE_MAX))
		return false;
	len = strcspn(text->data, "[");
	field->pos = load_pos(load, &node->scalar);
	if (!is_name(text, len) || (len < text->len &&
			quote_bracket(text->data + len, text->data + text->len) != text->len - len)) {
		define_refuse(load, node, "a field");
		return false;
	}
	if (!copy_text(load, text->data, len, &field->name))
		return false;
	if (len == text->len)
		return true;
	inside = (struct rule_text){text->data + len + 1, text->len - len - 2};
	return condition_word(load, &inside, field->pos, &name) &&
			copy_text(load, name.data, name.len, &field->argument);
}

/* The node is NULL where nothing is said. */
static bool read_operator(struct load *load, const struct exception *exception,
		const struct yaml_node *node, const struct exception_field *field, struct word *op)
{
	if (!node) {
		op->text = exception->single ? (struct rule_text){"in", 2} : (struct rule_text){"=", 1};
		op->pos = field->field.pos;
		return true;
	}
	if (!define_scalar(load, node, RULE_NAME_MAX))
		return false;
	if (yaml_is(node, "exists")) {
		define_refuse(load, node, "an operator that takes values");
		return false;
	}
	op->pos = load_pos(load, &node->scalar);
	return copy_text(load, node->scalar.text.data, node->scalar.text.len, &op->text);
}

/* Wherever it has values or not. */
static bool check(struct load *load, const struct exception_field *field)
{
	struct expr expr = {.kind = EXPR_TEST, .pos = field->field.pos, .field = field->field,
		.op = field->op};
	struct rule_node node;

	return check_field(load, &expr, &node);
}

static const struct yaml_node *first_of(const struct yaml_node *node)
{
	return node && node->kind == YAML_LIST ? node->first : node;
}

static uint32_t count_of(const struct yaml_node *node)
{
	return node->kind == YAML_LIST ? (uint32_t)node->count : 1;
}

static bool read_fields(struct load *load, struct exception *exception,
		const struct yaml_node *fields, const struct yaml_node *comps)
{
	const struct yaml_node *field = first_of(fields);
	const struct yaml_node *comp = first_of(comps);
	bool good = true;
	uint32_t i;

	for (i = 0; i < exception->field_count; i++, field = field->next) {
		struct exception_field *at = &exception->fields[i];
		bool whole = read_field(load, field, &at->field);

		whole &= read_operator(load, exception, comp, at, &at->op);
		good &= whole && check(load, at);
		comp = comp ? comp->next : NULL;
	}
	return good;
}

/* -- exceptions -- */

static struct exception *find(const struct draft *draft, const struct yaml_node *name)
{
	struct exception *exception;

	for (exception = draft->exceptions; exception; exception = exception->next)
		if (yaml_is(name, exception->name.data))
			return exception;
	return NULL;
}

static struct exception *add(struct load *load, struct draft *draft, const struct yaml_node *item)
{
	struct exception *exception = load_scratch(load, sizeof(*exception));
	const struct rule_text *name = &yaml_find(item, "name")->scalar.text;

	if (!exception || !copy_text(load, name->data, name->len, &exception->name))
		return NULL;
	exception->values_end = &exception->values;
	if (draft->exception_count++ == RULE_EXCEPTIONS_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &item->scalar), NULL,
				"more than %u exceptions", RULE_EXCEPTIONS_MAX);
		return NULL;
	}
	exception->next = draft->exceptions;
	draft->exceptions = exception;
	return exception;
}

static bool fill(struct load *load, struct exception *exception, const struct yaml_node *item)
{
	const struct yaml_node *fields = yaml_find(item, "fields");
	const struct yaml_node *comps = yaml_find(item, "comps");

	if (!fields) {
		load_say(load, RULE_ERROR, RULE_DIAG_MISSING, load_pos(load, &item->scalar), NULL,
				"an exception has no fields");
		return false;
	}
	exception->single = fields->kind == YAML_SCALAR;
	exception->field_count = count_of(fields);
	if (!exception->field_count || (comps && count_of(comps) != exception->field_count)) {
		define_refuse(load, comps && exception->field_count ? comps : fields,
				"as many operators in comps as there are fields");
		return false;
	}
	exception->fields = load_scratch(load, exception->field_count * sizeof(*exception->fields));
	return exception->fields && read_fields(load, exception, fields, comps);
}

static bool same_field(const struct field_word *a, const struct field_word *b)
{
	return a->name.len == b->name.len && !memcmp(a->name.data, b->name.data, a->name.len) &&
			a->argument.len == b->argument.len && (!a->argument.len ||
			!memcmp(a->argument.data, b->argument.data, a->argument.len));
}

/* Whether fields and operators that are said once more are those that are there. */
static bool says_the_same(struct load *load, const struct exception *exception,
		const struct yaml_node *fields, const struct yaml_node *comps)
{
	const struct yaml_node *field = first_of(fields);
	const struct yaml_node *comp = first_of(comps);
	struct field_word word;
	uint32_t i;

	if ((fields && (count_of(fields) != exception->field_count ||
			(fields->kind == YAML_SCALAR) != exception->single)) ||
			(comps && count_of(comps) != exception->field_count))
		return false;
	for (i = 0; i < exception->field_count; i++) {
		memset(&word, 0, sizeof(word));
		if (field && (!read_field(load, field, &word) ||
				!same_field(&word, &exception->fields[i].field)))
			return false;
		if (comp && !yaml_is(comp, exception->fields[i].op.text.data))
			return false;
		field = field ? field->next : NULL;
		comp = comp ? comp->next : NULL;
	}
	return true;
}

static void check_again(struct load *load, const struct exception *exception,
		const struct yaml_node *item)
{
	const struct yaml_node *fields = yaml_find(item, "fields");
	const struct yaml_node *comps = yaml_find(item, "comps");

	if (exception->broken || says_the_same(load, exception, fields, comps))
		return;
	load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE,
			load_pos(load, fields ? &fields->scalar : &comps->scalar), NULL,
			"exception '%.*s' is there with other fields or operators: only values can be added",
			SHOWN(exception->name));
}

/* What is wrong with one hides neither the next nor what else is wrong with it. */
static void read_exception(struct load *load, struct draft *draft, const struct yaml_node *list,
		const struct yaml_node *item)
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
	if (exception && exception->list.file == list->scalar.file &&
			exception->list.start == list->scalar.start) {
		load_say(load, RULE_ERROR, RULE_DIAG_OVERRIDE, load_pos(load, &name->scalar), NULL,
				"exception '%.*s' stands twice", SHOWN(exception->name));
		return;
	}
	if (exception) {
		check_again(load, exception, item);
	} else {
		exception = add(load, draft, item);
		if (exception)
			exception->broken = !fill(load, exception, item);
	}
	if (!exception)
		return;
	exception->list = list->scalar;
	if (exception->field_count && values)
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
		read_exception(load, draft, value, item);
}
