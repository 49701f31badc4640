/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs of the user's: objects of eBPF to instructions, and whether those may run. What a
 * program is given is declared in abi/program.h. Thread-safe; nothing is kept.
 */
#ifndef VEX_RULE_PROGRAM_H
#define VEX_RULE_PROGRAM_H

#include <stdbool.h>

#include "abi/program.h"

#define RULE_OBJECT_MAX (1u << 20) /* bytes of an object */
/**
 * Most instructions along all ways through a program. DPDK's verifier walks each of them: without a
 * bound thirty branches one after the other would keep it busy for hours.
 */
#define RULE_PROGRAM_STEPS_MAX (1u << 17)

/** What is wrong. */
struct rule_program_why {
	char text[192];
};

/**
 * Takes the instructions of a section out of an object (ELF, for a machine of type eBPF), which may
 * be any bytes. *code is on the heap then, to be freed with free(). Refused are relocations, which
 * is what maps, global variables and other functions come to, and more than one function in the
 * section. Returns 0, -ENOMEM, or -EINVAL with a reason in *why. The instructions are unchecked.
 */
int rule_program_extract(const void *object, size_t size, const char *section, uint64_t **code,
		uint32_t *count, struct rule_program_why *why);

/**
 * Whether instructions, which may be any bytes, are a program that ends, that reads nothing but the
 * event and what it wrote on its stack, and that writes nowhere else. Returns 0, -ENOMEM, or
 * -EINVAL with a reason in *why.
 */
int rule_program_check(const uint64_t *code, uint32_t count, struct rule_program_why *why);

/** What programs see of a checked record. */
void rule_program_event(const struct vex_record *record, struct vex_program_event *event);

/** What a program that was checked says of an event, one instruction after the other. */
bool rule_program_exec(const uint64_t *code, uint32_t count, const struct vex_program_event *event);

/**
 * A rule_run of rule/match.h for whom speed does not matter; data is the image, which was verified. A
 * program that came without its code says no.
 */
bool rule_program_run(uint32_t program, const struct vex_record *record, void *image);

#endif
