/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VEX_BASE_ALLOC_H
#define VEX_BASE_ALLOC_H

#include <stdlib.h>
#include <string.h>

/** Zeroed memory on cache lines of its own, to be freed with free(); NULL where there is none. */
static inline void *vex_alloc_lines(size_t size)
{
	size_t whole = (size + 63) & ~(size_t)63;
	void *memory = aligned_alloc(64, whole);

	return memory ? memset(memory, 0, whole) : NULL;
}

#endif
