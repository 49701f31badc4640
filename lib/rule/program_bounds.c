/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/program_bounds.h"

#include <linux/bpf.h>

#define FAR (1u << 20) /* beyond which a distance is not followed */

const struct value bounds_any = {NUMBER, 0, UINT64_MAX};

static uint64_t all_bits(uint64_t of)
{
	return of ? UINT64_MAX >> __builtin_clzll(of) : 0;
}

static struct value add(struct value a, struct value b)
{
	struct value sum = {a.kind, a.min + b.min, 0};

	if (bounds_is_pointer(&b))
		sum.kind = bounds_is_pointer(&a) ? NUMBER : b.kind;
	if ((bounds_is_pointer(&a) && bounds_is_pointer(&b)) ||
			__builtin_add_overflow(a.max, b.max, &sum.max) ||
			(sum.kind != NUMBER && sum.max > FAR))
		return bounds_any;
	return sum;
}

static struct value subtract(struct value a, struct value b)
{
	if (bounds_is_pointer(&b) || b.max > a.min)
		return bounds_any;
	return (struct value){a.kind, a.min - b.max, a.max - b.min};
}

static struct value multiply(struct value a, struct value b)
{
	struct value product = bounds_number(a.min * b.min, 0); /* no more than that of the maxima */

	return __builtin_mul_overflow(a.max, b.max, &product.max) ? bounds_any : product;
}

static struct value shift(uint8_t op, struct value a, struct value b)
{
	if (b.min != b.max || b.max > 63)
		return bounds_any;
	if (op == BPF_RSH)
		return bounds_number(a.min >> b.max, a.max >> b.max);
	return a.max > UINT64_MAX >> b.max ? bounds_any
					   : bounds_number(a.min << b.max, a.max << b.max);
}

static struct value numbers(uint8_t op, struct value a, struct value b)
{
	switch (op) {
	case BPF_MUL:
		return multiply(a, b);
	case BPF_AND:
		return bounds_number(0, a.max < b.max ? a.max : b.max);
	case BPF_OR:
	case BPF_XOR:
		return bounds_number(0, all_bits(a.max | b.max));
	case BPF_LSH:
	case BPF_RSH:
		return shift(op, a, b);
	case BPF_DIV:
		return bounds_number(0, a.max);
	case BPF_MOD: /* a remainder of 0 is what was divided, or 0 */
		return bounds_number(0, b.min && b.max - 1 < a.max ? b.max - 1 : a.max);
	default:
		return bounds_any;
	}
}

/* A pointer of which only a part is kept, or that is worked on, is a number like any. */
struct value bounds_calculate(uint8_t op, struct value a, struct value b)
{
	if (op == BPF_MOV)
		return b;
	if (op == BPF_ADD)
		return add(a, b);
	if (op == BPF_SUB)
		return subtract(a, b);
	return numbers(op, bounds_is_pointer(&a) ? bounds_any : a,
			bounds_is_pointer(&b) ? bounds_any : b);
}

struct value bounds_half(struct value value)
{
	if (bounds_is_pointer(&value) || value.max > UINT32_MAX)
		return bounds_number(0, UINT32_MAX);
	return value;
}

static void at_least(struct value *value, uint64_t min)
{
	if (value->kind == NUMBER && min > value->min && min <= value->max)
		value->min = min;
}

static void at_most(struct value *value, uint64_t max)
{
	if (value->kind == NUMBER && max < value->max && max >= value->min)
		value->max = max;
}

/* a > b, of numbers without a sign. What can't be is not followed up: it stays as it was. */
static void greater(struct value *a, struct value *b)
{
	struct value was = *a;

	if (a->kind != NUMBER || b->kind != NUMBER)
		return;
	if (b->min < UINT64_MAX)
		at_least(a, b->min + 1);
	if (was.max)
		at_most(b, was.max - 1);
}

static void not_less(struct value *a, struct value *b)
{
	struct value was = *a;

	if (a->kind != NUMBER || b->kind != NUMBER)
		return;
	at_least(a, b->min);
	at_most(b, was.max);
}

void bounds_learn(uint8_t op, bool jumps, struct value *a, struct value *b)
{
	if (op == (jumps ? BPF_JEQ : BPF_JNE)) {
		not_less(a, b);
		not_less(b, a);
	} else if (op == (jumps ? BPF_JGT : BPF_JLE)) {
		greater(a, b);
	} else if (op == (jumps ? BPF_JGE : BPF_JLT)) {
		not_less(a, b);
	} else if (op == (jumps ? BPF_JLT : BPF_JGE)) {
		greater(b, a);
	} else if (op == (jumps ? BPF_JLE : BPF_JGT)) {
		not_less(b, a);
	}
}

struct value bounds_join(struct value a, struct value b)
{
	if (a.kind == NOTHING || b.kind == NOTHING)
		return (struct value){0};
	if (a.kind != b.kind)
		return bounds_any;
	return (struct value){a.kind, a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max};
}
