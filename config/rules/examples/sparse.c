/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program for rules: files that grow by being truncated to a size far beyond what a disk image or
 * a database would take, by whichever process, but for those whose name says that they are sparse.
 *
 *   clang -O2 -target bpf -I /usr/include/vexplane -c sparse.c -o sparse.o
 */
#include "abi/program.h"

#define LARGE (64ull << 30)

VEX_PROGRAM(filter)
{
	if (event->type != VEX_TRUNCATE || event->result < 0)
		return 0;
	if (!(event->has & VEX_PROGRAM_HAS_RANGE) || event->size < LARGE)
		return 0;
	return !VEX_ENDS(event, ".sparse") && !VEX_STARTS(event->path, "/var/lib/libvirt/");
}
