/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "dataplane/plan.h"
#include "dataplane/target.h"

/* During a swap two sets are there, which may have no rule in common. */
#define SETS_AT_ONCE 2u

static int make_segment(struct rules *rules, uint32_t workers)
{
	uint32_t slots = rules->slots.max;
	size_t size = vex_rules_size(workers, slots);
	void *memory;

	rules->segment_fd = memfd_create("vex-rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (rules->segment_fd < 0 || ftruncate(rules->segment_fd, (off_t)size) < 0)
		return -errno;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			rules->segment_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	rules->segment = memory;
	rules->segment_size = size;
	if (fcntl(rules->segment_fd, F_ADD_SEALS,
			    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_FUTURE_WRITE) < 0)
		return -errno;
	rules->segment->version = VEX_RULES_VERSION;
	rules->segment->size = size;
	rules->segment->worker_count = workers;
	rules->segment->slot_count = slots;
	rules->segment->magic = VEX_RULES_MAGIC;
	return 0;
}

int rules_open(struct plane *plane, uint32_t rules_max, uint32_t keys)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	uint64_t seed;
	int error;

	if (!rules)
		return -ENOMEM;
	plane->rules = rules;
	rules->rules_max = rules_max;
	rules->slots.max = SETS_AT_ONCE * rules_max;
	rules->segment_fd = -1;
	if (getrandom(&rules->secret, sizeof(rules->secret), 0) != sizeof(rules->secret) ||
			getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	error = rule_limits_new(keys, seed, &rules->limits);
	return error ? error : make_segment(rules, plane->worker_count);
}

void rules_close(struct plane *plane)
{
	struct rules *rules = plane->rules;

	if (!rules)
		return;
	rules_retire(rules, rules->set);
	rule_limits_free(rules->limits);
	slots_free(&rules->slots);
	if (rules->segment)
		munmap(rules->segment, rules->segment_size);
	if (rules->segment_fd >= 0)
		close(rules->segment_fd);
	explicit_bzero(&rules->secret, sizeof(rules->secret));
	free(rules);
	plane->rules = NULL;
}

static void open_stat(struct plane *plane, const struct ruleset *set, uint64_t swap_ns)
{
	struct vex_ruleset_stat *stat = &plane->stat->ruleset;

	vex_stat_begin(&plane->stat->generation);
	memset(stat, 0, sizeof(*stat));
	if (set) {
		stat->generation = set->generation;
		stat->rules = set->rule_count;
		stat->image_bytes = set->size;
		memcpy(stat->name, set->name, sizeof(stat->name));
	}
	stat->loaded_ns = vex_clock_now();
	stat->swap_ns = swap_ns;
	vex_stat_end(&plane->stat->generation);
}

/* Tells readers of counters which rule has which slot. */
static void show_slots(struct rules *rules, const struct ruleset *set)
{
	struct vex_rules_segment *segment = rules->segment;

	vex_stat_begin(&segment->change);
	segment->generation = set ? set->generation : 0;
	segment->rule_count = set ? set->rule_count : 0;
	for (uint32_t i = 0; set && i < set->rule_count; i++)
		VEX_STORE_RELAXED(&segment->slots[i], set->slots[i]);
	vex_stat_end(&segment->change);
}

struct ruleset *rules_publish(struct plane *plane, struct ruleset *set, uint64_t *swap_ns)
{
	struct rules *rules = plane->rules;
	struct ruleset *old = rules->set;

	rules->set = set;
	plane->hold_unruled = false;
	if (set)
		rules->generation = set->generation;
	*swap_ns = plan_publish_all(plane);
	show_slots(rules, set);
	open_stat(plane, set, *swap_ns);
	return old;
}

static void write_waiting(struct worker *worker)
{
	uint64_t before;

	do {
		before = worker->stat->copies;
		target_write_waiting(worker);
	} while (worker->stat->copies != before);
}

void rules_end(struct plane *plane)
{
	uint64_t swap_ns;

	for (uint32_t i = 0; i < plane->worker_count; i++)
		write_waiting(&plane->workers[i]);
	rules_retire(plane->rules, rules_publish(plane, NULL, &swap_ns));
}

int rules_check(const struct plane *plane, int fd, const struct vex_message *message, char *reason)
{
	uint64_t generation = message->rules.generation;
	const char *why = NULL;

	if (!generation && (fd >= 0 || message->rules.size))
		why = "generation 0 unloads: no image comes with it";
	else if (generation && fd < 0)
		why = "RULES comes with a memfd";
	if (why) {
		snprintf(reason, VEX_REASON_MAX, "%s", why);
		return -EINVAL;
	}
	if (generation && generation <= plane->rules->generation) {
		snprintf(reason, VEX_REASON_MAX, "generation %llu is not above %llu, the last one",
				(unsigned long long)generation,
				(unsigned long long)plane->rules->generation);
		return -ESTALE;
	}
	return 0;
}

int rules_load(struct plane *plane, int fd, struct vex_message *message, char *reason)
{
	int error = rules_check(plane, fd, message, reason);
	uint64_t generation = message->rules.generation, swap_ns;
	struct ruleset *set = NULL;

	if (!error && generation)
		error = rules_build(plane, fd, message, &set, reason);
	if (error)
		return error;
	rules_retire(plane->rules, rules_publish(plane, set, &swap_ns));
	memset(message->bytes, 0, sizeof(message->bytes));
	message->done.generation = generation;
	message->done.swap_ns = swap_ns;
	return 0;
}

void rules_count_limits(struct plane *plane)
{
	struct rule_limits_counts counts = rule_limits_counts(plane->rules->limits);
	struct vex_limits_stat *stat = &plane->stat->limits;

#define VEX_LIMIT_COUNTER(name, description) VEX_STORE_RELAXED(&stat->name, counts.name);
#include "stat/stat.def"
}

static int copy_file(int from, int to, uint64_t *size)
{
	char buffer[65536];
	ssize_t n;

	for (*size = 0; (n = read(from, buffer, sizeof(buffer))) > 0; *size += (uint64_t)n)
		if (write(to, buffer, (size_t)n) != n)
			return -EIO;
	if (n < 0)
		return -errno;
	return fcntl(to, F_ADD_SEALS,
			       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0
			? -errno
			: 0;
}

int rules_read_file(const char *path, uint64_t *size)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int to, error;

	if (from < 0)
		return -errno;
	to = memfd_create("vex-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	error = to < 0 ? -errno : copy_file(from, to, size);
	close(from);
	if (!error)
		return to;
	if (to >= 0)
		close(to);
	return error;
}
