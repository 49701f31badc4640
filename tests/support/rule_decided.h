/* SPDX-License-Identifier: BSD-3-Clause */
/* Matching by decision, held against what it stands for: each of its rules by itself. */
#ifndef VEX_TESTS_RULE_DECIDED_H
#define VEX_TESTS_RULE_DECIDED_H

#include "rule/match.h"

#define RULE_DECIDED_MAX 64u /* rules of a set */

struct rule_decided_check {
	uint64_t met[RULE_DECIDED_MAX];  /* by rule: events of decisions, and */
	uint64_t told[RULE_DECIDED_MAX]; /* what was told of that */
	uint64_t now_ns;
	uint64_t decisions;
};

/** The options' tell, with a check as its data. */
void rule_decided_tell(uint32_t rule, uint64_t events, uint64_t last_ns, void *check);

/** The same as rule_match(). Good until it is called again. */
struct rule_hits rule_decided_match(struct rule_decided_check *check, struct rule_worker *worker,
		const struct rule_image *image, const struct vex_record *const *records,
		unsigned count);

/** Has all told what is not told yet, and expects that to be what was met. */
void rule_decided_end(struct rule_decided_check *check, struct rule_worker *worker);

#endif
