/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"

#define NS_PER_S 1000000000ull
#define LOOK_NS 10000000ull  /* between looks at the vDSO */
#define RATE_NS 500000000ull /* the rate is taken over at least that, once it is known */

__thread struct vex_clock vex_clock_state;

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/*
 * Until 10 ms of history are there, and wherever the wall clock was set, answers come from the
 * vDSO itself: span stays 0, so that each call comes here.
 */
VEX_CLOCK_UNCHECKED uint64_t vex_clock_discipline(void)
{
	struct vex_clock *clock = &vex_clock_state;
	uint64_t tsc = vex_clock_cycles();
	uint64_t ns = read_clock(CLOCK_REALTIME);
	uint64_t ran = ns - clock->ns_first;

	if (!clock->tsc_first || tsc <= clock->tsc_first || ns < clock->ns_first ||
			(clock->mult && ran > 4 * RATE_NS)) {
		clock->tsc_first = tsc;
		clock->ns_first = ns;
	} else if (ran >= LOOK_NS && (!clock->mult || ran >= RATE_NS)) {
		clock->mult = (uint64_t)(((unsigned __int128)ran << 32) /
				(tsc - clock->tsc_first));
	}
	clock->tsc = tsc;
	clock->ns = ns;
	if (clock->mult)
		clock->span = (LOOK_NS << 32) / clock->mult;
	if (ns + RATE_NS < clock->latest) /* the wall clock was set back */
		clock->latest = 0;
	if (ns < clock->latest)
		ns = clock->latest;
	clock->latest = ns;
	return ns;
}

uint64_t vex_clock_steady(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t vex_clock_hz(void)
{
	static uint64_t hz;
	uint64_t tsc, start, ran;

	if (__atomic_load_n(&hz, __ATOMIC_RELAXED))
		return hz;
	tsc = vex_clock_cycles();
	start = read_clock(CLOCK_MONOTONIC_RAW);
	do {
		ran = read_clock(CLOCK_MONOTONIC_RAW) - start;
	} while (ran < 2 * LOOK_NS);
	tsc = vex_clock_cycles() - tsc;
	__atomic_store_n(&hz, (uint64_t)((unsigned __int128)tsc * NS_PER_S / ran),
			__ATOMIC_RELAXED);
	return hz;
}
