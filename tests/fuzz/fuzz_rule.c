/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of rules: a set or reasons, and each reason has a place that is there. */
#include "fuzz.h"

#include "rule/rule.h"

static void check_diags(const struct rule_diags *diags)
{
	char text[8192];
	size_t i;

	for (i = 0; i < diags->count; i++) {
		const struct rule_diag *diag = &diags->items[i];

		MUST(*diag->message && diag->code < RULE_DIAG_CODE_COUNT);
		MUST(!diag->line || diag->column);
		MUST(strlen(diag->source) <= RULE_DIAG_LINE_MAX);
		MUST(!diag->line || diag->source_column <= strlen(diag->source) + 1);
		MUST(rule_diag_format(diag, text, sizeof(text)) > 0);
	}
}

static void check_span(struct rule_span span, size_t size)
{
	MUST(span.len && span.start < size && span.len <= size - span.start);
}

static void check_rule(const struct rule_set *set, const struct rule *rule, size_t size)
{
	const struct rule_change *change;
	char text[256];
	uint32_t i;

	MUST(rule->name.len && rule->condition && rule->pos.line);
	MUST((rule->state == RULE_UNSUPPORTED) == (rule->unsupported_count > 0));
	MUST(rule->nodes <= RULE_NODES_MAX);
	check_span(rule->span, size);
	for (change = rule->changes; change; change = change->next)
		check_span(change->span, size);
	rule_node_print(rule->condition, text, sizeof(text));
	rule_node_print(rule->plain, text, sizeof(text));
	for (i = 0; i < rule->target_count; i++)
		MUST(rule->targets[i].kind != RULE_TARGET_GROUP ||
				rule->targets[i].index < set->group_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_options options = {.keep_plain = true};
	struct rule_source source = {"fuzz", (const char *)data, size};
	struct rule_diags diags = {0};
	struct rule_set *set;
	int error = rule_set_parse(&source, 1, &options, &set, &diags);
	uint32_t i;

	MUST(error == 0 || error == -22);
	MUST(!error == !!set && !error == !diags.errors);
	check_diags(&diags);
	for (i = 0; set && i < set->count; i++)
		check_rule(set, &set->rules[i], size);
	rule_set_free(set);
	rule_diags_clear(&diags);
	return 0;
}
