/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What filter finds out about a burst by the rules in force, and what it writes into the records
 * of that. Part of the polling path.
 */
#ifndef VEX_DATAPLANE_TRIAL_H
#define VEX_DATAPLANE_TRIAL_H

#include "dataplane/plane.h"
#include "dataplane/quota.h"
#include "dataplane/ruleset.h"

struct burst;

#define TRIAL_DIGITS 16u

/** Events that are told to be this rule's: of all that matched, the first of the highest priority. */
struct trial_teller {
	uint32_t rule;
	uint64_t events;
};

/** A burst under judgement. Masks have a bit an event. */
struct trial {
	struct worker *worker;
	struct rules_worker *rules;
	const struct plan *plan;
	struct burst *burst;
	uint64_t now_ns;
	uint64_t open;	  /* that rules may judge: GAPs are told to everyone, whatever they say */
	struct quota_verdict quota; /* of their tenants; rules don't see what it drops */
	uint64_t decided; /* all that matches them was known */
	uint64_t matched_whole; /* of these, those that anything matches */
	uint64_t matched; /* by any rule, of the others */
	uint64_t dropped; /* by a rule that leads nowhere */
	uint64_t plain;	  /* matched by a rule without a route: it stands for the default */
	uint64_t passed;  /* those that one of these let pass */
	uint64_t held;	  /* that any rule held back by its limits; of the first that did: */
	uint64_t held_for[RULE_LIMIT_RATE + 1];
	uint64_t held_routed; /* by a rule with a route */
	uint64_t redacted;
	uint64_t told; /* that end a suppression */
	uint8_t weakest; /* enum rule_priority: the lowest of the rules that matched, the largest number */
	unsigned digits;      /* of counts, as far as they are used */
	uint32_t teller_count;
	/* What follows is good as far as it is used, and is not cleared before. */
	uint64_t count[TRIAL_DIGITS]; /* rules that matched each event: binary digits, lowest first */
	struct trial_teller teller[VEX_BURST_MAX + 1]; /* no event twice; one is written ahead */
	struct vex_attr_suppressed suppressed[VEX_BURST_MAX];
	uint32_t suppressor[VEX_BURST_MAX]; /* the rule that it is told of */
};

/**
 * Makes these events, that somebody gets, say what rules made of them: redacted as those that hit
 * ask for, and with the attribute ROUTE, and SUPPRESSED where a suppression ends.
 */
void trial_rewrite(struct worker *worker, const struct trial *trial,
		const struct rule_outcome *outcome, uint64_t events);

#endif
