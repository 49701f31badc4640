/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects of programs, and instructions by themselves. What the checker accepts is run, one
 * instruction after the other, on an event that ends where its memory does: it ends in time, reads
 * nothing that was not written, and stays where it may be.
 *
 * The input's first byte: even: an object; odd: the next 64 bytes are the event's first, then
 * instructions.
 */
#include "fuzz.h"

#include <linux/bpf.h>

#include "abi/program.h"
#include "rule/program.h"
#include "rule/rule.h"

#define STACK 512u

struct machine {
	uint64_t regs[BPF_REG_10 + 1];
	uint32_t set; /* a bit each register */
	uint8_t *event;
	uint8_t *stack;
	uint8_t written[STACK];
};

static uint64_t get(const struct machine *machine, unsigned reg)
{
	MUST(machine->set >> reg & 1);
	return machine->regs[reg];
}

static void set(struct machine *machine, unsigned reg, uint64_t value)
{
	MUST(reg < BPF_REG_10);
	machine->regs[reg] = value;
	machine->set |= 1u << reg;
}

static uint64_t operand(const struct machine *machine, const struct bpf_insn *insn)
{
	return BPF_SRC(insn->code) == BPF_X ? get(machine, insn->src_reg)
					    : (uint64_t)(int64_t)insn->imm;
}

static uint64_t calculate(uint8_t op, uint64_t a, uint64_t b, bool wide)
{
	unsigned mask = wide ? 63 : 31;

	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_DIV: return a / b;
	case BPF_MOD: return a % b;
	case BPF_OR: return a | b;
	case BPF_AND: return a & b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return a << (b & mask);
	case BPF_RSH: return a >> (b & mask);
	case BPF_ARSH: return (uint64_t)((int64_t)a >> (b & mask));
	case BPF_MOV: return b;
	default: MUST(op == BPF_NEG); return -a;
	}
}

static uint64_t swap(const struct bpf_insn *insn, uint64_t a)
{
	bool big = BPF_SRC(insn->code) == BPF_X;

	if (insn->imm == 16)
		return big ? __builtin_bswap16((uint16_t)a) : (uint16_t)a;
	if (insn->imm == 32)
		return big ? __builtin_bswap32((uint32_t)a) : (uint32_t)a;
	return big ? __builtin_bswap64(a) : a;
}

/* False where it divides by 0, which ends the program. */
static bool arithmetic(struct machine *machine, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	uint8_t op = BPF_OP(insn->code);
	uint64_t a = 0;
	uint64_t b = 0;

	if (op == BPF_END) {
		set(machine, insn->dst_reg, swap(insn, get(machine, insn->dst_reg)));
		return true;
	}
	if (op == BPF_XOR && BPF_SRC(insn->code) == BPF_X && insn->src_reg == insn->dst_reg) {
		set(machine, insn->dst_reg, 0);
		return true;
	}
	a = op == BPF_MOV ? 0 : get(machine, insn->dst_reg);
	b = op == BPF_NEG ? 0 : operand(machine, insn);
	a = wide ? a : (uint32_t)a;
	b = wide ? b : (uint32_t)b;
	if (!b && (op == BPF_DIV || op == BPF_MOD))
		return false;
	a = calculate(op, a, b, wide);
	set(machine, insn->dst_reg, wide ? a : (uint32_t)a);
	return true;
}

static size_t bytes_of(const struct bpf_insn *insn)
{
	uint8_t size = BPF_SIZE(insn->code);

	return size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;
}

/* Where on the stack, or STACK where it is not on it. */
static size_t on_stack(const struct machine *machine, const uint8_t *at)
{
	return at >= machine->stack && at < machine->stack + STACK ? (size_t)(at - machine->stack)
								   : STACK;
}

static void load(struct machine *machine, const struct bpf_insn *insn)
{
	const uint8_t *at = (const uint8_t *)(uintptr_t)(get(machine, insn->src_reg) +
			(uint64_t)(int64_t)insn->off);
	size_t len = bytes_of(insn);
	size_t place = on_stack(machine, at);
	uint64_t value = 0;
	size_t i;

	if (place == STACK)
		MUST(at >= machine->event &&
				at + len <= machine->event + sizeof(struct vex_program_event));
	for (i = place; place < STACK && i < place + len; i++)
		MUST(i < STACK && machine->written[i]);
	memcpy(&value, at, len);
	set(machine, insn->dst_reg, value);
}

