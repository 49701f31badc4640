/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VEX_BASE_ALLOC_H
#define VEX_BASE_ALLOC_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define VEX_HUGE_PAGE ((size_t)2 << 20)

/** Zeroed memory on cache lines of its own, to be freed with free(); NULL where there is none. */
static inline void *vex_alloc_lines(size_t size)
{
	size_t whole = (size + 63) & ~(size_t)63;
	void *memory = aligned_alloc(64, whole);

	return memory ? memset(memory, 0, whole) : NULL;
}

/**
 * The same for large tables that are read here and there: in huge pages where the system has some
 * to give, so that a read does not wait for a page's address first. A small one is as above.
 */
static inline void *vex_alloc_table(size_t size)
{
	size_t whole = (size + VEX_HUGE_PAGE - 1) & ~(VEX_HUGE_PAGE - 1);
	void *memory;

	if (size < VEX_HUGE_PAGE / 2)
		return vex_alloc_lines(size);
	memory = aligned_alloc(VEX_HUGE_PAGE, whole);
	if (!memory)
		return NULL;
	madvise(memory, whole, MADV_HUGEPAGE); /* where it is refused, small pages do */
	return memset(memory, 0, whole);
}

#endif
