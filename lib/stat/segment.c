/* SPDX-License-Identifier: BSD-3-Clause */
#include "stat/stat.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

/* How long vex_stat_copy() tries, and how many passes it makes between looks at the clock. */
#define COPY_NS 250000000ull
#define COPY_PASSES 64

#define PART_TRIES 100u

#define ODD_GENERATION UINT64_MAX

const struct vex_stat_segment *vex_stat_map(int fd)
{
	const struct vex_stat_segment *segment;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	if ((uint64_t)st.st_size < sizeof(*segment)) {
		errno = EPROTO;
		return NULL;
	}
	segment = mmap(NULL, sizeof(*segment), PROT_READ, MAP_SHARED, fd, 0);
	if (segment == MAP_FAILED)
		return NULL;
	if (segment->magic != VEX_STAT_MAGIC || segment->version != VEX_STAT_VERSION ||
			segment->size != sizeof(*segment)) {
		vex_stat_unmap(segment);
		errno = EPROTO;
		return NULL;
	}
	return segment;
}

void vex_stat_unmap(const struct vex_stat_segment *segment)
{
	if (segment)
		munmap((void *)(uintptr_t)segment, sizeof(*segment));
}

/* Acquiring each word keeps them in order: a block's generation, its first word, is read first. */
static void copy_words(void *to, const void *from, size_t size)
{
	const uint64_t *source = from;
	uint64_t *target = to;
	size_t i;

	for (i = 0; i < size / sizeof(*source); i++)
		target[i] = VEX_LOAD_ACQUIRE(&source[i]);
}

/*
 * Brings the copy of one block, whose first word is its generation, up to date. False where it
 * was not, or is just being changed.
 */
static bool settle(void *to, const void *from, size_t size)
{
	uint64_t *copied = to;
	const uint64_t *generation = from;
	uint64_t before = VEX_LOAD_ACQUIRE(generation); /* released by vex_stat_end() */

	if (before == *copied && !(before & 1))
		return true;
	copy_words(to, from, size);
	*copied = before;
	/* The words acquired pair with the fence of vex_stat_begin(): a change is seen here. */
	if ((before & 1) || VEX_LOAD_RELAXED(generation) != before)
		*copied = ODD_GENERATION;
	return false;
}

static bool settle_subscriber(struct vex_subscriber_stat *to,
		const struct vex_subscriber_stat *from, unsigned workers)
{
	bool settled = true;
	unsigned i;

	if (vex_stat_subscriber_is_free(to))
		return true;
	for (i = 0; i < workers; i++)
		settled &= settle(&to->worker[i], &from->worker[i], sizeof(to->worker[i]));
	return settled;
}

/*
 * One pass over all blocks in use. Generations only grow: where a whole pass finds every one
 * as it was copied, there was a moment, between the last copy and this pass, at which the
 * segment stood as the copy does.
 */
static bool settle_all(struct vex_stat_segment *to, const struct vex_stat_segment *from,
		unsigned workers)
{
	bool settled = true;
	unsigned i;

	for (i = 0; i < VEX_PORTS_MAX; i++)
		if (to->port[i].state != VEX_SLOT_FREE)
			settled &= settle(&to->port[i], &from->port[i],
					offsetof(struct vex_port_stat, state));
	for (i = 0; i < VEX_LANES_MAX; i++)
		if (to->lane[i].state != VEX_SLOT_FREE)
			settled &= settle(&to->lane[i], &from->lane[i],
					offsetof(struct vex_lane_stat, state));
	for (i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		settled &= settle_subscriber(&to->subscriber[i], &from->subscriber[i], workers);
	for (i = 0; i < workers; i++)
		settled &= settle(&to->worker[i], &from->worker[i],
				offsetof(struct vex_worker_stat, lcore));
	return settled;
}

/* Slots come and go under the segment's own generation: a change there begins anew. */
static bool copy_pass(struct vex_stat_segment *to, const struct vex_stat_segment *from,
		unsigned workers)
{
	uint64_t before = VEX_LOAD_ACQUIRE(&from->generation); /* released by vex_stat_end() */

	if (before & 1)
		return false;
	if (before != to->generation) {
		copy_words(to, from, sizeof(*to));
		to->generation = before;
		return false;
	}
	return settle_all(to, from, workers) && VEX_LOAD_RELAXED(&from->generation) == before;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool vex_stat_copy(const struct vex_stat_segment *segment, struct vex_stat_segment *copy)
{
	uint32_t workers = VEX_LOAD_RELAXED(&segment->worker_count);
	uint64_t deadline = monotonic_ns() + COPY_NS;
	unsigned i;

	if (workers > VEX_WORKERS_MAX)
		workers = VEX_WORKERS_MAX;
	copy->generation = ODD_GENERATION;
	do {
		for (i = 0; i < COPY_PASSES; i++)
			if (copy_pass(copy, segment, workers))
				return true;
		sched_yield(); /* a writer that was preempted in a change may need this very CPU */
	} while (monotonic_ns() < deadline);
	return false;
}

void vex_stat_copy_part(const struct vex_stat_segment *segment, const void *part, void *to,
		size_t size)
{
	uint64_t before;
	unsigned i;

	for (i = 0; i < PART_TRIES; i++) {
		before = VEX_LOAD_ACQUIRE(&segment->generation); /* released by vex_stat_end() */
		memcpy(to, part, size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & 1) && VEX_LOAD_RELAXED(&segment->generation) == before)
			return;
	}
}
