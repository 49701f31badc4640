/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/event_rule.h"

#include <stdlib.h>

#include "cli/rules.h"
#include "rule/output.h"

#define AGAIN_NS 1000000000u

static struct {
	struct rules_text text;
	uint64_t generation; /* that the text is, or would be, of; 0: none */
	uint64_t asked_ns;
} known;

static void ask(uint32_t version)
{
	rules_text_clear(&known.text);
	known.asked_ns = rules_now_ns();
	known.generation = version;
	version = rules_text_try(&known.text, version);
	if (version)
		known.generation = version;
}

void event_rule_begin(void)
{
	ask(0);
}

const struct rule *event_rule(const struct vex_event *event)
{
	const struct vex_attr_route *route = &event->route;
	const struct rule_set *set;

	if (!(event->has & VEX_HAS_ROUTE) || route->rule == VEX_ROUTE_NO_RULE ||
			route->generation > UINT32_MAX)
		return NULL;
	if (route->generation != known.generation && rules_now_ns() - known.asked_ns >= AGAIN_NS)
		ask((uint32_t)route->generation);
	set = known.text.set;
	if (route->generation != known.generation || !set || route->rule >= set->count)
		return NULL;
	return &set->rules[route->rule];
}

char *event_rule_output(const struct rule *rule, const struct vex_record *record)
{
	char *text = NULL;
	size_t size;
	FILE *out = rule->output.len ? open_memstream(&text, &size) : NULL;

	if (!out)
		return NULL;
	rule_output_print(record, rule->output, out);
	fclose(out);
	if (size > EVENT_OUTPUT_MAX) {
		for (size = EVENT_OUTPUT_MAX; (text[size] & 0xc0) == 0x80; size--)
			;
		text[size] = '\0';
	}
	return text;
}

void event_rule_end(void)
{
	rules_text_clear(&known.text);
}
