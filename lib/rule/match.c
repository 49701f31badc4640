/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/match.h"

#include "rule/match_work.h"

/* Events whose decision is remembered lead to its rules; those of no list are returned. */
static uint64_t look_up(struct rule_worker *worker, unsigned count)
{
	uint32_t lists[RULE_BURST_MAX] __attribute__((aligned(64)));
	uint64_t missed;
	uint64_t left;

	if (!worker->lines)
		return worker->all;
	match_keys(worker, count);
	match_remembered(worker, count, lists);
	missed = worker->numbers->narrow(lists, 0, 0) & worker->all;
	for (left = worker->all & ~missed; left;) {
		uint32_t place = lists[__builtin_ctzll(left)];
		uint64_t events = worker->numbers->narrow(lists, place, 0) & worker->all;

		worker->lists[worker->list_count++] = (struct match_list){
				match_list_at(worker, place), events};
		__builtin_prefetch(worker->arena + place);
		left &= ~events;
	}
	return missed;
}

#define FIRST_PLACES (2 * RULE_BURST_MAX)

static bool same_key(const struct cache_key *a, const struct cache_key *b)
{
	return a->hash == b->hash && a->more == b->more && a->place == b->place;
}

/* The event of this burst that is the first of its key: event itself, or one before it. */
static unsigned first_of_key(const struct rule_worker *worker, uint8_t *first, unsigned event)
{
	unsigned at = worker->key[event].place % FIRST_PLACES;

	for (; first[at]; at = (at + 1) % FIRST_PLACES)
		if (same_key(&worker->key[first[at] - 1], &worker->key[event]))
			return first[at] - 1u;
	first[at] = (uint8_t)(event + 1);
	return event;
}

/* What a decision was made for in this burst already need not be decided again. */
static uint64_t find_followers(struct rule_worker *worker, uint64_t missed)
{
	uint8_t first[FIRST_PLACES] = {0};
	uint64_t followers = 0;
	unsigned i;

	if (!worker->lines)
		return 0;
	EACH_EVENT(i, missed) {
		worker->leader[i] = (uint8_t)first_of_key(worker, first, i);
		followers |= (uint64_t)(worker->leader[i] != i) << i;
	}
	return followers;
}

static uint64_t with_followers(const struct rule_worker *worker, uint64_t events)
{
	unsigned i;

	EACH_EVENT(i, worker->followers)
		events |= (events >> worker->leader[i] & 1) << i;
	return events;
}

/* Whether a rule's cacheable part holds, and the values of its inputs. */
static void decide_rule(struct rule_worker *worker, uint32_t index, uint64_t events)
{
	const struct rule_matcher *matcher = worker->matcher;
	const struct rule_image_rule *rule = &matcher->rules[index];
	uint32_t i;

	events = match_eval(worker, rule->cacheable, events);
	if (!events)
		return;
	worker->found[worker->found_count++] = (struct rule_hit){
			.rule = index, .events = with_followers(worker, events)};
	for (i = 0; i < rule->input_count; i++) {
		uint32_t input = matcher->rule_inputs[rule->input_first + i];

		worker->input[input] &= ~with_followers(worker, events);
		worker->input[input] |= with_followers(worker,
				match_eval(worker, matcher->inputs[input], events));
	}
}

static void decide(struct rule_worker *worker, uint64_t missed)
{
	uint64_t rules;
	uint32_t first;
	unsigned i;

	match_find(worker, missed);
	while (match_next(worker, &first, &rules))
		EACH_EVENT(i, rules)
			decide_rule(worker, first + i, match_take_mark(worker, first + i));
}

/* The inputs' values, which stand behind the rule in a list. */
static void spread_inputs(struct rule_worker *worker, uint32_t rule, const uint32_t *bits,
		uint64_t events)
{
	const struct rule_matcher *matcher = worker->matcher;
	const uint32_t *inputs = matcher->rule_inputs + matcher->rules[rule].input_first;
	uint32_t i;

	for (i = 0; i < matcher->briefs[rule].inputs; i++) {
		worker->input[inputs[i]] &= ~events;
		if (bits[i / 32] >> i % 32 & 1)
			worker->input[inputs[i]] |= events;
	}
}

