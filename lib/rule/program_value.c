/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What registers and the stack hold before each instruction, within bounds (program_bounds.h).
 * Where ways join, bounds widen to both. Each access must be within the event or the stack for all
 * that may be.
 *
 * DPDK's verifier asks the same, once more, where a program is loaded; but its bounds are wrong for
 * some instructions (products, shifts), so it alone does not keep a program within.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/program.h"
#include "rule/program_bounds.h"
#include "rule/program_work.h"

#define STACK 512u
#define SLOTS (STACK / 8)

struct slot {
	struct value value; /**< of all eight bytes, where they were written at once */
	uint8_t written;    /**< a bit each byte */
};

struct values {
	bool there; /**< some way leads here */
	struct value regs[BPF_REG_10 + 1];
	struct slot slots[SLOTS];
};

/* -- arithmetic -- */

static struct value operand(const struct values *values, const struct bpf_insn *insn)
{
	if (BPF_SRC(insn->code) == BPF_X)
		return values->regs[insn->src_reg];
	return bounds_constant((uint64_t)(int64_t)insn->imm);
}

/* Added, a negative number is one that is subtracted. */
static uint8_t signed_op(const struct bpf_insn *insn, struct value *b)
{
	uint8_t op = BPF_OP(insn->code);

	if (BPF_SRC(insn->code) == BPF_X || insn->imm >= 0 || (op != BPF_ADD && op != BPF_SUB))
		return op;
	*b = bounds_constant((uint64_t)-(int64_t)insn->imm);
	return op == BPF_ADD ? BPF_SUB : BPF_ADD;
}

static bool step_alu(struct program *program, struct values *values, uint32_t at)
{
	const struct bpf_insn *insn = &program->code[at];
	struct value *to = &values->regs[insn->dst_reg];
	struct value b = operand(values, insn);
	uint8_t op = signed_op(insn, &b);
	bool zeroes = op == BPF_XOR && BPF_SRC(insn->code) == BPF_X && insn->src_reg == insn->dst_reg;

	if (zeroes) {
		*to = bounds_constant(0);
		return true;
	}
	if (op == BPF_END || op == BPF_NEG)
		b = bounds_constant(0);
	if ((op != BPF_MOV && to->kind == NOTHING) || b.kind == NOTHING)
		return program_wrong(program, at, "uses register %u, which holds nothing",
				b.kind == NOTHING ? insn->src_reg : insn->dst_reg);
	if (BPF_CLASS(insn->code) == BPF_ALU64)
		*to = bounds_calculate(op, *to, b);
	else if ((op == BPF_LSH || op == BPF_RSH) && b.max > 31) /* of which 5 bits count */
		*to = bounds_number(0, UINT32_MAX);
	else if (op == BPF_END)
		*to = bounds_number(0, UINT64_MAX >> (64 - insn->imm));
	else
		*to = bounds_half(bounds_calculate(op, bounds_half(*to), bounds_half(b)));
	return true;
}

/* -- memory -- */

