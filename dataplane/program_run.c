/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs as workers run them: no lock, no heap, no system call. */
#include "dataplane/program_work.h"
#include "rule/program.h"

bool program_run(uint32_t number, const struct vex_record *record, void *data)
{
	struct program_run *run = data;
	const struct program *program;

	if (VEX_UNLIKELY(!run->programs || number >= run->programs->count))
		return false;
	program = &run->programs->list[number];
	rule_program_event(record, &run->event);
	if (VEX_UNLIKELY(!program->run))
		return rte_bpf_exec(program->bpf, &run->event);
	return program->run(&run->event);
}
