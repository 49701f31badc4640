/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_decided.h"

#include "rule/rule.h"
#include "support/unit.h"

void rule_decided_tell(uint32_t rule, uint64_t events, uint64_t last_ns, void *data)
{
	struct rule_decided_check *check = data;

	CU_ASSERT_FATAL(rule < RULE_DECIDED_MAX);
	CU_ASSERT(events > 0);
	CU_ASSERT(last_ns <= check->now_ns);
	check->told[rule] += events;
}

/* What it says of its rules, by looking at each of them. */
static void check_decision(const struct rule_decision *decision, const struct rule_image *image)
{
	const struct rule_image_rule *rules = rule_image_part(image, RULE_PART_RULES);
	const struct rule_image_rule *best = NULL;
	uint8_t qos = RULE_QOS_LOW;
	bool routed = false;

	for (uint32_t i = 0; i < decision->count; i++) {
		const struct rule_image_rule *rule = &rules[decision->rules[i]];

		CU_ASSERT(!i || decision->rules[i - 1] < decision->rules[i]);
		CU_ASSERT(rule->residual == RULE_IMAGE_NONE && !rule->first);
		CU_ASSERT(rule->limit == RULE_IMAGE_NONE && !rule->redact_count);
		best = best && best->priority <= rule->priority ? best : rule;
		qos = rule->qos < qos ? rule->qos : qos;
		routed |= rule->target_count > 0;
	}
	CU_ASSERT_EQUAL(decision->matched, decision->count);
	CU_ASSERT_EQUAL(decision->routed, routed);
	CU_ASSERT_EQUAL(decision->qos, best ? qos : RULE_QOS_NORMAL);
	CU_ASSERT_EQUAL(decision->rule, best ? (uint32_t)(best - rules) : UINT32_MAX);
	CU_ASSERT_EQUAL(decision->priority, best ? best->priority : UINT8_MAX);
	CU_ASSERT_EQUAL(decision->fingerprint, best ? best->fingerprint : 0);
}

/* Adds the decisions' rules to those that hit. Each event is in one of them at most. */
static void add_decided(struct rule_decided_check *check, const struct rule_outcome *outcome,
		const struct rule_image *image, uint64_t *events)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < outcome->hits.count; i++)
		seen |= outcome->hits.hits[i].events;
	for (uint32_t i = 0; i < outcome->decided_count; i++) {
		const struct rule_decided *decided = &outcome->decided[i];

		CU_ASSERT(decided->events && !(decided->events & seen));
		seen |= decided->events;
		check_decision(decided->decision, image);
		for (uint32_t k = 0; k < decided->decision->count; k++) {
			uint32_t rule = decided->decision->rules[k];

			events[rule] |= decided->events;
			check->met[rule] += (uint64_t)__builtin_popcountll(decided->events);
		}
	}
	check->decisions += outcome->decided_count;
}

struct rule_hits rule_decided_match(struct rule_decided_check *check, struct rule_worker *worker,
		const struct rule_image *image, const struct vex_record *const *records,
		unsigned count)
{
	static struct rule_hit all[RULE_DECIDED_MAX];
	uint64_t events[RULE_DECIDED_MAX] = {0};
	struct rule_outcome outcome;
	uint32_t hits = 0;

	CU_ASSERT_FATAL(image->parts[RULE_PART_RULES].count <= RULE_DECIDED_MAX);
	rule_route(worker, records, count);
	outcome = rule_filter_decided(worker);
	for (uint32_t i = 0; i < outcome.hits.count; i++)
		events[outcome.hits.hits[i].rule] = outcome.hits.hits[i].events;
	add_decided(check, &outcome, image, events);
	rule_count(worker, outcome, UINT64_MAX, ++check->now_ns);
	rule_tell_counted(worker, check->now_ns, 3, 2);
	for (uint32_t i = 0; i < RULE_DECIDED_MAX; i++)
		if (events[i])
			all[hits++] = (struct rule_hit){.rule = i, .events = events[i]};
	return (struct rule_hits){all, hits};
}

void rule_decided_end(struct rule_decided_check *check, struct rule_worker *worker)
{
	CU_ASSERT_FALSE(rule_tell_counted(worker, 0, 0, UINT32_MAX));
	for (uint32_t i = 0; i < RULE_DECIDED_MAX; i++)
		CU_ASSERT_EQUAL(check->told[i], check->met[i]);
	*check = (struct rule_decided_check){.decisions = check->decisions};
}
