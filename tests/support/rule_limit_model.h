/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What sample, suppress and rate of a rule mean, said plainly: a list of all keys there ever were,
 * searched from its beginning, token buckets as fractions, no expiry, one thread. Time does not
 * go backwards.
 */
#ifndef VEX_TESTS_SUPPORT_RULE_LIMIT_MODEL_H
#define VEX_TESTS_SUPPORT_RULE_LIMIT_MODEL_H

#include "rule/limit.h"

struct limit_model;

struct limit_model *limit_model_new(void);
void limit_model_free(struct limit_model *model);

/** As rule_limit_ask(). Of a rule that samples by a key the key is not looked at: all are in. */
enum rule_limit_verdict limit_model_ask(struct limit_model *model, uint64_t state,
		const struct rule *rule, const struct vex_event *event, uint64_t now_ns,
		struct vex_attr_suppressed *told);

#endif
