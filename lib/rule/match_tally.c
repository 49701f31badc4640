/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the rules of a decision come to, and how often it was met. An event costs one counter of its
 * decision instead of one of each of its rules, which are told later.
 */
#include "rule/match_work.h"

static bool is_settled(const struct rule_image_rule *rule)
{
	return rule->residual == RULE_IMAGE_NONE && !rule->input_count && !rule->first &&
			rule->limit == RULE_IMAGE_NONE && !rule->redact_count;
}

/* Where a rule has inputs these stand between it and the next one: so it is found by the first. */
static bool all_settled(const struct rule_matcher *matcher, const struct cache_list *list)
{
	uint32_t i;

	for (i = 0; i < list->words; i++)
		if (!is_settled(&matcher->rules[list->word[i]]))
			return false;
	return true;
}

static void add_rule(struct rule_decision *decision, const struct rule_image_rule *rule, uint32_t index)
{
	if (index == decision->rules[0] || rule->priority < decision->priority) {
		decision->rule = index;
		decision->priority = rule->priority;
		decision->fingerprint = rule->fingerprint;
	}
	if (index == decision->rules[0] || rule->qos < decision->qos)
		decision->qos = rule->qos;
	decision->routed |= rule->target_count != 0;
}

void match_conclude(const struct rule_matcher *matcher, struct cache_list *list)
{
	struct rule_decision *decision = &list->decision;
	uint32_t i;

	list->whole = all_settled(matcher, list);
	if (!list->whole)
		return;
	*decision = (struct rule_decision){.rules = list->word, .count = list->words,
			.rule = UINT32_MAX, .qos = RULE_QOS_NORMAL, .priority = UINT8_MAX,
			.matched = list->words < UINT16_MAX ? (uint16_t)list->words : UINT16_MAX};
	for (i = 0; i < list->words; i++)
		add_rule(decision, &matcher->rules[list->word[i]], list->word[i]);
}

uint32_t match_set_apart(struct rule_worker *worker)
{
	uint32_t whole = 0, rest = 0;
	uint32_t i;

	for (i = 0; i < worker->list_count; i++) {
		struct match_list *from = &worker->lists[i];

		if (from->list->whole)
			worker->decided[whole++] = (struct rule_decided){&from->list->decision,
					from->events};
		else
			worker->lists[rest++] = *from;
	}
	worker->list_count = rest;
	return whole;
}

static void tell(struct rule_worker *worker, struct cache_list *list)
{
	uint32_t i;

	for (i = 0; worker->tell && i < list->words; i++)
		worker->tell(list->word[i], list->tally.events, list->tally.last_ns,
				worker->tell_data);
	list->tally.events = 0;
}

static struct cache_list *list_of(const struct rule_decision *decision)
{
	return (struct cache_list *)((uintptr_t)decision - offsetof(struct cache_list, decision));
}

void rule_count(struct rule_worker *worker, struct rule_outcome outcome, uint64_t events,
		uint64_t now_ns)
{
	uint32_t i;

	for (i = 0; i < outcome.decided_count; i++) {
		struct cache_list *list = list_of(outcome.decided[i].decision);
		uint64_t count = (uint64_t)__builtin_popcountll(outcome.decided[i].events & events);

		if (!list->tally.events && count) {
			list->tally.first_ns = now_ns;
			worker->counting[worker->counting_head++ % MATCH_NAMES] =
					(uint32_t)((uint8_t *)list - worker->arena);
		}
		list->tally.events += count;
		list->tally.last_ns = now_ns;
	}
}

bool rule_tell_counted(struct rule_worker *worker, uint64_t now_ns, uint64_t age_ns, unsigned most)
{
	for (; worker->counting_tail != worker->counting_head; worker->counting_tail++) {
		struct cache_list *list = match_list_at(worker,
				worker->counting[worker->counting_tail % MATCH_NAMES]);

		if (!most-- || now_ns - list->tally.first_ns < age_ns)
			return true;
		tell(worker, list);
	}
	return false;
}
