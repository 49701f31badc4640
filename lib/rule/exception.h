/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions of a rule: fields with operators, and values that were given to them. Private to lib/rule. */
#ifndef VEX_RULE_EXCEPTION_H
#define VEX_RULE_EXCEPTION_H

#include "rule/condition.h"

/** Part of a test: what is compared, and how. In scratch memory, as all of an exception. */
struct exception_field {
	struct field_word field;
	struct word op;
};

/** Words of YAML, in a list. */
struct scalars {
	struct scalars *next;
	struct text_scalar scalar;
};

/** What one field is compared with. */
struct exception_cell {
	struct exception_cell *next;
	struct scalars *words;
	uint32_t count;
	struct rule_pos pos;
};

/** A cell for each field. */
struct exception_value {
	struct exception_value *next;
	struct exception_cell *cells;
	uint32_t count;
	struct rule_pos pos;
};

struct exception {
	struct exception *next;
	struct rule_text name;
	struct text_scalar list; /**< that gave it last; its text is gone */
	struct exception_field *fields;
	uint32_t field_count;
	bool single; /**< fields is one word: values is the list behind its operator */
	bool broken; /**< something was wrong with its fields, which was said */
	struct exception_value *values;
	struct exception_value **values_end;
};

/**
 * Joins the draft's exceptions and its program to its condition: condition and not (field op value
 * and ...) and ... and program. What is wrong with values is said, and *whole false then. Where the
 * condition is NULL something stands in its place. NULL where memory ran out.
 */
struct expr *exception_join(struct load *load, const struct draft *draft, struct expr *condition,
		bool *whole);

#endif
