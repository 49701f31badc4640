/* SPDX-License-Identifier: BSD-3-Clause */
/* Images for people, and why a rule matches an event or does not. */
#ifndef VEX_RULE_DISASSEMBLE_H
#define VEX_RULE_DISASSEMBLE_H

#include <stdio.h>

#include "rule/match.h"

/**
 * Writes a whole image that was verified: its size, each rule, then scans. Conditions are written
 * out as trees: of an image that was made to do harm that may take forever.
 */
void rule_image_print(const struct rule_image *image, FILE *out);

/** Writes a rule of it: what it does, and what it asks. */
void rule_image_print_rule(const struct rule_image *image, uint64_t rule, FILE *out);

/** Writes what a node asks, on one line without its end. */
void rule_image_print_node(const struct rule_image *image, uint32_t node, FILE *out);

/**
 * Writes a line for each rule: that it matches a checked record, or the first thing because of
 * which it does not. The worker is as good as new behind it.
 */
void rule_explain(struct rule_worker *worker, const struct vex_record *record, FILE *out);

#endif
