/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text of a condition as an expression, of which only the form is known to be right: names of
 * fields, operators, macros and lists are still words. Private to lib/rule.
 */
#ifndef VEX_RULE_CONDITION_H
#define VEX_RULE_CONDITION_H

#include "rule/load.h"

struct word {
	struct word *next;
	struct rule_text text; /**< unquoted */
	struct rule_pos pos;
	bool quoted;
};

struct words {
	struct word *first;
	struct word *last;
	uint32_t count;
};

enum expr_kind {
	EXPR_AND,
	EXPR_OR,
	EXPR_NOT,
	EXPR_NAME, /**< of a macro */
	EXPR_TEST,
	EXPR_PROGRAM,
};

/** How the values of a test stand there. */
enum expr_values { EXPR_NO_VALUE, EXPR_ONE_VALUE, EXPR_VALUE_LIST, EXPR_LIST_NAME };

struct field_word {
	struct rule_text name;
	struct rule_text argument; /**< data NULL: no brackets */
	struct rule_text foreign;  /**< a transformer or a value that is a field; data NULL: none */
	struct rule_pos pos;
};

struct expr {
	enum expr_kind kind;
	struct rule_pos pos;
	struct expr *first; /**< child */
	struct expr *last;
	struct expr *next; /**< of its parent's children */
	uint32_t count;    /**< of children */
	uint32_t depth;
	struct field_word field; /**< of TEST; name: of NAME and PROGRAM */
	struct word op;
	enum expr_values how;
	struct words values;
};

/** One condition that is being parsed. */
struct parse {
	struct load *load;
	const char *text;
	size_t len;
	const struct piece *piece;  /**< that the cursor is in */
	size_t piece_start;         /**< offset of its text in the condition */
	struct text_cursor cursor;
	struct rule_pos pos;        /**< of the token */
	size_t offset;              /**< of the token */
	size_t next;                /**< of what follows it */
	unsigned parentheses;       /**< open */
	unsigned transforms;        /**< open */
	bool right;                 /**< the transformer stands behind an operator */
	bool failed;
	struct expr *result;
};

/**
 * Parses the text that the pieces make. What is wrong with it is said; *whole is false then, and
 * what could be parsed is returned, so that its names can be looked at: NULL, or an expression
 * with EXPR_NAME without a name where something is missing. It lies in temporary memory.
 */
struct expr *condition_parse(struct load *load, const struct pieces *pieces, bool *whole);

/** A value of a list in YAML: what it stands for as a word of a condition, quotes removed. */
bool condition_word(struct load *load, const struct rule_text *text, struct rule_pos pos,
		struct rule_text *word);

/** An expression of nothing yet; NULL, and failed, where memory ran out. */
struct expr *condition_expr(struct parse *parse, enum expr_kind kind, struct rule_pos pos);

/* Between lexer and grammar. */
struct rule_pos *condition_pos(struct parse *parse, size_t len);
struct word *condition_new_word(struct parse *parse, const char *text, size_t len, bool quoted);
struct field_word condition_field(struct parse *parse, const char *text, size_t len);
/** Whether a word without a dot is a field: it has such a name, or an operator follows it. */
bool condition_is_field(const struct parse *parse, const char *text, size_t len);
struct expr *condition_join(struct parse *parse, enum expr_kind kind, struct expr *left,
		struct expr *right, struct rule_pos pos);
struct expr *condition_not(struct parse *parse, struct expr *child, struct rule_pos pos);
struct expr *condition_name(struct parse *parse, enum expr_kind kind, const struct word *name);
struct expr *condition_test(struct parse *parse, const struct field_word *field,
		const struct word *op, enum expr_values how, struct words values);
void condition_say_unexpected(struct parse *parse, struct rule_pos pos, const char *found,
		const char *expected);
void condition_say(struct parse *parse, struct rule_pos pos, const char *expected,
		const char *message);

#endif
