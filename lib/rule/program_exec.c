/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs programs without DPDK, for tools that explain rules. Only what was checked may come here. */
#include <assert.h>
#include <string.h>

#include "rule/image.h"
#include "rule/program_work.h"

#define STACK 512u

struct machine {
	uint64_t regs[BPF_REG_10 + 1];
	uint8_t stack[STACK];
};

static uint64_t operand(const struct machine *machine, const struct bpf_insn *insn)
{
	return BPF_SRC(insn->code) == BPF_X ? machine->regs[insn->src_reg]
					    : (uint64_t)(int64_t)insn->imm;
}

static uint64_t calculate(uint8_t op, uint64_t a, uint64_t b, unsigned bits)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_MOD:
		return a % b;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & (bits - 1));
	case BPF_RSH:
		return a >> (b & (bits - 1));
	case BPF_ARSH:
		return (uint64_t)((int64_t)a >> (b & (bits - 1)));
	case BPF_NEG:
		return -a;
	default:
		return b;
	}
}

static uint64_t turn(const struct bpf_insn *insn, uint64_t a)
{
	bool big = BPF_SRC(insn->code) == BPF_TO_BE;

	if (insn->imm == 16)
		return big ? __builtin_bswap16((uint16_t)a) : (uint16_t)a;
	if (insn->imm == 32)
		return big ? __builtin_bswap32((uint32_t)a) : (uint32_t)a;
	return big ? __builtin_bswap64(a) : a;
}

/* False where it divides by 0: the program ends, and says no, as rte_bpf has it. */
static bool arithmetic(struct machine *machine, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	uint8_t op = BPF_OP(insn->code);
	uint64_t a = machine->regs[insn->dst_reg];
	uint64_t b = operand(machine, insn);

	if (op == BPF_END) {
		machine->regs[insn->dst_reg] = turn(insn, a);
		return true;
	}
	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	if (!b && (op == BPF_DIV || op == BPF_MOD))
		return false;
	a = calculate(op, a, b, wide ? 64 : 32);
	machine->regs[insn->dst_reg] = wide ? a : (uint32_t)a;
	return true;
}

static size_t bytes_of(const struct bpf_insn *insn)
{
	static const uint8_t bytes[] = {[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1,
			[BPF_DW >> 3] = 8};

	return bytes[BPF_SIZE(insn->code) >> 3];
}

static void *address(uint64_t base, const struct bpf_insn *insn)
{
	return (void *)(uintptr_t)(base + (uint64_t)(int64_t)insn->off);
}

static void access_memory(struct machine *machine, const struct bpf_insn *insn)
{
	uint64_t value = BPF_CLASS(insn->code) == BPF_ST ? (uint64_t)(int64_t)insn->imm
							 : machine->regs[insn->src_reg];

	if (BPF_CLASS(insn->code) != BPF_LDX) {
		memcpy(address(machine->regs[insn->dst_reg], insn), &value, bytes_of(insn));
		return;
	}
	value = 0;
	memcpy(&value, address(machine->regs[insn->src_reg], insn), bytes_of(insn));
	machine->regs[insn->dst_reg] = value;
}

static bool jumps(const struct machine *machine, const struct bpf_insn *insn)
{
	uint64_t a = machine->regs[insn->dst_reg];
	uint64_t b = operand(machine, insn);

	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return (int64_t)a > (int64_t)b;
	case BPF_JSGE:
		return (int64_t)a >= (int64_t)b;
	case BPF_JSLT:
		return (int64_t)a < (int64_t)b;
	case BPF_JSLE:
		return (int64_t)a <= (int64_t)b;
	case BPF_JSET:
		return a & b;
	default:
		return true;
	}
}

bool rule_program_exec(const uint64_t *words, uint32_t count, const struct vex_program_event *event)
{
	const struct bpf_insn *code = (const struct bpf_insn *)words;
	struct machine machine = {.regs = {[BPF_REG_1] = (uintptr_t)event}};
	uint32_t at = 0;

	machine.regs[BPF_REG_10] = (uintptr_t)machine.stack + STACK;
	while (code[at].code != (BPF_JMP | BPF_EXIT)) {
		const struct bpf_insn *insn = &code[at++];

		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
			machine.regs[insn->dst_reg] = (uint32_t)insn->imm |
					(uint64_t)(uint32_t)code[at++].imm << 32;
			break;
		case BPF_LDX:
		case BPF_ST:
		case BPF_STX:
			access_memory(&machine, insn);
			break;
		case BPF_JMP:
			at += jumps(&machine, insn) ? (uint32_t)insn->off : 0;
			break;
		default:
			if (!arithmetic(&machine, insn))
				return false;
		}
		assert(at < count);
	}
	return machine.regs[BPF_REG_0];
}

bool rule_program_run(uint32_t program, const struct vex_record *record, void *data)
{
	const struct rule_image *image = data;
	const struct rule_image_program *programs = rule_image_part(image, RULE_PART_PROGRAMS);
	const uint64_t *code = rule_image_part(image, RULE_PART_CODE);
	struct vex_program_event event;

	if (program >= image->parts[RULE_PART_PROGRAMS].count || !programs[program].count)
		return false;
	rule_program_event(record, &event);
	return rule_program_exec(code + programs[program].code, (uint32_t)programs[program].count,
			&event);
}
