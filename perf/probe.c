/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"

#include <stdlib.h>

#include "abi/types.h"
#include "clock.h"
#include "numbers.h"
#include "pinned.h"

#define BATCHES 200u
#define ROUND_TRIPS 100u
#define STOP UINT64_MAX

struct probe {
	uint64_t ball VEX_LINE_ALIGNED; /* odd: with the echo; even: back */
	uint32_t batch[BATCHES] VEX_LINE_ALIGNED; /* cycles of each batch */
};

static void *echo(void *arg)
{
	struct probe *p = arg;
	uint64_t expected = 1;
	uint64_t seen;

	for (;;) {
		seen = VEX_LOAD_ACQUIRE(&p->ball);
		if (seen == STOP)
			return NULL;
		if (seen != expected)
			continue;
		VEX_STORE_RELEASE(&p->ball, expected + 1);
		expected += 2;
	}
}

static int serve(void *arg)
{
	struct probe *p = arg;
	uint64_t ball = 1;

	for (unsigned i = 0; i < BATCHES; i++) {
		uint64_t begin = cycles_now();

		for (unsigned n = 0; n < ROUND_TRIPS; n++, ball += 2) {
			VEX_STORE_RELEASE(&p->ball, ball);
			while (VEX_LOAD_ACQUIRE(&p->ball) != ball + 1)
				;
		}
		p->batch[i] = (uint32_t)(cycles_now() - begin);
	}
	VEX_STORE_RELEASE(&p->ball, STOP);
	return 0;
}

/* Other load only ever adds time, so the lower quartile tells the distance. */
double probe_crossing_ns(const struct bench_env *env)
{
	struct probe probe = {0};
	pthread_t thread;
	int error;

	error = pinned_start(&thread, env->cpu[1], echo, &probe);
	if (error)
		return error;
	error = pinned_run(env->cpu[0], serve, &probe);
	if (error)
		VEX_STORE_RELEASE(&probe.ball, STOP);
	pthread_join(thread, NULL);
	if (error)
		return error;
	return numbers_percentile(probe.batch, BATCHES, 25) / (2.0 * ROUND_TRIPS) * 1e9 /
			env->tsc_hz;
}

enum placement probe_placement(double crossing_ns)
{
	return crossing_ns < PROBE_FAR_NS ? PLACEMENT_NEAR : PLACEMENT_FAR;
}

const char *placement_name(enum placement placement)
{
	static const char *const names[] = {"near", "far", "mixed"};

	return names[placement];
}
