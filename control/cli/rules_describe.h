/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rule or another definition says, key by key, as JSON: for comparing, and to be shown. */
#ifndef VEX_CONTROL_CLI_RULES_DESCRIBE_H
#define VEX_CONTROL_CLI_RULES_DESCRIBE_H

#include <jansson.h>

#include "rule/rule.h"

/** Keys as in the text; those that say nothing are left out. The condition has macros in place. */
json_t *rules_describe(const struct rule_set *set, const struct rule *rule);

/** {"group NAME": {...}, "class NAME": {...}, "quota TENANT": {...}, "program NAME": {...}} */
json_t *rules_describe_others(const struct rule_set *set);

#endif
