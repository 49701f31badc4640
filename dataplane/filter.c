/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Filter: decides who is to get each event, and why nobody is: by the rules that matched, their
 * limits, and each subscriber's own filter, which is applied on top of everything. Without a rule
 * set everyone gets what he asked for. docs/rules.md tells what is decided here.
 */
#include "dataplane/stage.h"

#include "base/clock.h"

/* Where events never pause, rules are told after this time what was counted for them. */
#define COUNTED_NS 10000000u
#define COUNTED_A_BURST 8u /* decisions; more would be felt */

/* -- without rules -- */

static void lead_by_default(const struct plan *plan, struct burst *burst)
{
	uint64_t reverse = plan->subscribers & ~plan->defaults;

	burst_ask(plan, burst, burst->wanted);
	burst->of_class[VEX_CLASS_NORMAL] = burst_all(burst);
	if (VEX_LIKELY(!reverse))
		return;
	for (; reverse; reverse &= reverse - 1)
		burst->wanted[__builtin_ctzll(reverse)] &= burst->gaps;
}

/* -- what one rule that matched makes of its events -- */

/* An event tells of one suppression that it ends: of the rule of highest priority. */
static __attribute__((noinline)) void note_told(struct trial *trial, uint32_t index, uint32_t event,
		struct vex_attr_suppressed told)
{
	const struct rule_image_rule *rules = trial->rules->set->rules;
	struct vex_attr_suppressed *kept = &trial->suppressed[event];
	bool is_first = !(trial->told >> event & 1);
	struct vex_attr_suppressed other = is_first ? (struct vex_attr_suppressed){0} : *kept;

	trial->told |= 1ull << event;
	if (is_first || rules[index].priority < rules[trial->suppressor[event]].priority) {
		trial->suppressor[event] = index;
		*kept = told;
	} else {
		other = told;
	}
	rule_limits_leave_untold(trial->rules->limits, other.count);
}

/* Nobody gets these events. */
static __attribute__((noinline)) void leave_untold(struct trial *trial, uint64_t events)
{
	for (; events; events &= events - 1)
		rule_limits_leave_untold(trial->rules->limits,
				trial->suppressed[__builtin_ctzll(events)].count);
}

static enum rule_limit_verdict ask_limit(struct trial *trial, uint32_t index, uint32_t event)
{
	const struct ruleset *set = trial->rules->set;
	struct vex_attr_suppressed told;
	struct rule_limit_untold untold;
	enum rule_limit_verdict verdict = rule_limit_ask(trial->rules->limits, set->states[index],
			&set->limits[set->rules[index].limit], &set->reader,
			trial->burst->record[event], trial->now_ns, &told, &untold);

	if (VEX_UNLIKELY(untold.key != 0))
		summary_keep(trial->worker, trial->burst, event, set->states[index], &untold);
	if (VEX_UNLIKELY(told.count != 0))
		note_told(trial, index, event, told);
	return verdict;
}

/* Those of its events that a rule leads on, this time. */
static uint64_t limit(struct trial *trial, uint32_t index, uint64_t events)
{
	uint64_t pass = events;

	if (VEX_LIKELY(trial->rules->set->rules[index].limit == RULE_IMAGE_NONE))
		return events;
	for (uint64_t left = events; left; left &= left - 1) {
		uint64_t bit = left & -left;
		enum rule_limit_verdict verdict = ask_limit(trial, index,
				(uint32_t)__builtin_ctzll(left));

		if (verdict == RULE_LIMIT_PASS)
			continue;
		pass &= ~bit;
		trial->held_for[verdict] |= bit & ~trial->held;
		trial->held |= bit;
	}
	return pass;
}

static void lead_to_all(struct burst *burst, uint64_t who, uint64_t events)
{
	for (; who; who &= who - 1)
		burst->wanted[__builtin_ctzll(who)] |= events;
}

static void lead_to_group(struct trial *trial, uint32_t group, uint64_t events)
{
	struct rules_worker *rules = trial->rules;

	if (events && !rules->group_events[group])
		rules->group_hits[trial->burst->group_hit_count++].group = group;
	rules->group_events[group] |= events;
}

