/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle: says whether a rule matches an event, slowly and, it is hoped, obviously right. It
 * walks the tree for each event and knows nothing of compiled rules. Where a rule was loaded
 * with keep_plain it takes the tree as it was written, so that it checks lowering and folding as
 * well; both trees can be asked. Not thread-safe.
 */
#ifndef VEX_TESTS_SUPPORT_RULE_ORACLE_H
#define VEX_TESTS_SUPPORT_RULE_ORACLE_H

#include "rule/rule.h"

struct oracle;

/** What a program of the user's says of an event. */
typedef bool (*oracle_program)(uint32_t program, const struct vex_event *event, void *data);

/** program may be NULL: then each says no. */
struct oracle *oracle_new(oracle_program program, void *data);
void oracle_free(struct oracle *oracle);

/** One tree of either kind. Where NODE_UNSUPPORTED would decide it aborts. */
bool oracle_condition(struct oracle *oracle, const struct rule_node *node,
		const struct vex_event *event);

/** Whether it is active, its schedule is open, and its condition (plain, where kept) is true. */
bool oracle_rule(struct oracle *oracle, const struct rule *rule, const struct vex_event *event);

/**
 * The rules of a set that match, as indices in order, match: first taken into account; matched
 * has set->count places. Returns how many.
 */
uint32_t oracle_match(struct oracle *oracle, const struct rule_set *set,
		const struct vex_event *event, uint32_t *matched);

bool oracle_schedule(const struct rule_schedule *schedule, uint64_t ns);

#endif
