/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of what prints an image. Private to lib/rule. */
#ifndef VEX_RULE_DISASSEMBLE_WORK_H
#define VEX_RULE_DISASSEMBLE_WORK_H

#include "rule/disassemble.h"
#include "rule/rule.h"

/** Bytes of the part TEXT in quotes. */
void disassemble_bytes(const struct rule_image *image, uint64_t offset, uint64_t len, FILE *out);

static inline void disassemble_text(const struct rule_image *image,
		const struct rule_image_text *text, FILE *out)
{
	disassemble_bytes(image, text->offset, text->len, out);
}

/** What stands in brackets behind a field, as a condition has it; nothing where there is none. */
void disassemble_argument(const struct rule_image *image, uint64_t offset, uint64_t len, FILE *out);

enum rule_field_id disassemble_field(const struct rule_image *image, unsigned index);

/** Its windows, and its clock where that is not UTC. */
void disassemble_schedule(const struct rule_image *image, uint64_t index, FILE *out);

/** Where a rule's events go, how many of them, and what does not leave as it is. */
void disassemble_decision(const struct rule_image *image, const struct rule_image_rule *rule,
		FILE *out);

/** A line for each class, quota, group and program. */
void disassemble_definitions(const struct rule_image *image, FILE *out);

#endif
