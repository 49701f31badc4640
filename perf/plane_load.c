/* SPDX-License-Identifier: BSD-3-Clause */
#include "plane_load.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/message.h"
#include "clock.h"
#include "latency.h"
#include "numbers.h"
#include "pinned.h"
#include "plane.h"
#include "rule_sets.h"
#include "support/image.h"
#include "vex/vex.h"

#define RECORD_SIZE 128u
#define MIXED_SIZE_MAX 256u /* of what is made of a path, as it is delivered */
#define BURST 32u
#define READ_BURST 64u
#define STALL_SECONDS 5.0
#define SWEEP_SECONDS 0.02
#define PING_TURNS 1000000u
/* A publishing burst of this many fits an empty lane of 256 KiB. */
#define PUBLISH_BURST 1024u
#define SWAPS 50u
#define SWAP_SECONDS 0.005 /* of load, again and again until all are done */

static const char path[] = "/srv/data/projects/atlas/2026/results/run-0042/part-00017.parquet";

VEX_STATIC_ASSERT(sizeof(path) - 1 == 65, "paths of 65 bytes");

struct load {
	const struct bench_env *env;
	const struct plane_load_rules *rules; /* NULL: all events are one but for their results */
	double *values;
	struct plane plane;
	struct vex_port *port;
	struct vex_lane *lane;
	struct vex_subscription *sub;
	struct vex_event event;
	uint64_t sent;
	uint64_t taken;
	unsigned burst;
	unsigned window; /* events under way at most: fits both lanes, so nothing can be lost */
	int error;
};

/* The one event of all that is not about rules. */
static int make_event(struct load *load)
{
	load->event = (struct vex_event){.has = VEX_HAS_PATH, .type = VEX_WRITE,
		.pid = 4711, .uid = 1000, .gid = 1000, .path = {path, sizeof(path) - 1}};
	if (vex_event_size(&load->event) != RECORD_SIZE) {
		vex_error("the record has %u bytes instead of %u", vex_event_size(&load->event),
				RECORD_SIZE);
		return -EINVAL;
	}
	return 0;
}

static int load_attach(struct load *load)
{
	int error = load->rules ? 0 : make_event(load);

	if (error)
		return error;
	error = vex_subscribe(&(struct vex_subscribe_options){.socket = load->plane.socket,
			.name = "vex-bench", .connect_ms = 5000}, &load->sub);
	if (!error)
		error = vex_port_open(&(struct vex_port_options){.socket = load->plane.socket,
				.name = "vex-bench", .connect_ms = 5000}, &load->port);
	if (!error)
		error = vex_lane_open(load->port, &load->lane);
	if (error)
		vex_error("libvex: %s", vex_last_error());
	return error;
}

/* Each event says which one it is. */
static int32_t result_of(uint64_t number)
{
	return (int32_t)(number & INT32_MAX);
}

static unsigned path_of(const struct load *load, uint64_t number)
{
	return (unsigned)(number % load->rules->paths->count);
}

static void load_publish(struct load *load)
{
	int error;

	if (load->rules)
		rule_paths_event(load->rules->paths, path_of(load, load->sent), &load->event);
	load->event.result = result_of(load->sent);
	error = vex_publish(load->lane, &load->event);
	if (VEX_UNLIKELY(error)) {
		vex_error("vex_publish: %s", strerror(-error));
		load->error = error;
	}
	load->sent++;
}

/* In full, and in the order in which they were sent. */
static void take_one(struct load *load, const struct vex_record *record)
{
	uint16_t type = load->rules ? rule_paths_type(path_of(load, load->taken)) : VEX_WRITE;
	uint64_t copy[MIXED_SIZE_MAX / 8];

	if (!load->rules)
		memcpy(copy, record, RECORD_SIZE);
	else if (record->size <= MIXED_SIZE_MAX)
		memcpy(copy, record, record->size);
	else
		load->error = -EMSGSIZE;
	__asm__ __volatile__("" : : "m"(copy)); /* in full, whatever becomes of it */
	if (VEX_UNLIKELY(record->type != type || record->result != result_of(load->taken)) &&
			!load->error) {
		vex_error("event %lu did not come: a %s of %d bytes stood in its place",
				(unsigned long)load->taken, vex_type_name(record->type),
				record->result);
		load->error = -EIO;
	}
	load->taken++;
}

static int load_take(struct load *load)
{
	const struct vex_record *records[READ_BURST];
	int count = vex_read(load->sub, records, READ_BURST);

	if (VEX_UNLIKELY(count < 0)) {
		vex_error("vex_read: %s", vex_last_error());
		load->error = count;
		return count;
	}
	for (int i = 0; i < count; i++)
		take_one(load, records[i]);
	return count;
}

/* Takes back all that is under way. Who was not let run for long has one more look. */
static int load_drain(struct load *load)
{
	uint64_t stall = (uint64_t)(STALL_SECONDS * load->env->tsc_hz);
	uint64_t until = cycles_now() + stall;
	bool late = false;

	while (load->taken < load->sent && !load->error && !late) {
		late = cycles_now() >= until;
		if (load_take(load) > 0) {
			until = cycles_now() + stall;
			late = false;
		}
	}
	if (!load->error && load->taken < load->sent) {
		vex_error("%lu events of %lu did not arrive in %.0f s",
				(unsigned long)(load->sent - load->taken),
				(unsigned long)load->sent, STALL_SECONDS);
		load->error = -ETIMEDOUT;
	}
	return load->error;
}

static int check_rules(const struct load *load)
{
	uint64_t *matched;
	int error;

	if (!load->rules || !load->rules->check)
		return 0;
	matched = calloc(load->rules->rule_count, sizeof(*matched));
	if (!matched)
		return -ENOMEM;
	error = plane_matched(&load->plane, 1, load->rules->rule_count, matched);
	if (!error)
		error = load->rules->check(load->sent, matched);
	free(matched);
	return error;
}

/* A data plane, a port, a subscription; work on core 0; then the accounts. */
static int load_run(struct load *load, int (*work)(void *))
{
	int error = plane_start(&load->plane, load->env, "poll",
			load->rules ? load->rules->file : NULL);

	if (!error)
		error = load_attach(load);
	if (!error)
		error = pinned_run(load->env->cpu[0], work, load);
	if (load->sub)
		vex_release(load->sub);
	if (!error)
		error = plane_verify(&load->plane, load->sent);
	if (!error)
		error = check_rules(load);
	vex_port_close(load->port);
	vex_unsubscribe(load->sub);
	plane_stop(&load->plane);
	return error;
}

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

/* Keeps the pipeline full for this many cycles; returns events a second. */
static double load_pump(struct load *load, uint64_t span)
{
	uint64_t begin = cycles_now(), first = load->taken;

	for (unsigned turn = 0; turn % 64 || cycles_now() - begin < span; turn++) {
		if (load->sent + load->burst <= load->taken + load->window)
			for (unsigned i = 0; i < load->burst; i++)
				load_publish(load);
		load_take(load);
		if (load->error)
			return NAN;
	}
	load_drain(load);
	return (double)(load->taken - first) * load->env->tsc_hz / (double)(cycles_now() - begin);
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
