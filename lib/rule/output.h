/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a field says of one event as people read it, and a rule's output with such values in it.
 * Records are ones that vex_record_check() accepted. Thread-safe; what is written holds printable
 * UTF-8 alone, all else as \xHH.
 */
#ifndef VEX_RULE_OUTPUT_H
#define VEX_RULE_OUTPUT_H

#include <stdio.h>

#include "abi/record.h"
#include "rule/field.h"
#include "rule/rule.h"

/** A field within an output: %name, or %name[argument] of attr and of fields that can't be had. */
struct rule_output_field {
	struct rule_text name;     /**< without its brackets */
	struct rule_text argument; /**< with its quotes; data NULL: no brackets */
};

/**
 * Finds the next field at or behind *at, which moves behind it. *literal is what stands before it,
 * or all the rest where there is none: false then.
 */
bool rule_output_next(const char **at, const char *end, struct rule_text *literal,
		struct rule_output_field *field);

/** Bytes between quotes, where all of a name is escapes. */
#define RULE_OUTPUT_ARGUMENT_MAX (4 * RULE_NAME_MAX)

/** The name in a field's brackets, in room where it stood in quotes; false where it is none. */
bool rule_output_argument(const struct rule_output_field *field,
		char room[RULE_OUTPUT_ARGUMENT_MAX], struct rule_text *name);

/** Writes what a field says; false, and nothing is written, where the event does not have it. */
bool rule_value_print(const struct vex_record *record, enum rule_field_id field,
		struct rule_text argument, FILE *out);

/** Writes a number that a field of its type can hold. */
void rule_number_print(enum rule_field_id field, uint64_t number, FILE *out);

/** Whether a name is meant as a field's, known or not: others have a full stop in them. */
bool rule_output_is_field(const struct rule_text *name);

/** Writes an output; a field that the event does not have, or that is none, as <NA>. */
void rule_output_print(const struct vex_record *record, struct rule_text output, FILE *out);

#endif