static void lead(struct trial *trial, const struct rule_image_rule *rule, uint64_t events)
{
	const struct ruleset *set = trial->rules->set;

	for (uint32_t i = 0; i < rule->target_count; i++) {
		const struct rules_destination *to =
				&set->destinations[set->targets[rule->target_first + i]];

		switch (to->kind) {
		case RULE_TARGET_SUBSCRIBER:
			lead_to_all(trial->burst, trial->plan->named[to->index], events);
			break;
		case RULE_TARGET_BOUNDARY:
			lead_to_all(trial->burst, trial->plan->of_boundary[to->index], events);
			break;
		case RULE_TARGET_GROUP:
			lead_to_group(trial, to->index, events);
			break;
		default:
			trial->dropped |= events;
		}
	}
}

/* One more for each of these, all at once: a rule matches many events, and an event many rules. */
static inline void count_up(struct trial *trial, uint64_t events)
{
	uint64_t carry = events;
	unsigned digit;

	for (digit = 0; carry && digit < trial->digits; digit++) {
		uint64_t both = trial->count[digit] & carry;

		trial->count[digit] ^= carry;
		carry = both;
	}
	if (carry && digit < TRIAL_DIGITS) {
		trial->count[trial->digits++] = carry;
		return;
	}
	while (VEX_UNLIKELY(carry && digit)) /* no more than can be told */
		trial->count[--digit] |= carry;
}

/* Takes events over from rules of a lower priority, which were looked at before; returns them. */
static __attribute__((noinline)) uint64_t outrank(struct trial *trial, uint8_t priority,
		uint64_t events)
{
	uint64_t taken = 0;

	for (uint32_t i = trial->teller_count; i--;) {
		struct trial_teller *teller = &trial->teller[i];

		if (trial->rules->set->rules[teller->rule].priority <= priority)
			continue;
		taken |= teller->events & events;
		teller->events &= ~events;
		if (!teller->events)
			*teller = trial->teller[--trial->teller_count];
	}
	return taken;
}

static inline void note_match(struct trial *trial, uint32_t index, uint64_t events)
{
	uint8_t priority = trial->rules->set->rules[index].priority;
	uint64_t fresh = events & ~trial->matched;

	if (VEX_UNLIKELY(priority < trial->weakest && fresh != events))
		fresh |= outrank(trial, priority, events & trial->matched);
	trial->weakest = priority > trial->weakest ? priority : trial->weakest;
	trial->teller[trial->teller_count] = (struct trial_teller){index, fresh};
	trial->teller_count += fresh != 0;
	count_up(trial, events);
	trial->matched |= events;
}

static void judge(struct trial *trial, uint32_t index, uint64_t events)
{
	const struct ruleset *set = trial->rules->set;
	const struct rule_image_rule *rule = &set->rules[index];
	struct vex_rule_stat *stat = &trial->rules->stats[set->slots[index]];
	uint64_t pass = limit(trial, index, events);
	uint64_t held = events & ~pass;

	note_match(trial, index, events);
	trial->burst->of_class[rule->qos] |= events;
	if (VEX_UNLIKELY(rule->redact_count))
		trial->redacted |= events;
	if (rule->target_count) {
		lead(trial, rule, pass);
		trial->held_routed |= held;
	} else {
		trial->plain |= events;
		trial->passed |= pass;
	}
	stat->matched += (uint64_t)__builtin_popcountll(events);
	stat->routed += (uint64_t)__builtin_popcountll(pass);
	stat->limited += (uint64_t)__builtin_popcountll(held);
	stat->last_ns = trial->now_ns;
}

/* The same of all rules that matched, where it is known what they come to. */
static void judge_decided(struct trial *trial, const struct rule_decided *decided)
{
	const struct rule_decision *decision = decided->decision;
	const struct rule_image_rule *rules = trial->rules->set->rules;
	uint64_t events = decided->events & trial->open;

	trial->decided |= events;
	trial->matched_whole |= decision->count ? events : 0;
	trial->burst->of_class[decision->qos] |= events;
	for (uint32_t i = 0; VEX_UNLIKELY(decision->routed) && i < decision->count; i++)
		lead(trial, &rules[decision->rules[i]], events);
}

/* -- all rules together -- */

/* The most urgent class of the rules that matched; normal where none did. */
static void settle_classes(const struct trial *trial, struct burst *burst)
{
	uint64_t left = burst_all(burst);

	for (unsigned i = 0; i < VEX_CLASS_COUNT; i++) {
		burst->of_class[i] &= left;
		left &= ~burst->of_class[i];
	}
	burst->of_class[VEX_CLASS_NORMAL] |= left;
	for (unsigned i = 0; i < VEX_CLASS_LOW; i++)
		burst->of_class[i] &= ~trial->quota.demoted;
	burst->of_class[VEX_CLASS_LOW] |= trial->quota.demoted;
}

