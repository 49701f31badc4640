/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions and programs as parts of a condition. */
#include <string.h>

#include "rule/exception.h"
#include "rule/quote.h"

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

/* Like an item of a list: out of its own quotes, or perhaps the name of a list. */
static struct word *make_word(struct load *load, const struct text_scalar *scalar)
{
	struct word *word = load_temporary(load, sizeof(*word));

	if (!word)
		return NULL;
	word->pos = load_pos(load, scalar);
	word->quoted = quote_is_quoted(&scalar->text) || !is_identifier(&scalar->text);
	if (!condition_word(load, &scalar->text, word->pos, &word->text))
		return NULL;
	if (word->text.len <= RULE_VALUE_MAX)
		return word;
	load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, word->pos, NULL, "a value of more than %u bytes",
			RULE_VALUE_MAX);
	return NULL;
}

static bool make_words(struct load *load, const struct exception_cell *cell, struct words *words)
{
	const struct scalars *scalar;
	struct word **end = &words->first;

	for (scalar = cell->words; scalar; scalar = scalar->next) {
		*end = words->last = make_word(load, &scalar->scalar);
		if (!*end)
			return false;
		end = &words->last->next;
		words->count++;
	}
	return true;
}

static bool takes_list(const struct rule_text *op)
{
	enum rule_op known = rule_op_by_name(op->data, op->len);

	return known == RULE_OP_COUNT || rule_ops[known].values == RULE_VALUES_LIST;
}

static struct expr *make_test(struct parse *parse, const struct exception_field *field,
		const struct exception_cell *cell)
{
	struct complaint complaint = {.expected = "one value"};
	bool list = takes_list(&field->op.text);
	struct words words = {0};

	if (!list && cell->count != 1) {
		load_say(parse->load, RULE_ERROR, RULE_DIAG_SHAPE, cell->pos, &complaint,
				"'%.*s' takes no list", SHOWN(field->op.text));
		parse->failed = true;
		return NULL;
	}
	if (make_words(parse->load, cell, &words))
		return condition_test(parse, &field->field, &field->op,
				list ? EXPR_VALUE_LIST : EXPR_ONE_VALUE, words);
	parse->failed = true;
	return NULL;
}

/* Fits where each field does; NULL where something was wrong. */
static struct expr *make_row(struct parse *parse, const struct exception *exception,
		const struct exception_value *value)
{
	const struct exception_field *field = exception->fields;
	const struct exception_cell *cell;
	struct expr *row = NULL;
	struct expr *test;
	bool good = true;

	for (cell = value->cells; cell; cell = cell->next) {
		test = make_test(parse, field++, cell);
		good &= test != NULL;
		if (row && test)
			row = condition_join(parse, EXPR_AND, row, test, value->pos);
		else if (test)
			row = test;
	}
	return good ? row : NULL;
}

static struct expr *join_row(struct parse *parse, struct expr *condition, struct expr *row)
{
	struct expr *not = condition_not(parse, row, row->pos);

	return not ? condition_join(parse, EXPR_AND, condition, not, condition->pos) : NULL;
}

static struct expr *join_exception(struct parse *parse, const struct exception *exception,
		struct expr *condition)
{
	const struct exception_value *value;
	struct expr *row;

	for (value = exception->values; condition && value; value = value->next) {
		row = make_row(parse, exception, value);
		if (row)
			condition = join_row(parse, condition, row);
	}
	return condition;
}

static struct expr *join_program(struct parse *parse, const struct text_scalar *program,
		struct expr *condition)
{
	struct expr *expr;

	expr = condition_expr(parse, EXPR_PROGRAM, load_pos(parse->load, program));
	if (!expr)
		return NULL;
	expr->field.name = program->text;
	return condition_join(parse, EXPR_AND, condition, expr, condition->pos);
}

struct expr *exception_join(struct load *load, const struct draft *draft, struct expr *condition,
		bool *whole)
{
	struct parse parse = {.load = load};
	const struct exception *exception;

	if (!condition)
		condition = condition_expr(&parse, EXPR_NAME, draft->rule.pos);
	for (exception = draft->exceptions; condition && exception; exception = exception->next)
		if (!exception->broken)
			condition = join_exception(&parse, exception, condition);
	if (condition && draft->program.text.data)
		condition = join_program(&parse, &draft->program, condition);
	*whole &= !parse.failed;
	return condition;
}
