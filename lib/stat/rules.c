/* SPDX-License-Identifier: BSD-3-Clause */
#include "stat/rules.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

const struct vex_rules_segment *vex_rules_map(int fd)
{
	const struct vex_rules_segment *segment;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	if ((uint64_t)st.st_size < sizeof(*segment)) {
		errno = EPROTO;
		return NULL;
	}
	segment = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (segment == MAP_FAILED)
		return NULL;
	if (segment->magic != VEX_RULES_MAGIC || segment->version != VEX_RULES_VERSION ||
			segment->size != (uint64_t)st.st_size ||
			segment->size != vex_rules_size(segment->worker_count,
							 segment->slot_count)) {
		munmap((void *)(uintptr_t)segment, (size_t)st.st_size);
		errno = EPROTO;
		return NULL;
	}
	return segment;
}

void vex_rules_unmap(const struct vex_rules_segment *segment)
{
	if (segment)
		munmap((void *)(uintptr_t)segment, segment->size);
}

static void add(struct vex_rule_stat *sum, const struct vex_rule_stat *one)
{
	uint64_t last = VEX_LOAD_RELAXED(&one->last_ns);

	sum->matched += VEX_LOAD_RELAXED(&one->matched);
	sum->routed += VEX_LOAD_RELAXED(&one->routed);
	sum->limited += VEX_LOAD_RELAXED(&one->limited);
	if (last > sum->last_ns)
		sum->last_ns = last;
}

static bool read_all(const struct vex_rules_segment *segment, uint32_t first, uint32_t count,
		struct vex_rule_stat *stats)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = VEX_LOAD_RELAXED(&segment->slots[first + i]);

		memset(&stats[i], 0, sizeof(stats[i]));
		if (slot >= segment->slot_count)
			return false;
		for (uint32_t w = 0; w < segment->worker_count; w++)
			add(&stats[i], &vex_rules_counters(segment, segment->slot_count, w)[slot]);
	}
	return true;
}

bool vex_rules_read(const struct vex_rules_segment *segment, uint64_t generation, uint32_t first,
		uint32_t count, struct vex_rule_stat *stats)
{
	uint64_t before = VEX_LOAD_ACQUIRE(&segment->change); /* released by vex_stat_end() */
	uint32_t rules = VEX_LOAD_RELAXED(&segment->rule_count);

	if ((before & 1) || VEX_LOAD_RELAXED(&segment->generation) != generation)
		return false;
	if (rules > segment->slot_count || first > rules || count > rules - first)
		return false;
	if (!read_all(segment, first, count, stats))
		return false;
	/* Pairs with the fence of vex_stat_begin(): what changed meanwhile is seen here. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return VEX_LOAD_RELAXED(&segment->change) == before;
}