static void settle_groups(struct trial *trial)
{
	struct burst *burst = trial->burst;
	uint64_t *events = trial->rules->group_events;

	for (uint32_t i = 0; i < burst->group_hit_count; i++) {
		struct group_hit *hit = &burst->group_hits[i];

		hit->events = events[hit->group] & ~trial->dropped;
		events[hit->group] = 0;
	}
}

/* Leaves of what rules lead to each subscriber what he asked for. Returns what anybody is to get. */
static uint64_t settle_subscribers(struct trial *trial, const uint64_t *asked, uint64_t by_default)
{
	const struct plan *plan = trial->plan;
	struct burst *burst = trial->burst;
	uint64_t any = 0;

	for (uint64_t left = plan->subscribers; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint64_t led = plan->defaults >> i & 1 ? by_default : burst->wanted[i];

		burst->wanted[i] = asked[i] & ((led & ~trial->dropped) | burst->gaps);
		any |= burst->wanted[i];
	}
	for (uint32_t i = 0; i < burst->group_hit_count; i++)
		any |= burst->group_hits[i].events;
	return any;
}

/* What nobody gets because it was held back: not what nobody had asked for anyway. */
static void name_drops(struct trial *trial, const uint64_t *asked, uint64_t kept_back, uint64_t any)
{
	static const enum vex_drop drops[RULE_LIMIT_RATE + 1] = {
			[RULE_LIMIT_SAMPLED] = VEX_DROP_SAMPLED,
			[RULE_LIMIT_SUPPRESSED] = VEX_DROP_SUPPRESSED,
			[RULE_LIMIT_RATE] = VEX_DROP_RATE_LIMITED,
	};
	uint64_t asked_for = 0, lost;

	for (uint64_t left = trial->plan->defaults; left; left &= left - 1)
		asked_for |= asked[__builtin_ctzll(left)];
	lost = ((kept_back & asked_for) | trial->held_routed) & ~any & ~trial->dropped;
	for (unsigned i = RULE_LIMIT_SAMPLED; i <= RULE_LIMIT_RATE; i++)
		trial->burst->dropped[drops[i]] = trial->held_for[i] & lost;
	trial->burst->dropped[VEX_DROP_RULE_DROP] = trial->dropped;
}

static uint64_t settle(struct trial *trial)
{
	uint64_t asked[VEX_SUBSCRIBERS_MAX], any;
	uint64_t kept_back = trial->plain & ~trial->passed;

	burst_ask(trial->plan, trial->burst, asked);
	settle_classes(trial, trial->burst);
	settle_groups(trial);
	any = settle_subscribers(trial, asked, trial->open & ~kept_back);
	if (VEX_UNLIKELY(trial->held | trial->dropped))
		name_drops(trial, asked, kept_back, any);
	if (VEX_UNLIKELY(trial->told & ~any))
		leave_untold(trial, trial->told & ~any);
	return any;
}

static void count(struct worker *worker, struct trial *trial)
{
	struct rules_worker *rules = trial->rules;
	struct rule_worker_counts counts = rule_worker_counts(rules->matching);

	worker->stat->cache_hits += counts.cache_hits - rules->counted.cache_hits;
	worker->stat->cache_flushes += counts.cache_flushes - rules->counted.cache_flushes;
	worker->stat->matched +=
			(uint64_t)__builtin_popcountll(trial->matched | trial->matched_whole);
	rules->counted = counts;
}

static inline void open_trial(struct trial *trial, struct worker *worker, struct burst *burst)
{
	memset(trial, 0, offsetof(struct trial, count));
	trial->worker = worker;
	trial->rules = worker->plan->rules;
	trial->plan = worker->plan;
	trial->burst = burst;
	burst->group_hits = trial->rules->group_hits;
}

