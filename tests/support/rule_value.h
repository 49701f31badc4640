/* SPDX-License-Identifier: BSD-3-Clause */
/* What an event's fields are, by docs/rules.md. */
#ifndef VEX_TESTS_SUPPORT_RULE_VALUE_H
#define VEX_TESTS_SUPPORT_RULE_VALUE_H

#include "rule/ast.h"

__extension__ typedef unsigned __int128 oracle_number;

struct oracle_value {
	bool there;
	unsigned word;        /**< of ENUM */
	oracle_number number; /**< of UNSIGNED, TIME, FLAGS, BOOL; evt.num may need 65 bits */
	int64_t integer;      /**< of SIGNED */
	struct vex_bytes text; /**< of STRING and PATH */
	const struct vex_bytes *list;
	uint32_t count;
};

struct oracle_value oracle_value(enum rule_field_id field, const struct rule_text *argument,
		const struct vex_event *event);

#endif
