/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/check.h"

#include <stdio.h>
#include <string.h>

#include "rule/exception.h"
#include "rule/suggest.h"

static struct checked check_expr(struct load *load, const struct expr *expr);

static uint32_t add_nodes(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static uint32_t count_nodes(const struct rule_node *node)
{
	uint32_t count = 1;
	uint32_t i;

	if (node->kind == RULE_NODE_AND || node->kind == RULE_NODE_OR || node->kind == RULE_NODE_NOT)
		for (i = 0; i < node->count; i++)
			count = add_nodes(count, count_nodes(node->children[i]));
	return count;
}

/* As written, in the set's memory where that was asked for. */
static const struct rule_node *keep_plain(struct load *load, const struct rule_node *node)
{
	return load->options->keep_plain ? node_make(load, node) : NULL;
}

static struct checked check_one_test(struct load *load, const struct expr *expr)
{
	struct checked checked = {.depth = 1};
	struct rule_node test;

	if (!check_test(load, expr, &test))
		return checked;
	checked.plain = keep_plain(load, &test);
	checked.lowered = test.kind == RULE_NODE_TEST ? lower_test(load, &test)
						      : node_make(load, &test);
	if (checked.lowered) /* a lowered test is a handful of nodes */
		checked.nodes = count_nodes(checked.lowered);
	return checked;
}

static void say_cycle(struct load *load, const struct macro *macro, struct rule_pos pos)
{
	load_say(load, RULE_ERROR, RULE_DIAG_CYCLE, pos, NULL, "macro '%.*s' needs itself",
			SHOWN(macro->name));
}

static void check_macro(struct load *load, struct macro *macro)
{
	struct checked checked;

	macro->progress = PROGRESS_BUSY;
	load->macro_depth++;
	checked = check_condition(load, &macro->condition);
	load->macro_depth--;
	macro->plain = checked.plain;
	macro->lowered = checked.lowered;
	macro->nodes = checked.nodes;
	macro->depth = checked.depth;
	macro->progress = checked.lowered ? PROGRESS_DONE : PROGRESS_FAILED;
}

static struct checked use_macro(struct load *load, struct macro *macro, struct rule_pos pos)
{
	if (macro->progress == PROGRESS_BUSY) {
		say_cycle(load, macro, pos);
	} else if (macro->progress == PROGRESS_NONE && load->macro_depth == RULE_DEPTH_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, pos, NULL,
				"macros are nested deeper than %u", RULE_DEPTH_MAX);
	} else if (macro->progress == PROGRESS_NONE) {
		check_macro(load, macro);
	}
	if (macro->progress != PROGRESS_DONE)
		return (struct checked){.depth = 1};
	return (struct checked){macro->plain, macro->lowered, macro->nodes, macro->depth};
}

static struct checked check_name(struct load *load, const struct expr *expr)
{
	const struct rule_text *name = &expr->field.name;
	struct rule_suggest suggest = rule_suggest_begin(name->data, name->len);
	struct complaint complaint = {NULL, NULL};
	uint32_t number = RULE_NAMES_NONE;
	size_t i;

	if (!name->data)
		return (struct checked){.depth = 1};
	number = rule_names_find(&load->macro_names, name->data, name->len);
	if (number != RULE_NAMES_NONE)
		return use_macro(load, &load->macros[number], expr->pos);
	for (i = 0; i < load->macro_count && i < 10000; i++)
		rule_suggest_offer(&suggest, load->macros[i].name.data, load->macros[i].name.len);
	complaint.suggestion = suggest.best.data;
	load_say(load, RULE_ERROR, RULE_DIAG_MACRO, expr->pos, &complaint, "no such macro '%.*s'",
			SHOWN(*name));
	return (struct checked){.depth = 1};
}

static struct checked check_program(struct load *load, const struct expr *expr)
{
	const struct rule_text *name = &expr->field.name;
	uint32_t number = rule_names_find(&load->program_names, name->data, name->len);
	struct rule_node node = {.kind = RULE_NODE_PROGRAM, .program = number, .pos = expr->pos};
	struct checked checked = {.nodes = 1, .depth = 1};