static void lead_by_rules(struct worker *worker, struct burst *burst)
{
	struct rules_worker *rules = worker->plan->rules;
	struct rule_outcome outcome = rule_filter_decided(rules->matching);
	struct rule_hits hits = outcome.hits;
	struct trial trial;

	open_trial(&trial, worker, burst);
	trial.now_ns = vex_clock_now();
	trial.open = burst_all(burst) & ~burst->gaps;
	if (VEX_UNLIKELY(rules->set->quotas != NULL))
		trial.quota = quota_ask(worker, burst, trial.open);
	trial.open &= ~trial.quota.dropped;
	burst->dropped[VEX_DROP_QUOTA] = trial.quota.dropped;
	for (uint32_t i = 0; i < hits.count; i++)
		if (hits.hits[i].events & trial.open)
			judge(&trial, hits.hits[i].rule, hits.hits[i].events & trial.open);
	for (uint32_t i = 0; i < outcome.decided_count; i++)
		judge_decided(&trial, &outcome.decided[i]);
	trial_rewrite(worker, &trial, &outcome, settle(&trial));
	rule_count(rules->matching, outcome, trial.open, trial.now_ns);
	rule_tell_counted(rules->matching, trial.now_ns, COUNTED_NS, COUNTED_A_BURST);
	count(worker, &trial);
}

static void open_burst(const struct plan *plan, struct burst *burst)
{
	burst->judged = plan->rules != NULL;
	if (VEX_UNLIKELY(burst->judged))
		memset(burst->dropped, 0, sizeof(burst->dropped));
	memset(burst->of_class, 0, sizeof(burst->of_class));
	burst->group_hit_count = 0;
	for (uint64_t left = plan->subscribers; left; left &= left - 1)
		burst->wanted[__builtin_ctzll(left)] = 0;
}

void stage_filter(struct worker *worker, struct burst *burst)
{
	const struct plan *plan = worker->plan;

	open_burst(plan, burst);
	if (VEX_UNLIKELY(!burst->count))
		return;
	if (VEX_UNLIKELY(plan->rules != NULL))
		lead_by_rules(worker, burst);
	else
		lead_by_default(plan, burst);
}

/* -- a summary, of one rule -- */

static uint32_t find_rule(const struct ruleset *set, struct rule_hits hits, uint64_t state)
{
	for (uint32_t i = 0; i < hits.count; i++)
		if (set->states[hits.hits[i].rule] == state)
			return hits.hits[i].rule;
	return RULE_IMAGE_NONE;
}

static bool drops(const struct ruleset *set, const struct rule_image_rule *rule)
{
	for (uint32_t i = 0; i < rule->target_count; i++)
		if (set->destinations[set->targets[rule->target_first + i]].kind == RULE_TARGET_DROP)
			return true;
	return false;
}

/* Another rule drops all like it, or leads all like it to where this one would. */
static bool is_overruled(const struct ruleset *set, struct rule_hits hits, uint32_t index)
{
	bool plain = !set->rules[index].target_count;

	for (uint32_t i = 0; i < hits.count; i++) {
		const struct rule_image_rule *rule = &set->rules[hits.hits[i].rule];

		if (drops(set, rule) || (plain && !rule->target_count &&
				rule->limit == RULE_IMAGE_NONE))
			return true;
	}
	return false;
}

/* By this rule alone; but what any of those that matched redacts is redacted. */
static void lead_by_rule(struct trial *trial, struct rule_hits hits, uint32_t index)
{
	const struct rule_image_rule *rule = &trial->rules->set->rules[index];

	trial->open = trial->matched = trial->told = 1;
	trial->teller[trial->teller_count++] = (struct trial_teller){index, 1};
	trial->burst->of_class[rule->qos] = 1;
	lead(trial, rule, 1);
	trial->plain = rule->target_count != 0; /* not for those who get what is led nowhere else */
	for (uint32_t i = 0; i < hits.count; i++)
		trial->redacted |= trial->rules->set->rules[hits.hits[i].rule].redact_count != 0;
	trial_rewrite(trial->worker, trial, &(struct rule_outcome){.hits = hits}, settle(trial));
}

bool filter_summary(struct worker *worker, struct burst *burst, const struct summary *summary)
{
	struct rules_worker *rules = worker->plan->rules;
	struct rule_hits hits = rule_filter(rules->matching);
	uint32_t index = find_rule(rules->set, hits, summary->state);
	struct trial trial;

	if (index == RULE_IMAGE_NONE || is_overruled(rules->set, hits, index))
		return false;
	open_burst(worker->plan, burst);
	open_trial(&trial, worker, burst);
	trial.suppressed[0] = rule_limit_take(rules->limits, &summary->untold,
			burst->record[0]->start_ns);
	if (!trial.suppressed[0].count)
		return false;
	lead_by_rule(&trial, hits, index);
	return true;
}
