/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A condition as a tree: typed, checked, immutable. Nodes belong to the rule set they were loaded
 * into and live as long as it does.
 *
 * A macro is one subtree that each of its users points to: the tree is a graph without cycles.
 * Whoever walks it visits at most rule->nodes nodes, which is bounded by RULE_NODES_MAX.
 *
 * What a test means for an event is written down in docs/rules.md, "What a test means"; in one
 * sentence: a test of a field that the event does not have is false, whatever the operator.
 */
#ifndef VEX_RULE_AST_H
#define VEX_RULE_AST_H

#include "rule/diag.h"
#include "rule/field.h"

/** Bytes with a length, and a NUL behind them that the length does not count. */
struct rule_text {
	const char *data;
	size_t len;
};

enum rule_node_kind {
	RULE_NODE_FALSE,
	RULE_NODE_TRUE,
	RULE_NODE_AND,         /**< of 2 or more children */
	RULE_NODE_OR,          /**< of 2 or more children */
	RULE_NODE_NOT,         /**< of 1 child */
	RULE_NODE_TEST,        /**< a field, an operator, values */
	RULE_NODE_PROGRAM,     /**< a program of the user's says so */
	RULE_NODE_UNSUPPORTED, /**< can't be known; only in rules whose state is RULE_UNSUPPORTED */
};

/** Bits of a field of flags. */
struct rule_bits {
	uint32_t mask;
	uint32_t want; /**< of RULE_OP_BITS: (field & mask) == want */
};

/**
 * A value to compare with, by the type of the field:
 *
 *   STRING, PATH, STRINGS  text
 *   UNSIGNED, BOOL         number
 *   TIME                   number, nanoseconds since 1970
 *   SIGNED                 integer
 *   FLAGS                  number; with RULE_OP_BITS bits
 *
 * Values of ENUM are node->test.words.
 */
union rule_value {
	struct rule_text text;
	uint64_t number;
	int64_t integer;
	struct rule_bits bits;
};

struct rule_test {
	/** node->count of them: 0 with EXISTS and of ENUM, 1, or as many as a list has. */
	const union rule_value *values;
	/** Of ENUM: true for these, whatever the operator was (it is IN, or EXISTS). */
	const struct rule_words *words;
	/** Of RULE_FIELD_ATTR: the name between the brackets. */
	struct rule_text argument;
};

/** What can't be known, and why. */
struct rule_unsupported {
	struct rule_text name; /**< of the field or value, as it was written */
	const char *why;
};

struct rule_node {
	uint8_t kind;   /**< enum rule_node_kind */
	uint8_t op;     /**< enum rule_op, of TEST */
	uint8_t field;  /**< enum rule_field_id, of TEST */
	bool repeats;   /**< nothing below it varies: what it says can be cached */
	uint32_t count; /**< of children or values */
	struct rule_pos pos;
	union {
		const struct rule_node *const *children; /**< of AND, OR, NOT */
		struct rule_test test;
		uint32_t program; /**< index into the set's programs */
		struct rule_unsupported unsupported;
	};
};

/** Walks a tree's nodes, children after parents, a shared one each time it is met. */
void rule_node_walk(const struct rule_node *node,
		void (*visit)(const struct rule_node *node, void *data), void *data);

/**
 * Writes a tree as the text of a condition that means the same, with few parentheses and one
 * spelling for each thing, so that equal trees give equal texts. BITS stands as
 * field&mask=want, constants as true and false, what is unsupported as name?: those do not parse.
 * Returns the length that it has, as snprintf() does.
 */
size_t rule_node_print(const struct rule_node *node, char *out, size_t cap);

struct rule_set;

/** The same of a set's rule: programs stand by their names, not by their places. */
size_t rule_node_print_named(const struct rule_set *set, const struct rule_node *node, char *out,
		size_t cap);

#endif
