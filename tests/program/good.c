/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that may run. What each says is told once more, by other means, in test_program.c. */
#include "abi/program.h"

VEX_PROGRAM(numbers)
{
	uint64_t mix = event->start_ns * 3 + event->pid;

	mix ^= event->duration_ns << 7 | event->uid >> 3;
	mix -= (uint64_t)event->result / 5;
	mix += (event->offset % 1000) * event->tenant + event->size;
	mix = (mix >> 13) ^ (uint32_t)mix * 0x9e3779b1u;
	return (mix & 3) == 1;
}

VEX_PROGRAM(texts)
{
	return VEX_STARTS(event->path, "/usr/share/") ||
			(VEX_ENDS(event, ".h") && event->path_len > 24) || VEX_IS(event->comm, "cat");
}

/* Places that are known only when it runs; a mask keeps them within. */
VEX_PROGRAM(places)
{
	return event->path[event->path_len / 2 & 127] == event->name[event->name_len / 2 & 31];
}

/* Counts slashes without a branch, since branches that join multiply the ways through. */
VEX_PROGRAM(slashes)
{
	uint32_t count = 0;

#pragma clang loop unroll(full)
	for (uint32_t i = 0; i < 128; i++)
		count += ((uint32_t)((uint8_t)event->path[i] ^ '/') - 1) >> 31;
	return count > 4;
}

/* What the compiler keeps on the stack. */
VEX_PROGRAM(stack)
{
	uint64_t kept[4];

	kept[0] = event->ino;
	kept[1] = event->dev;
	kept[2] = event->mode;
	kept[3] = event->graph.node + event->vector.k;
	__asm__("" : : "r"(kept) : "memory");
	return (kept[0] ^ kept[1] ^ kept[2] ^ kept[3]) & 1;
}
