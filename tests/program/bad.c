/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that may not run; test_program.c tells why not. */
#include "abi/program.h"

VEX_PROGRAM(loops)
{
	uint64_t sum = 0;

#pragma clang loop unroll(disable)
	for (uint32_t i = 0; i < event->path_len; i++)
		sum += i ^ sum;
	return sum;
}

VEX_PROGRAM(beyond)
{
	return ((const uint64_t *)event)[sizeof(*event) / 8];
}

VEX_PROGRAM(index)
{
	return event->path[event->path_len];
}

VEX_PROGRAM(unset)
{
	uint64_t what;

	__asm__("%0 = r7" : "=r"(what));
	return what + event->pid;
}

uint64_t bpf_helper(uint64_t what);

VEX_PROGRAM(calls)
{
	return bpf_helper(event->pid);
}

uint64_t counter;

VEX_PROGRAM(global)
{
	return ++counter + event->pid;
}

VEX_PROGRAM(writes)
{
	((struct vex_program_event *)event)->pid = 1;
	return 1;
}