/* Marks the rules of a list for its events, and takes the values of their inputs out of it. */
static void spread(struct rule_worker *worker, const struct cache_list *list, uint64_t events)
{
	const struct match_brief *briefs = worker->matcher->briefs;
	const uint32_t *at = list->word;
	const uint32_t *end = at + list->words;

	while (at < end) {
		uint32_t rule = *at++;
		uint32_t inputs = briefs[rule].inputs;

		match_mark(worker, rule, events);
		if (inputs) {
			spread_inputs(worker, rule, at, events);
			at += (inputs + 31) / 32;
		}
	}
}

struct output {
	uint64_t open; /* events for which no rule with match: first matched yet */
	uint32_t count;
};

static inline void put(struct rule_worker *worker, struct output *output, uint32_t index,
		uint64_t events)
{
	const struct match_brief *rule = &worker->matcher->briefs[index];

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
static void put_list(struct rule_worker *worker, struct output *output,
		const struct match_list *from)
{
	uint32_t at;

	for (at = 0; at < from->list->words; at++)
		put(worker, output, from->list->word[at], from->events);
}

/* Marks all rules that the burst leads to; the lists are not needed any more. */
static void spread_all(struct rule_worker *worker)
{
	uint32_t i;

	for (i = 0; i < worker->found_count; i++)
		match_mark(worker, worker->found[i].rule, worker->found[i].events);
	for (i = 0; i < worker->list_count; i++)
		spread(worker, worker->lists[i].list, worker->lists[i].events);
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
	worker->followers = find_followers(worker, missed);
	missed &= ~worker->followers;
	if (missed)
		decide(worker, missed);
	if (missed && worker->list_count && match_may_forget(worker))
		spread_all(worker);
	if (missed && worker->lines)
		match_remember(worker, missed);
	worker->counts.events += count;
	worker->counts.cache_hits += count - (unsigned)__builtin_popcountll(missed);
}

static void put_marked(struct rule_worker *worker, struct output *output)
{
	uint64_t rules;
	uint32_t first;
	unsigned i;

	while (match_next(worker, &first, &rules))
		EACH_EVENT(i, rules)
			put(worker, output, first + i, match_take_mark(worker, first + i));
}

static void settle(struct rule_worker *worker, struct output *output)
{
	uint32_t i;

	if (worker->list_count == 1 && !worker->found_count &&
			!worker->matcher->image->parts[RULE_PART_RULE_INPUTS].count) {
		worker->list_count = 0;
		put_list(worker, output, &worker->lists[0]);
		return;
	}
	if (worker->list_count)
		spread_all(worker);
	if (worker->spread)
		put_marked(worker, output);
	for (i = 0; !worker->spread && i < worker->found_count; i++)
		put(worker, output, worker->found[i].rule, worker->found[i].events);
}

static void forget_columns(struct rule_worker *worker)
{
	unsigned i;

	EACH_EVENT(i, worker->loaded) {
		struct match_column *column = &worker->columns[i];

		column->loaded = column->has = column->any = 0;
	}
	EACH_EVENT(i, worker->placed)
		worker->places[i].known = worker->places[i].has = 0;
	worker->loaded = 0;
	worker->placed = 0;
}

void match_clean_up(struct rule_worker *worker)
{
	uint32_t i;

	for (i = 0; i < worker->touched_count; i++)
		worker->memo[worker->touched[i]] = (struct match_memo){0};
	for (i = 0; i < worker->scanned_count; i++)
		worker->scanned[worker->scanned_list[i]] = 0;
	forget_columns(worker);
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

struct rule_outcome rule_filter_decided(struct rule_worker *worker)
{
	uint32_t count = match_set_apart(worker);

	return (struct rule_outcome){rule_filter(worker), worker->decided, count};
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