static void store(struct machine *machine, const struct bpf_insn *insn)
{
	uint8_t *at = (uint8_t *)(uintptr_t)(get(machine, insn->dst_reg) +
			(uint64_t)(int64_t)insn->off);
	size_t len = bytes_of(insn);
	size_t place = on_stack(machine, at);
	uint64_t value = BPF_CLASS(insn->code) == BPF_ST ? (uint64_t)(int64_t)insn->imm
							 : get(machine, insn->src_reg);

	MUST(place + len <= STACK);
	memcpy(at, &value, len);
	memset(machine->written + place, 1, len);
}

static bool jumps(const struct machine *machine, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);
	uint64_t a;
	uint64_t b;

	if (op == BPF_JA)
		return true;
	a = get(machine, insn->dst_reg);
	b = operand(machine, insn);
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSGT: return (int64_t)a > (int64_t)b;
	case BPF_JSGE: return (int64_t)a >= (int64_t)b;
	case BPF_JSLT: return (int64_t)a < (int64_t)b;
	case BPF_JSLE: return (int64_t)a <= (int64_t)b;
	default: MUST(op == BPF_JSET); return a & b;
	}
}

static void run(struct machine *machine, const struct bpf_insn *code, uint32_t count)
{
	uint32_t at = 0;
	uint32_t steps;

	for (steps = 0; code[at].code != (BPF_JMP | BPF_EXIT); steps++) {
		const struct bpf_insn *insn = &code[at++];
		uint8_t class = BPF_CLASS(insn->code);

		MUST(steps < count && at < count);
		if (class == BPF_LD)
			set(machine, insn->dst_reg, (uint32_t)insn->imm |
					(uint64_t)(uint32_t)code[at++].imm << 32);
		else if (class == BPF_LDX)
			load(machine, insn);
		else if (class == BPF_ST || class == BPF_STX)
			store(machine, insn);
		else if (class == BPF_JMP)
			at += jumps(machine, insn) ? (uint32_t)insn->off : 0;
		else if (!arithmetic(machine, insn))
			return;
		MUST(at < count);
	}
	get(machine, BPF_REG_0);
}

static void check(const uint64_t *code, uint32_t count, const uint8_t *event, size_t len)
{
	struct machine machine = {.set = 1u << BPF_REG_1 | 1u << BPF_REG_10};
	struct rule_program_why why = {""};
	int error = rule_program_check(code, count, &why);

	MUST(error == 0 || (error == -22 && *why.text));
	if (error)
		return;
	machine.event = calloc(1, sizeof(struct vex_program_event));
	machine.stack = calloc(1, STACK);
	MUST(machine.event && machine.stack);
	memcpy(machine.event, event, len);
	machine.regs[BPF_REG_1] = (uintptr_t)machine.event;
	machine.regs[BPF_REG_10] = (uintptr_t)machine.stack + STACK;
	run(&machine, (const struct bpf_insn *)code, count);
	rule_program_exec(code, count, (struct vex_program_event *)machine.event);
	free(machine.event);
	free(machine.stack);
}

static void check_object(const uint8_t *data, size_t size)
{
	struct rule_program_why why = {""};
	uint64_t *code;
	uint32_t count;
	int error = rule_program_extract(data, size, "filter", &code, &count, &why);

	MUST(error == 0 || (error == -22 && *why.text));
	MUST(!error == !!code);
	if (code)
		check(code, count, data, size < 64 ? size : 64);
	free(code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t *code;

	if (size < 65)
		return 0;
	if (!(data[0] & 1)) {
		check_object(data + 1, size - 1);
		return 0;
	}
	code = malloc(size); /* its own, so that nothing beyond it is read */
	MUST(code);
	memcpy(code, data + 65, size - 65);
	check(code, (uint32_t)((size - 65) / 8), data + 1, 64);
	free(code);
	return 0;
}
