/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/plane.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_mempool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "dataplane/lane_memory.h"
#include "dataplane/placement.h"
#include "dataplane/quota.h"
#include "dataplane/rules.h"

#define POOL_CACHE 128u
#define NAPPING_US 2000u
#define RING_MAX_DEFAULT (64ull << 20)

/* Readers get it read-only: the seal forbids any further writable mapping. */
static int make_segment(struct plane *plane)
{
	size_t size = sizeof(*plane->stat);
	void *memory;

	plane->stat_fd = memfd_create("vex-stat", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (plane->stat_fd < 0 || ftruncate(plane->stat_fd, (off_t)size) < 0)
		return -errno;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			plane->stat_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	plane->stat = memory;
	if (fcntl(plane->stat_fd, F_ADD_SEALS,
			    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_FUTURE_WRITE) < 0)
		return -errno;
	plane->stat->version = VEX_STAT_VERSION;
	plane->stat->size = size;
	plane->stat->node = plane->node;
	plane->stat->pid = (uint32_t)getpid();
	plane->stat->started_ns = vex_clock_now();
	plane->stat->heartbeat_ns = plane->stat->started_ns;
	plane->stat->tsc_hz = vex_clock_hz();
	plane->stat->magic = VEX_STAT_MAGIC;
	return 0;
}

static struct rte_mempool *pool_of_socket(const char *what, unsigned socket, uint32_t count,
		uint32_t size)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "vex_%s_%u", what, socket);
	pool = rte_mempool_lookup(name);
	if (!pool)
		pool = rte_mempool_create(name, count, size,
				count > 8 * POOL_CACHE ? POOL_CACHE : 0, 0, NULL, NULL, NULL, NULL,
				(int)socket, 0);
	return pool;
}

/*
 * Of a socket's objects one half at most may be held, and an eighth be kept for summaries, so that
 * the rest is left for bursts; each of its workers has a share of these.
 */
static uint32_t share(uint32_t objects)
{
	uint32_t workers = rte_lcore_count() - 1;

	return objects / (workers ? workers : 1);
}

static int make_tables(struct worker *worker, const struct plane_sizes *sizes)
{
	int error = held_init(&worker->held, share(sizes->events / 2),
			share(sizes->long_events / 2));

	return error ? error
		     : summary_init(&worker->summaries, share(sizes->events / 8),
				       share(sizes->long_events / 8));
}

static int make_worker(struct plane *plane, unsigned lcore, const struct plane_sizes *sizes)
{
	struct worker *worker = &plane->workers[plane->worker_count];
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	uint32_t cpu = placement_cpu(lcore), socket = placement_node(cpu);

	worker->plane = plane;
	worker->index = plane->worker_count;
	worker->lcore = lcore;
	worker->node = plane->node;
	worker->stat = &plane->stat->worker[worker->index];
	worker->stat->lcore = lcore;
	worker->stat->cpu = cpu;
	worker->stat->socket = socket;
	worker->plans = vex_alloc_lines(2 * sizeof(struct plan));
	if (!worker->plans)
		return -ENOMEM;
	worker->plan = worker->next_plan = worker->plans;
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->wake < 0 || worker->epoll < 0 ||
			epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->wake, &event) < 0)
		return -errno;
	worker->objects = pool_of_socket("events", socket, sizes->events,
			sizeof(struct vex_object));
	worker->long_objects = pool_of_socket("long", socket, sizes->long_events, VEX_RECORD_MAX);
	worker->ns_of_cycles = (uint64_t)((1000000000ull << 32) / (double)plane->stat->tsc_hz);
	plane->worker_count++;
	if (!worker->objects || !worker->long_objects)
		return -ENOMEM;
	return make_tables(worker, sizes);
}

static int make_workers(struct plane *plane, const struct plane_sizes *sizes)
{
	unsigned lcore;
	int error = 0;

	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		if (plane->worker_count == VEX_WORKERS_MAX) {
			vex_warn("lcore %u is left idle: at most %u workers", lcore, VEX_WORKERS_MAX);
			break;
		}
		error = make_worker(plane, lcore, sizes);
		if (error)
			break;
	}
	plane->stat->worker_count = plane->worker_count;
	return error;
}

struct plane *plane_create(const struct plane_sizes *sizes, bool driven, uint32_t node)
{
	struct plane *plane = vex_alloc_lines(sizeof(*plane));
	int error;

	if (!plane) {
		vex_error("out of memory");
		return NULL;
	}
	plane->driven = driven;
	plane->node = node;
	plane->ring_max = RING_MAX_DEFAULT;
	plane->lane_memory = LANE_MEMORY_DEFAULT;
	plane->detached.what = "lanes that broke their rules";
	plane->backlog = PLANE_BACKLOG_DEFAULT;
	memcpy(plane->policies, class_defaults, sizeof(plane->policies));
	error = make_segment(plane);
	if (!error)
		error = make_workers(plane, sizes);
	if (!error)
		error = rules_open(plane, sizes->rules_max ? sizes->rules_max : RULES_MAX_DEFAULT,
				sizes->limit_keys ? sizes->limit_keys : LIMIT_KEYS_DEFAULT);
	if (error) {
		vex_error("the data plane can't be set up: %s%s", strerror(-error),
				error == -ENOMEM ? "; give more by -m or hugepages, or want fewer "
						   "--events and --long-events"
						 : "");
		plane_destroy(plane);
		return NULL;
	}
	return plane;
}

void plane_set_idle(struct plane *plane, enum idle_strategy idle, uint32_t spin_us)
{
	plane->stat->idle = idle;
	for (uint32_t i = 0; i < plane->worker_count; i++) {
		plane->workers[i].idle = idle;
		plane->workers[i].spin_cycles = plane->stat->tsc_hz / 1000000 * spin_us;
		plane->workers[i].nap_cycles = plane->stat->tsc_hz / 1000000 * (spin_us + NAPPING_US);
	}
}

void plane_destroy(struct plane *plane)
{
	if (!plane)
		return;
	rules_close(plane);
	for (uint32_t i = 0; i < plane->worker_count; i++) {
		struct worker *worker = &plane->workers[i];

		rte_mempool_free(worker->objects);
		rte_mempool_free(worker->long_objects);
		for (uint32_t k = i + 1; k < plane->worker_count; k++) {
			if (plane->workers[k].objects != worker->objects)
				continue;
			plane->workers[k].objects = NULL;
			plane->workers[k].long_objects = NULL;
		}
		held_free(&worker->held);
		summary_free(&worker->summaries);
		free(worker->plans);
		close(worker->wake);
		close(worker->epoll);
	}
	quotas_free(plane->quotas);
	if (plane->stat)
		munmap(plane->stat, sizeof(*plane->stat));
	if (plane->stat_fd >= 0)
		close(plane->stat_fd);
	free(plane);
}
