/* SPDX-License-Identifier: BSD-3-Clause */
/* Time by the processor's time stamp counter and by what was spent; how a spinning core waits. */
#ifndef VEX_PERF_CLOCK_H
#define VEX_PERF_CLOCK_H

#include <stdint.h>
#include <time.h>
#include <x86intrin.h>

/** Cycles now; nothing that stands before it is still to be done. */
static inline uint64_t cycles_now(void)
{
	unsigned aux;

	return __rdtscp(&aux);
}

/** Of this thread on a processor, in nanoseconds: nothing here waits, and others may run. */
static inline uint64_t spent_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}

static inline void cycles_pause(uint64_t cycles)
{
	uint64_t until = cycles_now() + cycles;

	while (cycles_now() < until)
		_mm_pause();
}

#endif
