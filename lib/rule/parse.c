/* SPDX-License-Identifier: BSD-3-Clause */
/* Around lexer and grammar: the text they work on, places in it, and expressions. */
#include "rule/condition.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "condition.tab.h"
#include "rule/quote.h"

int condition_yylex_init_extra(struct parse *parse, void **scanner);
int condition_yylex_destroy(void *scanner);
void *condition_yy_scan_bytes(const char *text, int len, void *scanner);
void condition_yy_delete_buffer(void *buffer, void *scanner);

/* The place of a byte of the condition. */
static struct rule_pos place(struct parse *parse, size_t offset)
{
	const struct load *load = parse->load;

	while (parse->piece->next && offset > parse->piece_start + parse->piece->scalar.text.len) {
		parse->piece_start += parse->piece->scalar.text.len + 1;
		parse->piece = parse->piece->next;
		parse->cursor = text_cursor_begin(&load->files[parse->piece->scalar.file],
				&parse->piece->scalar);
	}
	return text_cursor_pos(&parse->cursor, offset - parse->piece_start);
}

struct rule_pos *condition_pos(struct parse *parse, size_t len)
{
	parse->offset = parse->next;
	parse->next += len;
	parse->pos = place(parse, parse->offset);
	return &parse->pos;
}

void condition_say(struct parse *parse, struct rule_pos pos, const char *expected,
		const char *message)
{
	struct complaint complaint = {.expected = expected};

	parse->failed = true;
	load_say(parse->load, RULE_ERROR, RULE_DIAG_SYNTAX, pos, &complaint, "%s", message);
}

void condition_say_unexpected(struct parse *parse, struct rule_pos pos, const char *found,
		const char *expected)
{
	char message[64] = "the condition ends too early";

	if (found && strcmp(found, "the end"))
		snprintf(message, sizeof(message), "%s can't stand here", found);
	condition_say(parse, pos, *expected ? expected : NULL, message);
}

/* The text between quotes into a copy; false where an escape is none. */
static bool unquote(struct load *load, const char *text, size_t len, struct rule_pos pos,
		struct rule_text *out)
{
	static const struct complaint known = {
		.expected = "one of \\\\ \\\" \\' \\/ \\b \\f \\n \\r \\t \\xHH"};
	char *copy = load_temporary(load, len + 1);
	ssize_t n;

	if (!copy)
		return false;
	n = quote_read(text, len, copy);
	if (n < 0) {
		load_say(load, RULE_ERROR, RULE_DIAG_SYNTAX, pos, &known,
				n == -EINVAL ? "an escape that is none in a string"
					     : "a NUL byte in a string");
		return false;
	}
	*out = (struct rule_text){copy, (size_t)n};
	return true;
}

static bool copy_text(struct load *load, const char *text, size_t len, struct rule_text *out)
{
	*out = rule_memory_text(&load->temporary, text, len);
	if (!out->data)
		load_no_memory(load);
	return out->data;
}

bool condition_word(struct load *load, const struct rule_text *text, struct rule_pos pos,
		struct rule_text *word)
{
	if (quote_is_quoted(text))
		return unquote(load, text->data + 1, text->len - 2, pos, word);
	return copy_text(load, text->data, text->len, word);
}

struct word *condition_new_word(struct parse *parse, const char *text, size_t len, bool quoted)
{
	struct word *word = load_temporary(parse->load, sizeof(*word));
	bool good;

	if (!word)
		return NULL;
	word->pos = parse->pos;
	word->quoted = quoted;
	good = quoted ? unquote(parse->load, text + 1, len - 2, word->pos, &word->text)
		      : copy_text(parse->load, text, len, &word->text);
	if (good && word->text.len > RULE_VALUE_MAX) {
		load_say(parse->load, RULE_ERROR, RULE_DIAG_LIMIT, word->pos, NULL,
				"a value of more than %u bytes", RULE_VALUE_MAX);
		good = false;
	}
	if (good)
		return word;
	parse->failed = true;
	return NULL;
}

struct field_word condition_field(struct parse *parse, const char *text, size_t len)
{
	const char *bracket = memchr(text, '[', len);
	size_t name_len = bracket ? (size_t)(bracket - text) : len;
	struct field_word field = {.pos = parse->pos};
	struct rule_text argument;
	bool good = copy_text(parse->load, text, name_len, &field.name);

	if (good && bracket) {
		argument = (struct rule_text){bracket + 1, len - name_len - 2};
		good = condition_word(parse->load, &argument, field.pos, &field.argument);
	}
	if (good)
		return field;
	parse->failed = true;
	return (struct field_word){.pos = parse->pos};
}