static uint32_t bytes_of(const struct bpf_insn *insn)
{
	static const uint8_t bytes[] = {[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1,
			[BPF_DW >> 3] = 8};

	return bytes[BPF_SIZE(insn->code) >> 3];
}

/* The place that is accessed, or what is wrong with it. */
static bool place(struct program *program, uint32_t at, const struct value *base, struct value *out)
{
	const struct bpf_insn *insn = &program->code[at];
	struct value off = bounds_constant(insn->off < 0 ? (uint64_t)-(int64_t)insn->off
						  : (uint64_t)insn->off);
	uint64_t size = base->kind == FRAME ? STACK : sizeof(struct vex_program_event);

	if (!bounds_is_pointer(base))
		return program_wrong(program, at, "goes by what is no pointer, or one too far off");
	*out = bounds_calculate(insn->off < 0 ? BPF_SUB : BPF_ADD, *base, off);
	if (out->kind != base->kind || out->max + bytes_of(insn) > size)
		return program_wrong(program, at, "is out of bounds of the %s, which has %lu bytes",
				base->kind == FRAME ? "stack" : "event", (unsigned long)size);
	if (out->kind == FRAME && out->min != out->max)
		return program_wrong(program, at, "is somewhere on the stack");
	return true;
}

static bool load_stack(struct program *program, struct values *values, uint32_t at, uint64_t from)
{
	const struct bpf_insn *insn = &program->code[at];
	uint32_t bytes = bytes_of(insn);
	uint64_t i;

	for (i = from; i < from + bytes; i++)
		if (!(values->slots[i / 8].written >> (i % 8) & 1))
			return program_wrong(program, at, "reads of the stack what was not written");
	if (bytes == 8 && from % 8 == 0)
		values->regs[insn->dst_reg] = values->slots[from / 8].value;
	else
		values->regs[insn->dst_reg] = bounds_number(0, UINT64_MAX >> (64 - 8 * bytes));
	return true;
}

static bool step_load(struct program *program, struct values *values, uint32_t at)
{
	const struct bpf_insn *insn = &program->code[at];
	struct value from;

	if (!place(program, at, &values->regs[insn->src_reg], &from))
		return false;
	if (from.kind == FRAME)
		return load_stack(program, values, at, from.min);
	values->regs[insn->dst_reg] = bounds_number(0, UINT64_MAX >> (64 - 8 * bytes_of(insn)));
	return true;
}

static bool step_store(struct program *program, struct values *values, uint32_t at)
{
	const struct bpf_insn *insn = &program->code[at];
	uint32_t bytes = bytes_of(insn);
	bool immediate = BPF_CLASS(insn->code) == BPF_ST;
	struct value what = immediate ? bounds_any : values->regs[insn->src_reg];
	struct value to;
	uint64_t i;

	if (!place(program, at, &values->regs[insn->dst_reg], &to))
		return false;
	if (to.kind != FRAME)
		return program_wrong(program, at, "writes to the event");
	if (what.kind == NOTHING)
		return program_wrong(program, at, "uses register %u, which holds nothing",
				insn->src_reg);
	for (i = to.min; i < to.min + bytes; i++) {
		values->slots[i / 8].written |= (uint8_t)(1u << (i % 8));
		values->slots[i / 8].value = bounds_any;
	}
	if (bytes == 8 && to.min % 8 == 0)
		values->slots[to.min / 8].value = what;
	return true;
}

/* -- branches -- */

static void join(struct values *into, const struct values *from)
{
	unsigned i;

	if (!into->there) {
		*into = *from;
		return;
	}
	for (i = 0; i <= BPF_REG_10; i++)
		into->regs[i] = bounds_join(into->regs[i], from->regs[i]);
	for (i = 0; i < SLOTS; i++) {
		into->slots[i].written &= from->slots[i].written;
		into->slots[i].value = bounds_join(into->slots[i].value, from->slots[i].value);
	}
}

static bool step_jump(struct program *program, struct values *all, uint32_t at)
{
	const struct bpf_insn *insn = &program->code[at];
	uint8_t op = BPF_OP(insn->code);
	const struct values *here = &all[at];
	uint32_t next[2];
	unsigned count = program_next(program, at, next);
	unsigned i;

	if (op == BPF_EXIT)
		return here->regs[BPF_REG_0].kind != NOTHING ||
				program_wrong(program, at, "returns nothing: register 0 is not set");
	if (op != BPF_JA && (here->regs[insn->dst_reg].kind == NOTHING ||
				    operand(here, insn).kind == NOTHING))
		return program_wrong(program, at, "compares a register that holds nothing");
	for (i = 0; i < count; i++) {
		struct values after = *here;
		struct value b = operand(here, insn);
		bool same = BPF_SRC(insn->code) == BPF_X && insn->src_reg == insn->dst_reg;

		if (op != BPF_JA && !same)
			bounds_learn(op, i == 0, &after.regs[insn->dst_reg],
					BPF_SRC(insn->code) == BPF_X ? &after.regs[insn->src_reg] : &b);
		join(&all[next[i]], &after);
	}
	return true;
}

static bool step(struct program *program, struct values *all, uint32_t at)
{
	const struct bpf_insn *insn = &program->code[at];
	struct values *here = &all[at];
	bool good = true;

	switch (BPF_CLASS(insn->code)) {
	case BPF_JMP:
		return step_jump(program, all, at);
	case BPF_LD:
		here->regs[insn->dst_reg] = bounds_constant((uint32_t)insn->imm |
				(uint64_t)(uint32_t)insn[1].imm << 32);
		break;
	case BPF_LDX:
		good = step_load(program, here, at);
		break;
	case BPF_ST:
	case BPF_STX:
		good = step_store(program, here, at);
		break;
	default:
		good = step_alu(program, here, at);
	}
	if (good)
		join(&all[at + 1 + program_is_wide(insn)], here);
	return good;
}

int program_values(struct program *program)
{
	struct values *all = calloc(program->count, sizeof(*all));
	bool good = true;
	uint32_t i;

	if (!all)
		return -ENOMEM;
	all[0].there = true;
	all[0].regs[BPF_REG_1] = (struct value){EVENT, 0, 0};
	all[0].regs[BPF_REG_10] = (struct value){FRAME, STACK, STACK};
	for (i = program->ordered; good && i < program->count; i++)
		good = step(program, all, program->order[i]);
	free(all);
	return good ? 0 : -EINVAL;
}
