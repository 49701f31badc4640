/* SPDX-License-Identifier: BSD-3-Clause */
/* The shape of a program: instructions, jumps, and the ways through it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rule/program_work.h"
#include "rule/rule.h"

enum program_state { UNSEEN, OPEN, DONE, SECOND_HALF };

bool program_wrong(struct program *program, uint32_t at, const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(program->why->text, sizeof(program->why->text), "instruction %u %s", at, text);
	return false;
}

unsigned program_next(const struct program *program, uint32_t at, uint32_t next[2])
{
	const struct bpf_insn *insn = &program->code[at];
	unsigned count = 0;

	if (insn->code == (BPF_JMP | BPF_EXIT))
		return 0;
	if (BPF_CLASS(insn->code) == BPF_JMP)
		next[count++] = (uint32_t)((int64_t)at + 1 + insn->off);
	if (insn->code != (BPF_JMP | BPF_JA))
		next[count++] = at + 1 + program_is_wide(insn);
	return count;
}

/* -- instructions: those that DPDK's verifier knows, but for calls, packets and atomic ones -- */

static const char *arithmetic_wrong(const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_NEG:
		return BPF_SRC(insn->code) == BPF_K ? NULL : "is unknown";
	case BPF_ARSH:
		return BPF_CLASS(insn->code) == BPF_ALU64 ? NULL : "is unknown";
	case BPF_END:
		return BPF_CLASS(insn->code) == BPF_ALU &&
						(insn->imm == 16 || insn->imm == 32 || insn->imm == 64)
				? NULL : "is unknown";
	case BPF_DIV:
	case BPF_MOD:
		return BPF_SRC(insn->code) == BPF_K && !insn->imm ? "divides by 0" : NULL;
	default:
		return BPF_OP(insn->code) <= BPF_MOV ? NULL : "is unknown";
	}
}

static const char *jump_wrong(const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		return "calls a function; programs call none";
	case BPF_JA:
	case BPF_EXIT:
		return BPF_SRC(insn->code) == BPF_K ? NULL : "is unknown";
	default:
		return BPF_OP(insn->code) <= BPF_JSLE ? NULL : "is unknown";
	}
}

static const char *insn_wrong(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		if (!program_is_wide(insn))
			return "reads a packet";
		return insn->src_reg ? "names a map" : NULL;
	case BPF_LDX:
		return BPF_MODE(insn->code) == BPF_MEM ? NULL : "is unknown";
	case BPF_ST:
	case BPF_STX:
		return BPF_MODE(insn->code) == BPF_MEM ? NULL : "is atomic, or unknown";
	case BPF_JMP:
		return jump_wrong(insn);
	case BPF_JMP32:
		return "is a jump of 32 bits: compile with -mcpu=v2";
	default:
		return arithmetic_wrong(insn);
	}
}

static bool writes_register(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code);

	return class == BPF_LD || class == BPF_LDX || class == BPF_ALU || class == BPF_ALU64;
}

static bool check_insn(struct program *program, uint32_t at)
{
	const struct bpf_insn *insn = &program->code[at];
	const char *wrong = insn_wrong(insn);

	if (!wrong && (insn->dst_reg > BPF_REG_10 || insn->src_reg > BPF_REG_10))
		wrong = "has no such register";
	if (!wrong && writes_register(insn) && insn->dst_reg == BPF_REG_10)
		wrong = "changes the frame pointer";
	if (wrong)
		return program_wrong(program, at, "%s", wrong);
	if (!program_is_wide(insn))
		return true;
	if (at + 1 == program->count || insn[1].code || insn[1].dst_reg || insn[1].src_reg ||
			insn[1].off)
		return program_wrong(program, at, "is only half of one");
	program->state[at + 1] = SECOND_HALF;
	return true;
}

static bool check_insns(struct program *program)
{
	uint32_t next[2];
	unsigned count;
	uint32_t at;

	for (at = 0; at < program->count; at += 1 + program_is_wide(&program->code[at]))
		if (!check_insn(program, at))
			return false;
	for (at = 0; at < program->count; at++) {
		if (program->state[at] == SECOND_HALF)
			continue;
		count = program_next(program, at, next);
		while (count--)
			if (next[count] >= program->count ||
					program->state[next[count]] == SECOND_HALF)
				return program_wrong(program, at, "leads out of the program");
	}
	return true;
}

/* -- ways -- */

/* Depth first, the way back kept on a stack: done ones are put in order from behind. */
static bool visit(struct program *program, uint32_t *stack)
{
	uint32_t depth = 1;
	uint32_t next[2];

	stack[0] = 0;
	program->state[0] = OPEN;
	while (depth) {
		uint32_t at = stack[depth - 1];
		unsigned count = program_next(program, at, next);

		while (count && program->state[next[count - 1]] == DONE)
			count--;
		if (!count) {
			program->state[at] = DONE;
			program->order[--program->ordered] = at;
			depth--;
		} else if (program->state[next[count - 1]] == OPEN) {
			return program_wrong(program, at, "loops: it leads back to %u",
					next[count - 1]);
		} else {
			stack[depth++] = next[count - 1];
			program->state[next[count - 1]] = OPEN;
		}
	}
	return true;
}

/* What DPDK's verifier would walk through. */
static bool check_steps(struct program *program, uint32_t *ways)
{
	uint64_t steps = 0;
	uint32_t next[2];
	unsigned count;
	uint32_t i;

	memset(ways, 0, program->count * sizeof(*ways));
	ways[0] = 1;
	for (i = program->ordered; i < program->count; i++) {
		uint32_t at = program->order[i];

		steps += ways[at];
		if (steps > RULE_PROGRAM_STEPS_MAX)
			return program_wrong(program, at, "can be come to in too many ways: %u steps "
					"along all of them at most; branches that join multiply them",
					RULE_PROGRAM_STEPS_MAX);
		for (count = program_next(program, at, next); count--;)
			ways[next[count]] += ways[at];
	}
	return true;
}

static bool check_reached(struct program *program)
{
	uint32_t at;

	for (at = 0; at < program->count; at++)
		if (program->state[at] == UNSEEN)
			return program_wrong(program, at, "can't be reached");
	return true;
}

static int check(struct program *program, uint32_t *scratch)
{
	program->ordered = program->count;
	if (!check_insns(program) || !visit(program, scratch) || !check_reached(program) ||
			!check_steps(program, scratch))
		return -EINVAL;
	return program_values(program);
}

int rule_program_check(const uint64_t *code, uint32_t count, struct rule_program_why *why)
{
	struct program program = {.code = (const struct bpf_insn *)code, .count = count, .why = why};
	uint32_t *scratch;
	int error = -ENOMEM;

	VEX_STATIC_ASSERT(sizeof(struct bpf_insn) == sizeof(*code), "an instruction is 64 bits");
	snprintf(why->text, sizeof(why->text), "it has no instructions, or more than %u",
			RULE_CODE_MAX);
	if (!count || count > RULE_CODE_MAX)
		return -EINVAL;
	program.state = calloc(count, sizeof(*program.state));
	program.order = calloc(count, sizeof(*program.order));
	scratch = calloc(count, sizeof(*scratch));
	if (program.state && program.order && scratch)
		error = check(&program, scratch);
	free(program.state);
	free(program.order);
	free(scratch);
	return error;
}
