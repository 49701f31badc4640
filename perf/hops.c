/* SPDX-License-Identifier: BSD-3-Clause */
#include "hops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "clock.h"
#include "hop_ring.h"
#include "latency.h"
#include "pinned.h"

#define STALL_CYCLES 20000000000ull
#define SWEEP_SECONDS 0.004
#define AHEADS 4u /* prefetch 0, 1/2, 1 and 3/2 bursts ahead */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct shared {
	struct hop_ring there;
	struct hop_ring back;
	int stop VEX_LINE_ALIGNED;
};

struct hops {
	const struct bench_env *env;
	struct shared *shared;
	uint64_t slots;
	uint64_t burst;
	uint64_t ahead;
	int demotes;
	uint64_t span; /* cycles to measure */
	double *values;
	struct hop_end out;
	struct hop_end in;
};

static int shared_map(struct shared **shared)
{
	int fd = memfd_create("two_hops", MFD_CLOEXEC);
	void *memory = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sizeof(**shared)))
		memory = mmap(NULL, sizeof(**shared), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_POPULATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (memory == MAP_FAILED) {
		vex_error("two_hops: can't map shared memory: %s", strerror(errno));
		return -ENOMEM;
	}
	*shared = memory;
	return 0;
}

/* One burst at most; what is read is what is written to the second ring. */
static void forward_burst(const struct hops *hops, struct hop_end *in, struct hop_end *out)
{
	const struct hop_slot *slot;
	uint64_t n = 0;

	while (n < hops->burst && hop_room(out, 1) && (slot = hop_ready(in))) {
		hop_write(out, slot->word, hops->ahead, hops->demotes);
		in->at++;
		n++;
	}
	if (n)
		hop_release(in);
}

static void *forward(void *arg)
{
	const struct hops *hops = arg;
	struct hop_end in, out;

	hop_end_init(&in, &hops->shared->there, hops->slots);
	hop_end_init(&out, &hops->shared->back, hops->slots);
	while (!VEX_LOAD_RELAXED(&hops->shared->stop))
		forward_burst(hops, &in, &out);
	return NULL;
}

static void send_one(struct hops *hops)
{
	uint64_t word[15];

	for (unsigned i = 0; i < 15; i++)
		word[i] = hops->out.at + i;
	hop_write(&hops->out, word, hops->ahead, hops->demotes);
}

static void take_one(struct hops *hops, const struct hop_slot *slot)
{
	struct hop_slot copy;

	memcpy(&copy, slot, sizeof(copy));
	__asm__ __volatile__("" : : "m"(copy)); /* in full, whatever becomes of it */
	hops->in.at++;
}

/* With a forwarder on the other core, what the load side does on its own. */
static int hops_run(struct hops *hops, int (*load)(void *))
{
	pthread_t forwarder;
	int error = shared_map(&hops->shared);

	if (error)
		return error;
	hop_end_init(&hops->out, &hops->shared->there, hops->slots);
	hop_end_init(&hops->in, &hops->shared->back, hops->slots);
	error = pinned_start(&forwarder, hops->env->cpu[1], forward, hops);
	if (!error) {
		error = pinned_run(hops->env->cpu[0], load, hops);
		VEX_STORE_RELAXED(&hops->shared->stop, 1);
		pthread_join(forwarder, NULL);
	}
	munmap(hops->shared, sizeof(*hops->shared));
	return error;
}

static int ping(void *arg)
{
	struct hops *hops = arg;
	const struct hop_slot *slot;

	hop_room(&hops->out, 1);
	send_one(hops);
	while (!(slot = hop_ready(&hops->in)))
		;
	take_one(hops, slot);
	hop_release(&hops->in);
	return 0;
}

static int latency_load(void *arg)
{
	struct hops *hops = arg;

	return latency_measure(hops->env, ping, hops, hops->values);
}

int hops_latency(const struct bench_env *env, double *values)
{
	double plain[2], demoted[2];
	struct hops hops = {.env = env, .slots = 128, .burst = 1, .values = plain};
	int error = hops_run(&hops, latency_load);

	if (error)
		return error;
	hops.demotes = 1;
	hops.values = demoted;
	error = hops_run(&hops, latency_load);
	if (!error)
		memcpy(values, demoted[0] < plain[0] ? demoted : plain, sizeof(plain));
	return error;
}

/* Keeps the rings full: a burst out, what is there back in. */
static void pump(struct hops *hops, uint64_t until)
{
	const struct hop_slot *slot;

	for (uint64_t turn = 0; turn % 64 || cycles_now() < until; turn++) {
		uint64_t n = 0;

		if (hops->out.at + hops->burst <= hops->in.at + hops->slots &&
				hop_room(&hops->out, hops->burst))
			for (uint64_t i = 0; i < hops->burst; i++)
				send_one(hops);
		while (n < 2 * hops->burst && (slot = hop_ready(&hops->in))) {
			take_one(hops, slot);
			n++;
		}
		if (n)
			hop_release(&hops->in);
	}
}

/* Waits for what is still under way. */
static int drain(struct hops *hops)
{
	const struct hop_slot *slot;
	uint64_t until = cycles_now() + STALL_CYCLES;

	while (hops->in.at < hops->out.at && cycles_now() < until)
		if ((slot = hop_ready(&hops->in))) {
			take_one(hops, slot);
			hop_release(&hops->in);
		}
	return hops->in.at == hops->out.at ? 0 : -EIO;
}

static int throughput_load(void *arg)
{
	struct hops *hops = arg;
	uint64_t begin = cycles_now();
	int error;

	pump(hops, begin + hops->span);
	error = drain(hops);
	hops->values[0] = (double)hops->in.at * hops->env->tsc_hz / (double)(cycles_now() - begin);
	return error;
}

/* What is best depends on where the cores are now, so each run looks anew. */
static int sweep(const struct bench_env *env, struct hops *best)
{
	static const uint64_t slots[] = {32, 64, 128, 256};
	static const uint64_t bursts[] = {8, 16, 32};
	double rate, best_rate = 0;

	for (unsigned i = 0; i < COUNT(slots) * COUNT(bursts) * AHEADS * 2; i++) {
		struct hops hops = {.env = env, .values = &rate, .slots = slots[i % COUNT(slots)],
			.burst = bursts[i / COUNT(slots) % COUNT(bursts)],
			.span = (uint64_t)(env->tsc_hz * SWEEP_SECONDS)};
		int error;

		hops.ahead = i / COUNT(slots) / COUNT(bursts) % AHEADS * hops.burst / 2;
		hops.demotes = i / COUNT(slots) / COUNT(bursts) / AHEADS;
		error = hops_run(&hops, throughput_load);
		if (error)
			return error;
		if (rate > best_rate) {
			best_rate = rate;
			*best = hops;
		}
	}
	vex_debug("two_hops: best with %lu slots, bursts of %lu, prefetch %lu ahead%s",
			(unsigned long)best->slots, (unsigned long)best->burst,
			(unsigned long)best->ahead, best->demotes ? ", demoted" : "");
	return 0;
}

int hops_throughput(const struct bench_env *env, double *values)
{
	struct hops best;
	int error = sweep(env, &best);

	if (error)
		return error;
	best.values = values;
	best.span = bench_span(env, 1);
	return hops_run(&best, throughput_load);
}
