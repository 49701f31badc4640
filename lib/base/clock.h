/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLOCK_REALTIME from the cycle counter: no system call, and the vDSO once in 10 ms, from
 * which the rate and the offset are disciplined. Never goes back within a thread.
 * Thread-safe: state is kept by thread.
 */
#ifndef VEX_BASE_CLOCK_H
#define VEX_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct vex_clock {
	uint64_t tsc;	  /* of the last look at the vDSO */
	uint64_t ns;	  /* then */
	uint64_t span;	  /* cycles from then to the next look; 0: at each call */
	uint64_t mult;	  /* nanoseconds a cycle, times 2^32; of a span in cycles it fits 64 bits */
	uint64_t latest;  /* last answer */
	uint64_t tsc_first;
	uint64_t ns_first;
};

/* In its place from the start, also in a library: no call is needed to find it. */
extern __thread struct vex_clock vex_clock_state __attribute__((tls_model("initial-exec")));

uint64_t vex_clock_discipline(void);

static inline uint64_t vex_clock_cycles(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return 0;
#endif
}

/*
 * UBSan asks whether the clock's address is null by the flags of the addition that finds it, which
 * ld replaces by one that sets none.
 */
#define VEX_CLOCK_UNCHECKED __attribute__((no_sanitize("undefined")))

/** Nanoseconds since 1970. */
VEX_CLOCK_UNCHECKED static inline uint64_t vex_clock_now(void)
{
	struct vex_clock *clock = &vex_clock_state;
	uint64_t ran = vex_clock_cycles() - clock->tsc; /* huge where the counter went back */
	uint64_t now;

	if (__builtin_expect(ran >= clock->span, 0))
		return vex_clock_discipline();
	now = clock->ns + (ran * clock->mult >> 32);
	if (now < clock->latest)
		now = clock->latest;
	clock->latest = now;
	return now;
}

/** Nanoseconds of a clock that nobody sets: for spans, since the other may step in between. */
uint64_t vex_clock_steady(void);

/** Cycles a second, measured over at least 10 ms; slow at the first call. */
uint64_t vex_clock_hz(void);

#ifdef __cplusplus
}
#endif
#endif
