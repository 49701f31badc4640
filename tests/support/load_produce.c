/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/load.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define POLL_US 2000

struct publisher {
	const struct load_options *options;
	struct vex_lane *lane;
	uint32_t number;
	unsigned seed;
	uint64_t offered; /* relaxed, as all that follows */
	uint64_t lost;
	uint64_t failed; /* refused by libvex: a mistake of ours */
	bool done;
	pthread_t thread;
};

static const uint16_t types[] = {VEX_OPEN, VEX_WRITE, VEX_CREATE, VEX_DELETE, VEX_RENAME,
		VEX_SETXATTR, VEX_GRAPH_TRAVERSE, VEX_VECTOR_SEARCH, VEX_AGENT_ACTION, VEX_METRIC};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

static void publish_one(struct publisher *self)
{
	const struct load_options *options = self->options;
	char path[64 + LOAD_FILLER_MAX];
	uint64_t offset = self->offered;
	int len = snprintf(path, 64, "/load/%u/%u/%llu/", options->id, self->number,
			(unsigned long long)offset);
	uint32_t more = options->filler ? (uint32_t)rand_r(&self->seed) % (options->filler + 1) : 0;
	struct vex_event event = {.type = types[offset % TYPE_COUNT],
			.has = VEX_HAS_TENANT | VEX_HAS_TASK | VEX_HAS_RANGE | VEX_HAS_PATH,
			.tenant = options->id,
			.tid = self->number,
			.offset = offset,
			.path = {path, (size_t)len + more}};
	int error;

	memset(path + len, load_filler(options->id, self->number, offset), more);
	error = vex_publish(self->lane, &event);
	if (error == -ENOBUFS)
		VEX_STORE_RELAXED(&self->lost, self->lost + 1);
	else if (error)
		VEX_STORE_RELAXED(&self->failed, self->failed + 1);
	VEX_STORE_RELAXED(&self->offered, offset + 1);
}

static bool enough(const struct publisher *self)
{
	return VEX_LOAD_RELAXED(&load_orders.stop) ||
			(self->options->count && self->offered >= self->options->count);
}

/* Bursts of random length, with a pause after each that keeps the rate. */
static void *publish(void *arg)
{
	struct publisher *self = arg;
	const struct load_options *options = self->options;

	while (!enough(self)) {
		uint32_t burst = 1 + (uint32_t)rand_r(&self->seed) % options->burst;
		struct timespec pause = {0};

		for (uint32_t i = 0; i < burst && !enough(self); i++)
			publish_one(self);
		if (!options->rate)
			continue;
		pause.tv_nsec = (long)(burst * 1000000000ull / options->rate % 1000000000ull);
		nanosleep(&pause, NULL);
	}
	VEX_STORE_RELAXED(&self->done, true);
	while (vex_flush(self->lane) && !VEX_LOAD_RELAXED(&load_orders.end))
		usleep(POLL_US);
	return NULL;
}

static void report(struct vex_port *port, const struct publisher *publishers, uint32_t count)
{
	struct vex_port_stats stats;
	json_t *offered = json_array();
	uint64_t lost = 0, failed = 0;
	bool done = true;

	for (uint32_t i = 0; i < count; i++) {
		json_array_append_new(offered, json_integer((json_int_t)VEX_LOAD_RELAXED(
				&publishers[i].offered)));
		lost += VEX_LOAD_RELAXED(&publishers[i].lost);
		failed += VEX_LOAD_RELAXED(&publishers[i].failed);
		done &= VEX_LOAD_RELAXED(&publishers[i].done);
	}
	vex_port_get_stats(port, &stats);
	load_print(json_pack("{s:o,s:I,s:I,s:b,s:b,s:b,s:I,s:i,s:I,s:I,s:I}", "offered", offered,
			"lost", (json_int_t)lost, "failed", (json_int_t)failed, "done", done,
			"drained", vex_port_drained(port), "connected", stats.connected,
			"reconnects", (json_int_t)stats.reconnects, "port", (int)stats.port,
			"stats_published", (json_int_t)stats.published, "stats_lost",
			(json_int_t)stats.lost, "waits", (json_int_t)stats.waits));
}

static int start(struct vex_port *port, struct publisher *self, const struct load_options *options,
		uint32_t number)
{
	self->options = options;
	self->number = number;
	self->seed = options->id * 1000 + number;
	if (vex_lane_open(port, &self->lane))
		return load_fail("vex_lane_open");
	return pthread_create(&self->thread, NULL, publish, self);
}

static void answer_until_end(struct vex_port *port, const struct publisher *publishers,
		uint32_t count)
{
	unsigned reported = 0;

	while (!VEX_LOAD_RELAXED(&load_orders.end)) {
		if (reported != VEX_LOAD_RELAXED(&load_orders.reports)) {
			report(port, publishers, count);
			reported++;
		}
		usleep(POLL_US);
	}
}

int load_produce(const struct load_options *options)
{
	struct vex_port_options wanted = {.socket = options->socket,
			.name = options->name,
			.ring_size = options->ring,
			.full = options->wait_us ? VEX_FULL_WAIT : VEX_FULL_DROP,
			.wait_us = options->wait_us,
			.background = options->background};
	struct publisher publishers[LOAD_THREADS_MAX] = {0};
	struct vex_port *port;

	if (vex_port_open(&wanted, &port))
		return load_fail("vex_port_open");
	for (uint32_t i = 0; i < options->threads; i++)
		if (start(port, &publishers[i], options, i))
			return 1;
	answer_until_end(port, publishers, options->threads);
	for (uint32_t i = 0; i < options->threads; i++)
		pthread_join(publishers[i].thread, NULL);
	vex_port_close(port);
	return 0;
}
