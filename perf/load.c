/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "clock.h"
#include "pinned.h"
#include "rule_sets.h"

#define RECORD_SIZE 128u
#define MIXED_SIZE_MAX 256u /* of what is made of a path, as it is delivered */
#define READ_BURST 64u
#define STALL_SECONDS 5.0
#define STALL_STEP 0.001

static const char path[] = "/srv/data/projects/atlas/2026/results/run-0042/part-00017.parquet";

VEX_STATIC_ASSERT(sizeof(path) - 1 == 65, "paths of 65 bytes");

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

void load_publish(struct load *load)
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

int load_take(struct load *load)
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

/*
 * Takes back all that is under way. Time in which this thread was not let run counts for little: the
 * whole machine may have stood still, and the worker with it.
 */
int load_drain(struct load *load)
{
	uint64_t stall = (uint64_t)(STALL_SECONDS * load->env->tsc_hz);
	uint64_t step = (uint64_t)(STALL_STEP * load->env->tsc_hz);
	uint64_t waited = 0, last = cycles_now();

	while (load->taken < load->sent && !load->error && waited < stall) {
		uint64_t now = cycles_now();

		waited += now - last < step ? now - last : step;
		last = now;
		if (load_take(load) > 0)
			waited = 0;
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

int load_run(struct load *load, int (*work)(void *))
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

double load_pump(struct load *load, uint64_t span)
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
