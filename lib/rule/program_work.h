/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What checks a program. Private to lib/rule.
 *
 *   program_elf.c    object to instructions
 *   program_check.c  each instruction is one; jumps stay within; no loops; how many ways through
 *   program_event.c  events as programs see them
 *   program_exec.c   runs what was checked
 *   program_value.c  what registers hold: each access is within the event or the stack
 *   program_bounds.c what is known of a value, and what operations make of it
 */
#ifndef VEX_RULE_PROGRAM_WORK_H
#define VEX_RULE_PROGRAM_WORK_H

#include <linux/bpf.h>
#include <stdbool.h>

#include "rule/program.h"

struct program {
	const struct bpf_insn *code;
	uint32_t count;
	uint8_t *state;   /**< of each instruction: enum program_state */
	uint32_t *order;  /**< each before those that follow it */
	uint32_t ordered;
	struct rule_program_why *why;
};

/** The instructions that may follow; returns how many, up to 2. The first is that of a jump. */
unsigned program_next(const struct program *program, uint32_t at, uint32_t next[2]);

/** Says what is wrong with an instruction; false. */
bool program_wrong(struct program *program, uint32_t at, const char *format, ...)
		__attribute__((format(printf, 3, 4)));

/** Follows values along the order; 0, -ENOMEM or -EINVAL. */
int program_values(struct program *program);

static inline bool program_is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

#endif
