/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The users' programs of a rule set: eBPF, verified and compiled by rte_bpf. Loaded once a set on the
 * main core or a thread of its; run by workers, which share what was loaded.
 */
#ifndef VEX_DATAPLANE_PROGRAM_H
#define VEX_DATAPLANE_PROGRAM_H

#include "abi/program.h"
#include "event/event.h"
#include "rule/image.h"

struct programs;

/** Why an image's programs can't be loaded. */
struct program_why {
	char text[256];
};

/**
 * Loads all programs of an image that was verified; none is good. Returns 0, -ENOMEM, or -EINVAL and
 * what is wrong with which program in *why. One thread at a time: while it loads, what rte_bpf logs
 * is taken for the reason.
 */
int programs_load(const struct rule_image *image, struct programs **programs,
		struct program_why *why);

/** No worker may run them any more. NULL is good. */
void programs_free(struct programs *programs);

/** What one worker needs to run programs: one for each worker, or any thread. */
struct program_run {
	const struct programs *programs;
	struct vex_program_event event;
};

/**
 * What a program says of a checked record: a rule_run of lib/rule/match.h, whose data is a struct
 * program_run with its programs set. Takes no lock and allocates nothing; ends after at most
 * RULE_CODE_MAX instructions.
 */
bool program_run(uint32_t program, const struct vex_record *record, void *data);

#endif
