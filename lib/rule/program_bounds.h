/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may be in a register of a program: nothing, a number between two bounds, or a pointer with
 * its distance between two bounds. Private to lib/rule.
 */
#ifndef VEX_RULE_PROGRAM_BOUNDS_H
#define VEX_RULE_PROGRAM_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>

enum kind { NOTHING, NUMBER, EVENT, FRAME };

struct value {
	enum kind kind;
	uint64_t min; /**< of a pointer: distance from the event or the stack's lowest byte */
	uint64_t max;
};

/** Any number. */
extern const struct value bounds_any;

static inline struct value bounds_number(uint64_t min, uint64_t max)
{
	return (struct value){NUMBER, min, max};
}

static inline struct value bounds_constant(uint64_t value)
{
	return bounds_number(value, value);
}

static inline bool bounds_is_pointer(const struct value *value)
{
	return value->kind == EVENT || value->kind == FRAME;
}

/** The result of an operation of BPF on 64 bits; of a pointer and a number it may be a pointer. */
struct value bounds_calculate(uint8_t op, struct value a, struct value b);

/** The lower 32 bits. */
struct value bounds_half(struct value value);

/** What is known of a and b where a comparison of them jumps, or does not. */
void bounds_learn(uint8_t op, bool jumps, struct value *a, struct value *b);

/** One or the other. */
struct value bounds_join(struct value a, struct value b);

#endif
