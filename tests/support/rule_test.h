/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of rules share: texts to sets, and what was said of them. */
#ifndef VEX_TESTS_SUPPORT_RULE_TEST_H
#define VEX_TESTS_SUPPORT_RULE_TEST_H

#include "rule/rule.h"
#include "support/rule_oracle.h"
#include "support/unit.h"

/** What the last load said. */
extern struct rule_diags said;

/** Parses a text, its plain trees kept. NULL where it was refused. */
struct rule_set *load_text(const char *text);

/** The same of one rule `r` with this condition, on line 2 from column 14. */
struct rule_set *load_condition(const char *condition);

/** Fails where the text is refused, and prints why; otherwise the set. */
struct rule_set *good_text(const char *text);

/** Fails unless the text is refused with such an error there that has these words in it. */
void refused(const char *text, enum rule_diag_code code, unsigned line, unsigned column,
		const char *words);

/** The same of a condition, by its column in the condition, from 1. */
void refused_condition(const char *condition, enum rule_diag_code code, unsigned column,
		const char *words);

/** Fails unless the last load said this, with this severity, there. */
void was_said(enum rule_severity severity, enum rule_diag_code code, unsigned line, unsigned column,
		const char *words);

/** Whether the condition holds; that both its trees say the same is asserted. */
bool holds(const char *condition, const struct vex_event *event);

struct vex_bytes bytes_of(const char *text);

#endif
