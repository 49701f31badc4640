/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the operators of strings mean, written down as plainly as can be and shared by nothing
 * but the oracle. Bytes, not characters; letter case is that of ASCII.
 */
#ifndef VEX_TESTS_SUPPORT_RULE_MATCH_H
#define VEX_TESTS_SUPPORT_RULE_MATCH_H

#include "rule/ast.h"

bool match_equal(struct vex_bytes text, struct rule_text with);
bool match_contains(struct vex_bytes text, struct rule_text part, bool fold);
bool match_starts(struct vex_bytes text, struct rule_text part);
bool match_ends(struct vex_bytes text, struct rule_text part);
bool match_glob(struct vex_bytes text, struct rule_text pattern, bool fold);

/** Whether the path is the other one or lies below it, component by component, each a glob. */
bool match_path(struct vex_bytes text, struct rule_text path);

#endif
