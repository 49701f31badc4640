/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/match.h"

#include "rule/match_work.h"

/* Events whose decision is remembered lead to its rules; those of no list are returned. */
static uint64_t look_up(struct rule_worker *worker, unsigned count)
{
	uint64_t missed = 0;
	unsigned i;

	if (!worker->lines)
		return worker->all;
	for (i = 0; i < count; i++)
		match_key(worker, worker->records[i], &worker->key[i]);
	for (i = 0; i < count; i++)
		match_fetch(worker, &worker->key[i]);
	for (i = 0; i < count; i++) {
		struct cache_list *list = match_remembered(worker, &worker->key[i]);

		if (!list) {
			missed |= 1ull << i;
			continue;
		}
		if (!list->events)
			worker->lists[worker->list_count++] = list;
		list->events |= 1ull << i;
	}
	return missed;
}

/* Rules whose cacheable part holds, and the values of their inputs. */
static void decide(struct rule_worker *worker, uint64_t missed)
{
	const struct rule_matcher *matcher = worker->matcher;
	uint64_t events;
	uint32_t index;
	uint32_t i;

	match_find(worker, missed);
	while (match_next(worker, &index, &events)) {
		const struct rule_image_rule *rule = &matcher->rules[index];

		events = match_eval(worker, rule->cacheable, events);
		if (!events)
			continue;
		worker->found[worker->found_count++] =
				(struct rule_hit){.rule = index, .events = events};
		for (i = 0; i < rule->input_count; i++) {
			uint32_t input = matcher->rule_inputs[rule->input_first + i];

			worker->input[input] &= ~events;
			worker->input[input] |= match_eval(worker, matcher->inputs[input], events);
		}
	}
}

/* Marks the rules of a list for its events, and takes the values of their inputs out of it. */
static void spread(struct rule_worker *worker, struct cache_list *list)
{
	const struct rule_matcher *matcher = worker->matcher;
	uint32_t at = 0;

	while (at < list->words) {
		uint32_t index = list->word[at];
		const struct rule_image_rule *rule = &matcher->rules[index];
		const uint32_t *inputs = matcher->rule_inputs + rule->input_first;
		const uint32_t *bits = &list->word[at + 1];
		uint32_t i;

		match_mark(worker, index, list->events);
		for (i = 0; i < rule->input_count; i++) {
			worker->input[inputs[i]] &= ~list->events;
			if (bits[i / 32] >> i % 32 & 1)
				worker->input[inputs[i]] |= list->events;
		}
		at += 1 + (rule->input_count + 31) / 32;
	}
	list->events = 0;
}

struct output {
	uint64_t open; /* events for which no rule with match: first matched yet */
	uint32_t count;
};

static inline void put(struct rule_worker *worker, struct output *output, uint32_t index,
		uint64_t events)
{
	const struct rule_image_rule *rule = &worker->matcher->rules[index];

	events &= output->open;
	if (rule->residual != RULE_IMAGE_NONE)
		events = match_eval(worker, rule->residual, events);
	if (!events)
		return;
	if (rule->first)
		output->open &= ~events;
	worker->hits[output->count++] = (struct rule_hit){.rule = index, .events = events};
}

/* A single list is in order as it is. */
static void put_list(struct rule_worker *worker, struct output *output, struct cache_list *list)
{
	uint64_t events = list->events;
	uint32_t at;

	for (at = 0; at < list->words; at++)
		put(worker, output, list->word[at], events);
	list->events = 0;
}

/* Marks all rules that the burst leads to; the lists are not needed any more. */
static void spread_all(struct rule_worker *worker)
{
	uint32_t i;

	for (i = 0; i < worker->found_count; i++)
		match_mark(worker, worker->found[i].rule, worker->found[i].events);
	for (i = 0; i < worker->list_count; i++)
		spread(worker, worker->lists[i]);
	worker->list_count = 0;
	worker->spread = true;
}

void rule_route(struct rule_worker *worker, const struct vex_record *const *records, unsigned count)
{
	uint64_t missed = 0;

	worker->records = records;
	worker->all = count ? UINT64_MAX >> (RULE_BURST_MAX - count) : 0;
	worker->spread = false;
	if (count)
		missed = look_up(worker, count);
	if (missed)
		decide(worker, missed);
	if (missed && worker->list_count) /* to remember may be to forget all lists */
		spread_all(worker);
	if (missed && worker->lines)
		match_remember(worker, missed);
	worker->counts.events += count;
	worker->counts.cache_hits += count - (unsigned)__builtin_popcountll(missed);
}

static void settle(struct rule_worker *worker, struct output *output)
{
	uint64_t events;
	uint32_t rule;
	uint32_t i;

	if (worker->list_count == 1 && !worker->matcher->image->parts[RULE_PART_RULE_INPUTS].count) {
		worker->list_count = 0;
		put_list(worker, output, worker->lists[0]);
		return;
	}
	if (worker->list_count)
		spread_all(worker);
	if (!worker->spread) {
		for (i = 0; i < worker->found_count; i++)
			put(worker, output, worker->found[i].rule, worker->found[i].events);
		return;
	}
	while (match_next(worker, &rule, &events))
		put(worker, output, rule, events);
}

void match_clean_up(struct rule_worker *worker)
{
	uint64_t columns = worker->matcher->image->parts[RULE_PART_FIELDS].count;
	uint32_t i;

	for (i = 0; i < worker->touched_count; i++)
		worker->memo[worker->touched[i]] = (struct match_memo){0};
	for (i = 0; i < worker->scanned_count; i++)
		worker->scanned[worker->scanned_list[i]] = 0;
	for (i = 0; i < columns; i++)
		worker->columns[i].loaded = worker->columns[i].has = 0;
	worker->touched_count = 0;
	worker->scanned_count = 0;
	worker->found_count = 0;
	worker->decoded = 0;
}

struct rule_hits rule_filter(struct rule_worker *worker)
{
	struct output output = {.open = worker->all};

	settle(worker, &output);
	match_clean_up(worker);
	worker->all = 0;
	return (struct rule_hits){worker->hits, output.count};
}

struct rule_hits rule_match(struct rule_worker *worker, const struct vex_record *const *records,
		unsigned count)
{
	rule_route(worker, records, count);
	return rule_filter(worker);
}

struct rule_worker_counts rule_worker_counts(const struct rule_worker *worker)
{
	return worker->counts;
}
