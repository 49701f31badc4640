/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/trial.h"

#include "dataplane/stage.h"
#include "event/event.h"

#define ADDED_HERE (1u << VEX_ATTR_ROUTE | 1u << VEX_ATTR_SUPPRESSED)

static void plan_redaction(const struct trial *trial, struct rule_hits hits, uint32_t event,
		struct rule_redaction *redaction)
{
	const struct ruleset *set = trial->rules->set;

	rule_redaction_begin(redaction, trial->burst->record[event]);
	for (uint32_t i = 0; i < hits.count; i++) {
		const struct rule_image_rule *rule = &set->rules[hits.hits[i].rule];

		if ((hits.hits[i].events >> event & 1) && rule->redact_count)
			rule_redaction_add(redaction, &set->reader,
					&set->redacts[rule->redact_first], rule->redact_count);
	}
}

/* Hashes may make it longer than its object is: it moves to a long one, or they become masks. */
static void redact(struct worker *worker, const struct trial *trial, struct rule_hits hits,
		uint32_t event)
{
	const struct rule_secret *secret = trial->rules->secret;
	struct vex_record **record = &trial->burst->record[event];
	struct vex_record *out = trial->rules->redacted;
	bool in_object = *record == &trial->burst->object[event]->record;
	struct rule_redaction redaction;
	void *longer;
	uint32_t size;

	plan_redaction(trial, hits, event, &redaction);
	size = rule_redaction_write(&redaction, secret, out, VEX_RECORD_MADE_MAX);
	if (VEX_UNLIKELY(in_object && size > VEX_OBJECT_RECORD_MAX)) {
		if (rte_mempool_get(worker->long_objects, &longer) == 0)
			*record = longer;
		else
			size = rule_redaction_write(&redaction, secret, out, VEX_OBJECT_RECORD_MAX);
	}
	memcpy(*record, out, size);
}

/* Behind what stands there: objects have room for it, see struct vex_object. */
static void append(struct vex_record *record, enum vex_attr_id id, const void *payload, uint32_t len)
{
	uint8_t *at = (uint8_t *)record + record->size;
	uint32_t head = vex_attr_head(id, len);

	memset(at + vex_attr_span(len) - 8, 0, 8);
	memcpy(at, &head, sizeof(head));
	memcpy(at + VEX_ATTR_HEAD, payload, len);
	record->size += vex_attr_span(len);
	record->attr_count++;
}

/* An attribute ROUTE as it stands in a record. */
struct route_words {
	uint64_t word[VEX_RECORD_ADDED_MAX / 2 / 8];
};

static inline struct route_words route_words(const struct vex_attr_route *route)
{
	return (struct route_words){{
		vex_attr_head(VEX_ATTR_ROUTE, sizeof(*route)) | route->generation << 32,
		route->generation >> 32 | (uint64_t)route->rule << 32,
		route->matched | (uint64_t)route->qos << 16 | (uint64_t)route->priority << 24 |
				route->fingerprint << 32,
		route->fingerprint >> 32,
	}};
}

/* By words: narrow stores that a wide load follows would be waited for. */
static inline void append_route(struct vex_record *record, const struct route_words *words)
{
	memcpy((uint8_t *)record + record->size, words, sizeof(*words));
	record->size += (uint32_t)sizeof(*words);
	record->attr_count++;
}

static uint8_t class_of(const struct burst *burst, uint32_t event)
{
	unsigned class = 0;

	if (VEX_LIKELY(burst->of_class[VEX_CLASS_NORMAL] >> event & 1))
		return VEX_CLASS_NORMAL;
	while (class < VEX_CLASS_LOW && !(burst->of_class[class] >> event & 1))
		class++;
	return (uint8_t)class;
}

static inline uint16_t count_of(const struct trial *trial, uint32_t event)
{
	uint16_t count = 0;

	for (unsigned digit = 0; digit < trial->digits; digit++)
		count |= (uint16_t)((trial->count[digit] >> event & 1) << digit);
	return count;
}

static inline void tell_one(const struct trial *trial, struct vex_attr_route *route, uint32_t event)
{
	struct route_words words;

	route->matched = count_of(trial, event);
	route->qos = class_of(trial->burst, event);
	words = route_words(route);
	append_route(trial->burst->record[event], &words);
}

/* What they say of the rule is the same of all that it is told of. */
static void tell_matched(const struct trial *trial, const struct trial_teller *teller, uint64_t events)
{
	const struct ruleset *set = trial->rules->set;
	struct vex_attr_route route = {.generation = set->generation,
			.rule = teller->rule,
			.priority = set->rules[teller->rule].priority,
			.fingerprint = set->rules[teller->rule].fingerprint};

	for (uint64_t left = teller->events & events; left; left &= left - 1)
		tell_one(trial, &route, (uint32_t)__builtin_ctzll(left));
}

static void tell_unmatched(const struct trial *trial, uint64_t events)
{
	struct vex_attr_route route = {.generation = trial->rules->set->generation,
			.rule = VEX_ROUTE_NO_RULE,
			.priority = VEX_ROUTE_NO_PRIORITY};

	for (uint64_t left = events; left; left &= left - 1)
		tell_one(trial, &route, (uint32_t)__builtin_ctzll(left));
}

/* All of a decision are told the same, but for those that a quota made less urgent. */
static void tell_decided(const struct trial *trial, const struct rule_decision *decision,
		uint8_t qos, uint64_t events)
{
	struct route_words words = route_words(&(struct vex_attr_route){
			.generation = trial->rules->set->generation,
			.rule = decision->rule,
			.matched = decision->matched,
			.qos = qos,
			.priority = decision->priority,
			.fingerprint = decision->fingerprint});

	for (uint64_t left = events; left; left &= left - 1)
		append_route(trial->burst->record[__builtin_ctzll(left)], &words);
}

static void tell_all_decided(const struct trial *trial, const struct rule_outcome *outcome,
		uint64_t events)
{
	uint64_t demoted = trial->quota.demoted;

	for (uint32_t i = 0; i < outcome->decided_count; i++) {
		const struct rule_decided *decided = &outcome->decided[i];
		uint64_t told = decided->events & events;

		tell_decided(trial, decided->decision, decided->decision->qos, told & ~demoted);
		if (VEX_UNLIKELY(told & demoted))
			tell_decided(trial, decided->decision, VEX_CLASS_LOW, told & demoted);
	}
}

static void tell(const struct trial *trial, uint64_t events)
{
	for (uint32_t i = 0; i < trial->teller_count; i++)
		tell_matched(trial, &trial->teller[i], events);
	tell_unmatched(trial, events & ~trial->matched & ~trial->decided);
	for (uint64_t left = events & trial->told; VEX_UNLIKELY(left != 0); left &= left - 1) {
		uint32_t event = (uint32_t)__builtin_ctzll(left);

		append(trial->burst->record[event], VEX_ATTR_SUPPRESSED, &trial->suppressed[event],
				sizeof(trial->suppressed[event]));
	}
}

void trial_rewrite(struct worker *worker, const struct trial *trial,
		const struct rule_outcome *outcome, uint64_t events)
{
	uint64_t left;

	for (left = trial->burst->routed & events; VEX_UNLIKELY(left != 0); left &= left - 1)
		vex_record_remove(trial->burst->record[__builtin_ctzll(left)], ADDED_HERE);
	for (left = trial->redacted & events; VEX_UNLIKELY(left != 0); left &= left - 1)
		redact(worker, trial, outcome->hits, (uint32_t)__builtin_ctzll(left));
	tell_all_decided(trial, outcome, trial->open & events);
	tell(trial, trial->open & events);
}