	if (number == RULE_NAMES_NONE) {
		load_say(load, RULE_ERROR, RULE_DIAG_REFERENCE, expr->pos, NULL,
				"no such program '%.*s'", SHOWN(*name));
		return checked;
	}
	checked.plain = keep_plain(load, &node);
	checked.lowered = node_make(load, &node);
	return checked;
}

static struct checked check_not(struct load *load, const struct expr *expr)
{
	struct checked checked = check_expr(load, expr->first);

	checked.nodes = add_nodes(checked.nodes, 1);
	checked.depth++;
	if (!checked.lowered)
		return checked;
	checked.lowered = fold_not(load, checked.lowered);
	if (checked.plain)
		checked.plain = node_group(load, RULE_NODE_NOT, &checked.plain, 1, expr->pos);
	return checked;
}

static struct checked join(struct load *load, const struct expr *expr, const struct rule_node **plain,
		const struct rule_node **lowered, struct checked checked)
{
	enum rule_node_kind kind = expr->kind == EXPR_AND ? RULE_NODE_AND : RULE_NODE_OR;

	if (load->options->keep_plain)
		checked.plain = node_group(load, kind, plain, expr->count, expr->pos);
	checked.lowered = fold_group(load, kind, lowered, expr->count, expr->pos);
	return checked;
}

static struct checked check_group(struct load *load, const struct expr *expr)
{
	size_t size = expr->count * sizeof(struct rule_node *);
	const struct rule_node **plain = load_temporary(load, size);
	const struct rule_node **lowered = load_temporary(load, size);
	struct checked checked = {.nodes = 1};
	const struct expr *child;
	bool good = plain && lowered;
	uint32_t i = 0;

	for (child = expr->first; plain && lowered && child; child = child->next) {
		struct checked part = check_expr(load, child);

		good &= part.lowered != NULL;
		plain[i] = part.plain;
		lowered[i++] = part.lowered;
		checked.nodes = add_nodes(checked.nodes, part.nodes);
		if (part.depth > checked.depth)
			checked.depth = part.depth;
	}
	checked.depth++;
	return good ? join(load, expr, plain, lowered, checked) : checked;
}

static struct checked check_expr(struct load *load, const struct expr *expr)
{
	switch (expr->kind) {
	case EXPR_TEST:
		return check_one_test(load, expr);
	case EXPR_NAME:
		return check_name(load, expr);
	case EXPR_PROGRAM:
		return check_program(load, expr);
	case EXPR_NOT:
		return check_not(load, expr);
	default:
		return check_group(load, expr);
	}
}

/* whole: false where something was wrong with its form. */
static struct checked check_whole(struct load *load, const struct expr *expr, bool whole)
{
	struct checked checked = {NULL, NULL, 0, 0};

	/* Too deep is never whole, and not to be walked along. */
	if (!expr || expr->depth > RULE_DEPTH_MAX)
		return checked;
	checked = check_expr(load, expr);
	if (!whole)
		return (struct checked){NULL, NULL, 0, 0};
	if (checked.nodes <= RULE_NODES_MAX && checked.depth <= RULE_DEPTH_MAX)
		return checked;
	load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, expr->pos, NULL,
			checked.nodes > RULE_NODES_MAX
					? "with its macros written out, more than %u tests"
					: "with its macros written out, nested deeper than %u",
			checked.nodes > RULE_NODES_MAX ? RULE_NODES_MAX : RULE_DEPTH_MAX);
	return (struct checked){NULL, NULL, 0, 0};
}

struct checked check_condition(struct load *load, const struct pieces *pieces)
{
	bool whole;
	struct expr *expr = condition_parse(load, pieces, &whole);

	return check_whole(load, expr, whole);
}

struct checked check_rule(struct load *load, const struct draft *draft)
{
	bool whole;
	struct expr *expr = condition_parse(load, &draft->condition, &whole);

	expr = exception_join(load, draft, expr, &whole);
	return check_whole(load, expr, whole);
}

void check_macros(struct load *load)
{
	size_t i;

	for (i = 0; i < load->macro_count && !load->error; i++) {
		if (load->macros[i].progress == PROGRESS_NONE)
			check_macro(load, &load->macros[i]);
		rule_memory_free(&load->temporary);
	}
}
