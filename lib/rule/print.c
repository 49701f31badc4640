/* SPDX-License-Identifier: BSD-3-Clause */
/* Trees as text, and walks along them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rule/quote.h"
#include "rule/rule.h"

void rule_node_walk(const struct rule_node *node,
		void (*visit)(const struct rule_node *node, void *data), void *data)
{
	uint32_t i;

	visit(node, data);
	if (node->kind != RULE_NODE_AND && node->kind != RULE_NODE_OR && node->kind != RULE_NODE_NOT)
		return;
	for (i = 0; i < node->count; i++)
		rule_node_walk(node->children[i], visit, data);
}

struct out {
	char *at;
	size_t cap;
	size_t len;
	const struct rule_set *set; /* whose programs have names; or NULL */
};

static void put(struct out *out, const char *text, size_t len)
{
	size_t left = out->len + 1 < out->cap ? out->cap - 1 - out->len : 0;

	if (left)
		memcpy(out->at + out->len, text, len < left ? len : left);
	out->len += len;
}

static void puts_to(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

/* A bare word in a list could be the name of a list. */
static void put_word(struct out *out, const struct rule_text *text, bool bare)
{
	char escape[8];
	size_t i;

	if (bare && quote_is_bare(text)) {
		put(out, text->data, text->len);
		return;
	}
	puts_to(out, "\"");
	for (i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];

		if (c < ' ' || c >= 0x7f)
			snprintf(escape, sizeof(escape), "\\x%02x", c);
		else
			snprintf(escape, sizeof(escape), "%s%c", c == '"' || c == '\\' ? "\\" : "", c);
		puts_to(out, escape);
	}
	puts_to(out, "\"");
}

static void put_value(struct out *out, const struct rule_node *test, const union rule_value *value)
{
	enum rule_type type = rule_fields[test->field].type;
	char number[32];

	if (type == RULE_STRING || type == RULE_PATH || type == RULE_STRINGS) {
		put_word(out, &value->text, rule_ops[test->op].values == RULE_VALUES_ONE);
		return;
	}
	if (type == RULE_BOOL)
		snprintf(number, sizeof(number), "%s", value->number ? "true" : "false");
	else if (type == RULE_SIGNED)
		snprintf(number, sizeof(number), "%" PRId64, value->integer);
	else
		snprintf(number, sizeof(number), "%" PRIu64, value->number);
	puts_to(out, number);
}

static void put_words(struct out *out, const struct rule_node *test)
{
	struct rule_words words = *test->test.words;
	bool inverted = test->field == RULE_FIELD_EVT_RES && rule_words_has(&words, RULE_RES_OTHER);
	bool first = true;
	unsigned value;

	if (inverted)
		rule_words_invert(test->field, &words);
	puts_to(out, inverted ? "not " : "");
	puts_to(out, rule_fields[test->field].name);
	puts_to(out, " in (");
	for (value = 0; value < 256; value++) {
		if (!rule_words_has(&words, value) || !rule_word_name(test->field, value))
			continue;
		puts_to(out, first ? "" : ", ");
		puts_to(out, rule_word_name(test->field, value));
		first = false;
	}
	puts_to(out, ")");
}

static void put_bits(struct out *out, const struct rule_node *test)
{
	char text[64];

	snprintf(text, sizeof(text), "%s&0%o=0%o", rule_fields[test->field].name,
			test->test.values->bits.mask, test->test.values->bits.want);
	puts_to(out, text);
}

static void put_test(struct out *out, const struct rule_node *test)
{
	bool list = rule_ops[test->op].values == RULE_VALUES_LIST;
	uint32_t i;

	if (test->test.words) {
		put_words(out, test);
		return;
	}
	if (test->op == RULE_OP_BITS) {
		put_bits(out, test);
		return;
	}
	puts_to(out, rule_fields[test->field].name);
	if (test->field == RULE_FIELD_ATTR) {
		puts_to(out, "[");
		put_word(out, &test->test.argument, true);
		puts_to(out, "]");
	}
	puts_to(out, " ");
	puts_to(out, rule_ops[test->op].name);
	puts_to(out, list ? " (" : test->count ? " " : "");
	for (i = 0; i < test->count; i++) {
		puts_to(out, i ? ", " : "");
		put_value(out, test, &test->test.values[i]);
	}
	puts_to(out, list ? ")" : "");
}

static void put_node(struct out *out, const struct rule_node *node, enum rule_node_kind within);

static void put_group(struct out *out, const struct rule_node *node, enum rule_node_kind within)
{
	bool parentheses = within == RULE_NODE_NOT ||
			(within == RULE_NODE_AND && node->kind == RULE_NODE_OR);
	uint32_t i;

	puts_to(out, parentheses ? "(" : "");
	for (i = 0; i < node->count; i++) {
		puts_to(out, !i ? "" : node->kind == RULE_NODE_AND ? " and " : " or ");
		put_node(out, node->children[i], node->kind);
	}
	puts_to(out, parentheses ? ")" : "");
}

static void put_program(struct out *out, uint32_t program)
{
	char number[32];

	puts_to(out, "program[");
	if (out->set) {
		put_word(out, &out->set->programs[program].name, false);
	} else {
		snprintf(number, sizeof(number), "%u", program);
		puts_to(out, number);
	}
	puts_to(out, "]");
}

static void put_node(struct out *out, const struct rule_node *node, enum rule_node_kind within)
{
	switch (node->kind) {
	case RULE_NODE_TRUE:
	case RULE_NODE_FALSE:
		puts_to(out, node->kind == RULE_NODE_TRUE ? "true" : "false");
		break;
	case RULE_NODE_AND:
	case RULE_NODE_OR:
		put_group(out, node, within);
		break;
	case RULE_NODE_NOT:
		puts_to(out, "not ");
		put_node(out, node->children[0], RULE_NODE_NOT);
		break;
	case RULE_NODE_TEST:
		put_test(out, node);
		break;
	case RULE_NODE_PROGRAM:
		put_program(out, node->program);
		break;
	default:
		put(out, node->unsupported.name.data, node->unsupported.name.len);
		puts_to(out, "?");
		break;
	}
}

size_t rule_node_print_named(const struct rule_set *set, const struct rule_node *node, char *text,
		size_t cap)
{
	struct out out = {.at = text, .cap = cap, .set = set};

	put_node(&out, node, RULE_NODE_TRUE);
	if (cap)
		text[out.len < cap ? out.len : cap - 1] = '\0';
	return out.len;
}

size_t rule_node_print(const struct rule_node *node, char *text, size_t cap)
{
	return rule_node_print_named(NULL, node, text, cap);
}
