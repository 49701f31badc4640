/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Conditions: refused at a place within them, or a tree that says the same folded and as it was
 * written.
 */
#include "fuzz.h"

#include "support/rule_oracle.h"

static const struct vex_event events[] = {
	{.type = VEX_OPEN, .has = VEX_HAS_PATH | VEX_HAS_FILE | VEX_HAS_COMM, .path = {"/etc/passwd", 11},
			.comm = {"cat", 3}, .mode = 0100644, .flags = 1, .uid = 1000,
			.boundary = VEX_BOUNDARY_KERNEL, .start_ns = 1790000000000000000u},
	{.type = VEX_RENAME, .has = VEX_HAS_PATH | VEX_HAS_PATH2 | VEX_HAS_RANGE, .path = {"/a/b", 4},
			.path2 = {"c", 1}, .result = -2, .size = 4096, .id = {.seq = 7}},
	{.type = VEX_GAP},
};

static void find_regex(const struct rule_node *node, void *data)
{
	*(bool *)data |= node->kind == RULE_NODE_TEST && node->op == RULE_OP_REGEX;
}

/* Regular expressions are left to Hyperscan: what it takes PCRE may call by another name. */
static void compare(const struct rule *rule)
{
	struct oracle *oracle;
	bool regex = false;
	size_t i;

	rule_node_walk(rule->plain, find_regex, &regex);
	if (regex || rule->state == RULE_UNSUPPORTED)
		return;
	oracle = oracle_new(NULL, NULL);
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		MUST(oracle_condition(oracle, rule->plain, &events[i]) ==
				oracle_condition(oracle, rule->condition, &events[i]));
	oracle_free(oracle);
}

/* The condition as a block of YAML, each line of it indented. */
static size_t make_text(const uint8_t *data, size_t size, char *text)
{
	static const char head[] = "- macro: m\n  condition: evt.type = open\n- list: l\n"
				   "  items: [a, b]\n- rule: r\n  condition: |\n   ";
	size_t n = sizeof(head) - 1;
	size_t i;

	memcpy(text, head, n);
	for (i = 0; i < size; i++) {
		text[n++] = (char)data[i];
		if (data[i] == '\n' || data[i] == '\r')
			n += (size_t)sprintf(text + n, "   ");
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_options options = {.keep_plain = true};
	struct rule_diags diags = {0};
	struct rule_source source = {.name = "fuzz"};
	struct rule_set *set;
	char *text = malloc(size * 4 + 256);
	size_t i;

	MUST(text);
	source.len = make_text(data, size, text);
	source.text = text;
	rule_set_parse(&source, 1, &options, &set, &diags);
	for (i = 0; i < diags.count; i++) /* line 4 has the values of the list */
		MUST(diags.items[i].severity == RULE_WARNING || diags.items[i].line >= 4);
	for (i = 0; set && i < set->count; i++)
		compare(&set->rules[i]);
	rule_set_free(set);
	rule_diags_clear(&diags);
	free(text);
	return 0;
}
