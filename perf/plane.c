/* SPDX-License-Identifier: BSD-3-Clause */
#include "plane.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/message.h"
#include "stat/rules.h"

#define START_TRIES 1000
#define TRY_NS 10000000
#define SETTLE_TRIES 100
#define MEMORY_MIB 256

bool plane_hugepages(void)
{
	unsigned long pages = 0, size = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "HugePages_Free: %lu", &pages);
		sscanf(line, "Hugepagesize: %lu", &size);
	}
	fclose(file);
	return pages * size >= MEMORY_MIB * 1024ul;
}

static int spawn(struct plane *plane, const struct bench_env *env, const char *idle,
		const char *image)
{
	char cores[32], prefix[32], memory[16];
	const char *argv[] = {env->dataplane, "--in-memory", "--no-pci", "--no-telemetry", "-l",
		cores, "--file-prefix", prefix, "-m", memory, "--no-huge", "--", "--socket",
		plane->socket, "--idle", idle, image ? "--rules-image" : NULL, image,
		NULL};
	unsigned huge = 10;

	snprintf(cores, sizeof(cores), "%d,%d", env->cpu[0], env->cpu[1]);
	snprintf(prefix, sizeof(prefix), "vex-bench-%d", getpid());
	snprintf(memory, sizeof(memory), "%d", MEMORY_MIB);
	if (plane_hugepages())
		memmove(&argv[huge], &argv[huge + 1], (sizeof(argv) / sizeof(argv[0]) - huge - 1) *
				sizeof(argv[0]));
	plane->pid = janitor_spawn(argv, plane->log);
	return plane->pid < 0 ? plane->pid : 0;
}

static int take_statistics(struct plane *plane)
{
	struct vex_message message = {.type = VEX_MESSAGE_HELLO};
	int fd = -1;
	int error;

	message.hello.role = VEX_ROLE_CONTROL;
	snprintf(message.hello.name, sizeof(message.hello.name), "vex-bench");
	error = vex_message_ask(plane->control, &message, -1, VEX_MESSAGE_WELCOME, &fd);
	if (error) {
		vex_error("the data plane refused a control session: %s", strerror(-error));
		return error;
	}
	plane->stat = vex_stat_map(fd);
	error = plane->stat ? 0 : -errno;
	if (error)
		vex_error("can't map the data plane's statistics: %s", strerror(-error));
	if (fd >= 0)
		close(fd);
	return error;
}

static int wait_until_up(struct plane *plane)
{
	const struct timespec pause = {.tv_nsec = TRY_NS};

	for (int i = 0; i < START_TRIES && janitor_alive(plane->pid); i++) {
		plane->control = vex_message_connect(plane->socket);
		if (plane->control >= 0)
			return take_statistics(plane);
		nanosleep(&pause, NULL);
	}
	vex_error("the data plane did not start; its last words:");
	janitor_show_log(plane->log);
	return -ECONNREFUSED;
}

int plane_start(struct plane *plane, const struct bench_env *env, const char *idle,
		const char *image)
{
	int error;

	*plane = (struct plane){.control = -1};
	if (access(env->dataplane, X_OK)) {
		vex_error("%s: %s; build it, or say where it is with --dataplane",
				env->dataplane, strerror(errno));
		return -ENOENT;
	}
	error = janitor_tempdir("/tmp", plane->dir);
	if (error)
		return error;
	snprintf(plane->socket, sizeof(plane->socket), "%s/plane.sock", plane->dir);
	snprintf(plane->log, sizeof(plane->log), "%s/plane.log", plane->dir);
	error = spawn(plane, env, idle, image);
	return error ? error : wait_until_up(plane);
}

void plane_stop(struct plane *plane)
{
	vex_stat_unmap(plane->stat);
	plane->stat = NULL;
	if (plane->control >= 0)
		close(plane->control);
	plane->control = -1;
	janitor_stop(plane->pid);
	plane->pid = 0;
	janitor_remove(plane->dir);
	plane->dir[0] = '\0';
}

struct plane_work plane_work(const struct plane *plane)
{
	const struct vex_worker_stat *worker = &plane->stat->worker[0];