bool condition_is_field(const struct parse *parse, const char *text, size_t len)
{
	const char *at = parse->text + parse->next;
	const char *end = parse->text + parse->len;
	const char *word;

	if (rule_field_by_name(text, len) != RULE_FIELD_COUNT)
		return true;
	while (at < end && strchr(" \t\r\n\b\f\v", *at) && *at)
		at++;
	for (word = at; at < end && *at >= 'a' && *at <= 'z'; at++)
		;
	if (word == at)
		return at < end && strchr("=!<>", *at) && *at;
	return rule_op_by_name(word, (size_t)(at - word)) != RULE_OP_COUNT;
}

struct expr *condition_expr(struct parse *parse, enum expr_kind kind, struct rule_pos pos)
{
	struct expr *expr = load_temporary(parse->load, sizeof(*expr));

	if (!expr) {
		parse->failed = true;
		return NULL;
	}
	expr->kind = kind;
	expr->pos = pos;
	expr->depth = 1;
	return expr;
}

static struct expr *add_child(struct parse *parse, struct expr *expr, struct expr *child)
{
	if (expr->last)
		expr->last->next = child;
	else
		expr->first = child;
	expr->last = child;
	expr->count++;
	if (child->depth >= expr->depth)
		expr->depth = child->depth + 1;
	if (expr->depth != RULE_DEPTH_MAX + 1)
		return expr;
	load_say(parse->load, RULE_ERROR, RULE_DIAG_LIMIT, expr->pos, NULL,
			"the condition is nested deeper than %u", RULE_DEPTH_MAX);
	parse->failed = true;
	return expr;
}

struct expr *condition_join(struct parse *parse, enum expr_kind kind, struct expr *left,
		struct expr *right, struct rule_pos pos)
{
	struct expr *expr = left;

	/* a and b and c is one node; so is (a and b) and c, which means the same. */
	if (left->kind != kind) {
		expr = condition_expr(parse, kind, pos);
		if (!expr)
			return NULL;
		add_child(parse, expr, left);
	}
	return add_child(parse, expr, right);
}

struct expr *condition_not(struct parse *parse, struct expr *child, struct rule_pos pos)
{
	struct expr *expr = condition_expr(parse, EXPR_NOT, pos);

	return expr ? add_child(parse, expr, child) : NULL;
}

/* Without a name: in place of what was wrong. */
struct expr *condition_name(struct parse *parse, enum expr_kind kind, const struct word *name)
{
	struct expr *expr = condition_expr(parse, kind, name ? name->pos : parse->pos);
	struct rule_text argument;

	if (!name)
		parse->failed = true;
	if (!expr || !name)
		return expr;
	expr->field.name = name->text;
	if (kind != EXPR_PROGRAM)
		return expr;
	argument = (struct rule_text){name->text.data + sizeof("program[") - 1,
			name->text.len - sizeof("program[")};
	if (!condition_word(parse->load, &argument, name->pos, &expr->field.name)) {
		parse->failed = true;
		return NULL;
	}
	return expr;
}

struct expr *condition_test(struct parse *parse, const struct field_word *field,
		const struct word *op, enum expr_values how, struct words values)
{
	struct expr *expr = condition_expr(parse, EXPR_TEST, field->pos);

	if (!expr)
		return NULL;
	expr->field = *field;
	expr->op = *op;
	expr->how = how;
	expr->values = values;
	return expr;
}

/* One text of all pieces, a blank between them. */
static char *join_pieces(struct load *load, const struct pieces *pieces)
{
	char *text = load_temporary(load, pieces->len + 1);
	const struct piece *piece;
	char *at = text;

	for (piece = pieces->first; text && piece; piece = piece->next) {
		if (piece != pieces->first)
			*at++ = ' ';
		memcpy(at, piece->scalar.text.data, piece->scalar.text.len);
		at += piece->scalar.text.len;
	}
	return text;
}

static int run(struct parse *parse, const char *text, size_t len)
{
	void *scanner;
	int failed = 2;

	if (condition_yylex_init_extra(parse, &scanner))
		return load_no_memory(parse->load);
	if (condition_yy_scan_bytes(text, (int)len, scanner))
		failed = condition_yyparse(parse, scanner);
	if (failed == 2)
		parse->failed = true;
	condition_yylex_destroy(scanner);
	return failed;
}

struct expr *condition_parse(struct load *load, const struct pieces *pieces, bool *whole)
{
	struct parse parse = {.load = load, .piece = pieces->first};
	char *text;

	*whole = false;
	if (!pieces->first)
		return NULL;
	parse.cursor = text_cursor_begin(&load->files[pieces->first->scalar.file],
			&pieces->first->scalar);
	text = join_pieces(load, pieces);
	parse.text = text;
	parse.len = pieces->len;
	if (!text || run(&parse, text, pieces->len))
		return NULL;
	*whole = !parse.failed;
	return parse.result;
}
