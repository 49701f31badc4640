/* SPDX-License-Identifier: BSD-3-Clause */
#include "plane_load.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/message.h"
#include "clock.h"
#include "latency.h"
#include "load.h"
#include "numbers.h"
#include "pinned.h"
#include "support/image.h"

#define BURST 32u
#define SWEEP_SECONDS 0.02
#define PING_TURNS 1000000u
/* A publishing burst of this many fits an empty lane of 256 KiB. */
#define PUBLISH_BURST 1024u
#define SWAPS 50u
#define SWAP_SECONDS 0.005 /* of load, again and again until all are done */

static int ping(void *arg)
{
	struct load *load = arg;
	uint64_t turns = 0;

	load_publish(load);
	while (load->taken < load->sent && !load->error && ++turns < PING_TURNS)
		load_take(load);
	return load->taken == load->sent ? load->error : load_drain(load);
}

static int latency_work(void *arg)
{
	struct load *load = arg;

	return latency_measure(load->env, ping, load, load->values);
}

int plane_latency(const struct bench_env *env, double *values)
{
	struct load load = {.env = env, .values = values};

	return load_run(&load, latency_work);
}

/* As for the peers, what is best is found by trying; it depends on where the cores are. */
static void find_window(struct load *load)
{
	static const unsigned windows[] = {64, 128, 256, 512};
	double rate, best_rate = 0;
	unsigned best = windows[0];

	for (unsigned i = 0; i < 4 && !load->error; i++) {
		load->window = windows[i];
		rate = load_pump(load, (uint64_t)(load->env->tsc_hz * SWEEP_SECONDS));
		if (rate > best_rate) {
			best_rate = rate;
			best = load->window;
		}
	}
	load->window = best;
	vex_debug("vexplane: best with at most %u events under way", best);
}

static int throughput_work(void *arg)
{
	struct load *load = arg;
	struct plane_work work;

	load->window = BURST;
	load_pump(load, bench_span(load->env, 0.2));
	find_window(load);
	work = plane_work(&load->plane);
	load->values[0] = load_pump(load, bench_span(load->env, 1));
	load->values[1] = plane_work_ns(&load->plane, work, plane_work(&load->plane));
	return load->error;
}

int plane_throughput(const struct bench_env *env, double *values)
{
	struct load load = {.env = env, .values = values, .burst = BURST};

	return load_run(&load, throughput_work);
}

/* One event at a time: the worker can't meet more than one. */
static int singles_work(void *arg)
{
	struct load *load = arg;
	uint64_t until = cycles_now() + bench_span(load->env, 1);
	struct plane_work work = plane_work(&load->plane);

	while (cycles_now() < until)
		if (ping(load))
			return load->error;
	load->values[0] = plane_work_ns(&load->plane, work, plane_work(&load->plane));
	return 0;
}

int plane_bursts_of_1(const struct bench_env *env, double *values)
{
	struct load load = {.env = env, .values = values};

	return load_run(&load, singles_work);
}

int plane_bursts_of_32(const struct bench_env *env, double *values)
{
	double both[2] = {NAN, NAN};
	int error = plane_throughput(env, both);

	values[0] = both[1];
	return error;
}

/* Each burst finds an empty lane and fits it; what it cost a call, over all bursts. */
static int publish_bursts(struct load *load, double *ns)
{
	uint64_t until = cycles_now() + bench_span(load->env, 0.5);
	uint64_t cycles = 0, first = load->sent, begin;

	while (cycles_now() < until) {
		begin = cycles_now();
		for (unsigned i = 0; i < PUBLISH_BURST; i++)
			load_publish(load);
		cycles += cycles_now() - begin;
		if (load_drain(load))
			return load->error;
	}
	*ns = (double)cycles / (double)(load->sent - first) * 1e9 / load->env->tsc_hz;
	return 0;
}

static int publish_work(void *arg)
{
	struct load *load = arg;
	int error = publish_bursts(load, &load->values[0]);

	load->event.start_ns = vex_now_ns();
	return error ? error : publish_bursts(load, &load->values[1]);
}

int plane_publish(const struct bench_env *env, double *values)
{
	struct load load = {.env = env, .values = values};

	return load_run(&load, publish_work);
}

int plane_pipeline(const struct bench_env *env, const struct plane_load_rules *rules,
		double *values)
{
	struct load load = {.env = env, .rules = rules, .values = values, .burst = BURST};

	return load_run(&load, throughput_work);
}

struct swaps {
	struct load *load;
	double ms[SWAPS];
	int error;
	int done; /* released by swap_all(), acquired by the load */
};

static int swap_one(struct swaps *swaps, unsigned i)
{
	const struct plane_load_rules *rules = swaps->load->rules;
	struct vex_message message = {.type = VEX_MESSAGE_RULES};
	int fd = image_pass(rules->image[i % 2], rules->size[i % 2], IMAGE_SEALS);
	int error;

	if (fd < 0)
		return -errno;
	message.rules.size = rules->size[i % 2];
	message.rules.generation = i + 2; /* the set from the start has 1 */
	error = vex_message_ask(swaps->load->plane.control, &message, fd, VEX_MESSAGE_DONE, NULL);
	close(fd);
	if (error)
		vex_error("the data plane did not take rules: %s",
				message.type == VEX_MESSAGE_REFUSED ? message.reason
								    : strerror(-error));
	swaps->ms[i] = (double)message.done.swap_ns * 1e-6;
	return error;
}

static void *swap_all(void *arg)
{
	struct swaps *swaps = arg;

	for (unsigned i = 0; i < SWAPS && !swaps->error; i++)
		swaps->error = swap_one(swaps, i);
	VEX_STORE_RELEASE(&swaps->done, 1);
	return NULL;
}

static int swap_work(void *arg)
{
	struct load *load = arg;
	struct swaps swaps = {.load = load};
	pthread_t swapper;
	int error;

	load->window = BURST * 4;
	error = pinned_start(&swapper, load->env->cpu[0], swap_all, &swaps);
	if (error)
		return error;
	while (!VEX_LOAD_ACQUIRE(&swaps.done) && !load->error)
		load_pump(load, (uint64_t)(load->env->tsc_hz * SWAP_SECONDS));
	pthread_join(swapper, NULL);
	load->values[0] = numbers_median(swaps.ms, SWAPS);
	return load->error ? load->error : swaps.error;
}

int plane_swaps(const struct bench_env *env, const struct plane_load_rules *rules, double *ms)
{
	struct load load = {.env = env, .rules = rules, .values = ms, .burst = BURST};

	return load_run(&load, swap_work);
}