	return (struct plane_work){
		.cycles = VEX_LOAD_RELAXED(&worker->busy_cycles),
		.events = VEX_LOAD_RELAXED(&worker->busy_events),
		.received = VEX_LOAD_RELAXED(&worker->received),
		.bursts = VEX_LOAD_RELAXED(&worker->bursts),
	};
}

double plane_work_ns(const struct plane *plane, struct plane_work from, struct plane_work to)
{
	if (to.events == from.events || to.bursts == from.bursts)
		return NAN;
	vex_debug("vexplane: %.1f events a burst of the worker",
			(double)(to.received - from.received) / (double)(to.bursts - from.bursts));
	return (double)(to.cycles - from.cycles) / (double)(to.events - from.events) * 1e9 /
			(double)plane->stat->tsc_hz;
}

static int rows_check(const struct vex_stat_segment *copy)
{
	struct vex_verify_row *rows = calloc(VEX_VERIFY_ROWS_MAX, sizeof(*rows));
	unsigned count;
	bool ok = false;

	if (!rows)
		return -ENOMEM;
	count = vex_verify(copy, rows, VEX_VERIFY_ROWS_MAX, &ok);
	for (unsigned i = 0; i < count; i++)
		if (!rows[i].ok)
			vex_error("conservation does not hold: %s: %s (%ld missing)", rows[i].what,
					rows[i].why, (long)rows[i].missing);
	free(rows);
	return ok ? 0 : -EIO;
}

static uint64_t received(const struct vex_stat_segment *stat)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < VEX_WORKERS_MAX; i++)
		sum += VEX_LOAD_RELAXED(&stat->worker[i].received);
	return sum;
}

static int lost_nothing(const struct vex_stat_segment *copy, uint64_t events)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < VEX_PORTS_MAX; i++)
		lost += copy->port[i].lost + copy->port[i].gaps;
	for (unsigned i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		for (unsigned w = 0; w < VEX_WORKERS_MAX; w++)
			lost += copy->subscriber[i].worker[w].target_full +
				copy->subscriber[i].worker[w].too_large;
	if (!lost && received(copy) == events)
		return 0;
	vex_error("the data plane took %lu events of %lu in and lost %lu",
			(unsigned long)received(copy), (unsigned long)events, (unsigned long)lost);
	return -EIO;
}

/* The worker tells its counters a burst late, so wait until it has. */
int plane_verify(const struct plane *plane, uint64_t events)
{
	const struct timespec pause = {.tv_nsec = TRY_NS};
	struct vex_stat_segment *copy = aligned_alloc(VEX_LINE, sizeof(*copy));
	int error = -ENOMEM;

	for (int i = 0; i < SETTLE_TRIES && received(plane->stat) < events; i++)
		nanosleep(&pause, NULL);
	if (copy && !vex_stat_copy(plane->stat, copy)) {
		vex_error("the data plane's statistics never stood still");
		error = -EIO;
	} else if (copy) {
		error = rows_check(copy);
		if (!error)
			error = lost_nothing(copy, events);
	}
	free(copy);
	return error;
}

static const struct vex_rules_segment *borrow_counters(const struct plane *plane)
{
	struct vex_message message = {.type = VEX_MESSAGE_RULE_COUNTERS};
	const struct vex_rules_segment *segment;
	int fd = -1;

	if (vex_message_ask(plane->control, &message, -1, VEX_MESSAGE_DONE, &fd))
		return NULL;
	segment = vex_rules_map(fd);
	close(fd);
	return segment;
}

int plane_matched(const struct plane *plane, uint64_t generation, unsigned rules,
		uint64_t *matched)
{
	const struct vex_rules_segment *segment = borrow_counters(plane);
	struct vex_rule_stat *stats = calloc(rules, sizeof(*stats));
	bool good = segment && stats && vex_rules_read(segment, generation, 0, rules, stats);

	for (unsigned i = 0; good && i < rules; i++)
		matched[i] = stats[i].matched;
	if (!good)
		vex_error("can't read the data plane's counters of rules");
	free(stats);
	vex_rules_unmap(segment);
	return good ? 0 : -EIO;
}
