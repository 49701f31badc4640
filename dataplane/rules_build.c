/* SPDX-License-Identifier: BSD-3-Clause */
/* An image to a set that workers can use. Nothing here is seen by any worker yet. */
#include "dataplane/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "dataplane/group.h"
#include "dataplane/quota.h"
#include "rule/rule.h"

#define CACHE_ENTRIES 65536u /* decisions that a worker remembers */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

#define refuse(reason, error, ...) (snprintf(reason, VEX_REASON_MAX, __VA_ARGS__), error)

static int no_memory(char *reason)
{
	return refuse(reason, -ENOMEM, "out of memory");
}

/*
 * Sealed against writing: what was verified stays so. (A private mapping: kernels before 6.7
 * refuse a shared one even to read.)
 */
static int map_image(struct ruleset *set, int fd, uint64_t size, char *reason)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *memory;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return refuse(reason, -EPERM, "want a memfd sealed against shrinking, growing, "
					      "writing and further seals");
	if (fstat(fd, &st) < 0 || size < sizeof(*set->image) || (uint64_t)st.st_size < size)
		return refuse(reason, -EINVAL, "an image of %llu bytes is not in it",
				(unsigned long long)size);
	memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		return refuse(reason, -errno, "the image can't be mapped: %s", strerror(errno));
	set->image = memory;
	set->size = size;
	return 0;
}

static void set_parts(struct ruleset *set)
{
	const struct rule_image *image = set->image;

	set->rules = rule_image_part(image, RULE_PART_RULES);
	set->redacts = rule_image_part(image, RULE_PART_REDACTS);
	set->limits = rule_image_part(image, RULE_PART_LIMITS);
	set->targets = rule_image_part(image, RULE_PART_TARGETS);
	set->rule_count = (uint32_t)image->parts[RULE_PART_RULES].count;
	set->group_count = (uint32_t)image->parts[RULE_PART_GROUPS].count;
	rule_reader_init(&set->reader, image);
}

static int verify(const struct rules *rules, struct ruleset *set, char *reason)
{
	const char *why = "";
	int error = rule_matcher_new(set->image, set->size, &set->matcher, &why);

	if (error == -ENOMEM)
		return no_memory(reason);
	if (error)
		return refuse(reason, error, "the image is refused: %s", why);
	set_parts(set);
	if (set->rule_count > rules->rules_max)
		return refuse(reason, -E2BIG, "%u rules: at most %u (rules_max)", set->rule_count,
				rules->rules_max);
	return 0;
}

static int load_programs(struct ruleset *set, char *reason)
{
	struct program_why why;
	int error = programs_load(set->image, &set->programs, &why);

	if (error == -ENOMEM)
		return no_memory(reason);
	return error ? refuse(reason, error, "%.*s", (int)VEX_REASON_MAX - 1, why.text) : 0;
}

/* The number of a name; new ones are numbered as they come. */
static int number_name(struct ruleset *set, const struct rule_image_text *name, uint32_t *number,
		char *reason)
{
	const char *text = rule_image_part(set->image, RULE_PART_TEXT);
	struct rule_text copy = {text + name->offset, name->len};

	*number = rule_names_find(&set->names, copy.data, copy.len);
	if (*number != RULE_NAMES_NONE)
		return 0;
	if (set->names.count == RULES_NAMES_MAX)
		return refuse(reason, -E2BIG, "more than %u names of subscribers",
				RULES_NAMES_MAX);
	*number = (uint32_t)set->names.count;
	return rule_names_add(&set->names, copy, *number) ? no_memory(reason) : 0;
}

static int resolve(struct ruleset *set, char *reason)
{
	const struct rule_image_target *targets = rule_image_part(set->image,
			RULE_PART_DESTINATIONS);
	const struct rule_image_member *members = rule_image_part(set->image, RULE_PART_MEMBERS);
	uint64_t target_count = set->image->parts[RULE_PART_DESTINATIONS].count;
	uint64_t member_count = set->image->parts[RULE_PART_MEMBERS].count;
	int error = 0;

	set->destinations = calloc(target_count + 1, sizeof(*set->destinations));
	set->members = calloc(member_count + 1, sizeof(*set->members));
	if (!set->destinations || !set->members)
		return no_memory(reason);
	for (uint64_t i = 0; !error && i < target_count; i++) {
		struct rules_destination *to = &set->destinations[i];

		*to = (struct rules_destination){targets[i].kind, targets[i].index};
		if (to->kind == RULE_TARGET_SUBSCRIBER)
			error = number_name(set, &targets[i].name, &to->index, reason);
	}
	for (uint64_t i = 0; !error && i < member_count; i++)
		error = number_name(set, &members[i].name, &set->members[i], reason);
	return error;
}

/* What was decided neither limits nor drops for want of a route. */
static void count_rule(uint32_t rule, uint64_t events, uint64_t last_ns, void *data)
{
	const struct rules_worker *worker = data;
	struct vex_rule_stat *stat = &worker->stats[worker->set->slots[rule]];

	stat->matched += events;
	stat->routed += events;
	stat->last_ns = last_ns > stat->last_ns ? last_ns : stat->last_ns;
}

static int make_worker(const struct rules *rules, struct ruleset *set, uint32_t index)
{
	struct rules_worker *worker = &set->workers[index];
	struct rule_worker_options options = {.cache_entries = CACHE_ENTRIES, .run = program_run};
	size_t names = set->names.count + 1;

	worker->set = set;
	worker->limits = rules->limits;
	worker->secret = &rules->secret;
	worker->stats = vex_rules_counters(rules->segment, rules->slots.max, index);
	worker->group_events = calloc(set->group_count + 1ull, sizeof(*worker->group_events));
	worker->group_hits = calloc(set->group_count + 1ull, sizeof(*worker->group_hits));
	worker->named[0] = calloc(names, sizeof(*worker->named[0]));
	worker->named[1] = calloc(names, sizeof(*worker->named[1]));
	options.tell = count_rule;
	options.tell_data = worker;
	worker->run = options.data = calloc(1, sizeof(*worker->run));
	if (set->image->parts[RULE_PART_REDACTS].count) {
		worker->redacted = vex_alloc_lines(VEX_RECORD_MAX);
		if (!worker->redacted)
			return -ENOMEM;
	}
	if (!worker->group_events || !worker->group_hits || !worker->named[0] ||
			!worker->named[1] || !worker->run)
		return -ENOMEM;
	worker->run->programs = set->programs;
	return rule_worker_new(set->matcher, &options, &worker->matching);
}

static int make_workers(struct plane *plane, struct ruleset *set, char *reason)
{
	int error = 0;

	set->workers = calloc(plane->worker_count, sizeof(*set->workers));
	if (!set->workers)
		return no_memory(reason);
	set->worker_count = plane->worker_count;
	for (uint32_t i = 0; !error && i < set->worker_count; i++)
		error = make_worker(plane->rules, set, i);
	return error ? no_memory(reason) : 0;
}

static uint64_t hash_name(const struct ruleset *set, const struct rule_image_rule *rule)
{
	const char *text = rule_image_part(set->image, RULE_PART_TEXT);

	return XXH3_64bits(text + rule->name.offset, rule->name.len);
}

/* No worker counts in a slot that was free. One that nobody had is zero, and takes no memory yet. */
static void clear_counters(const struct rules *rules, uint32_t workers, uint32_t slot)
{
	for (uint32_t i = 0; i < workers; i++)
		vex_rules_counters(rules->segment, rules->slots.max, i)[slot] =
				(struct vex_rule_stat){0};
}

/* The last step that can fail: a set that is refused later would keep slots for itself. */
static int take_slots(struct rules *rules, struct ruleset *set, char *reason)
{
	set->slots = calloc(set->rule_count + 1ull, sizeof(*set->slots));
	set->states = calloc(set->rule_count + 1ull, sizeof(*set->states));
	if (!set->slots || !set->states)
		return no_memory(reason);
	for (uint32_t i = 0; i < set->rule_count; i++) {
		const struct rule_image_rule *rule = &set->rules[i];
		bool second_hand;

		if (slots_take(&rules->slots, rule->fingerprint, hash_name(set, rule),
				    &set->slots[i], &second_hand))
			return no_memory(reason);
		set->slot_count++;
		set->states[i] = rules->slots.entries[set->slots[i]].state;
		if (second_hand)
			clear_counters(rules, set->worker_count, set->slots[i]);
	}
	return 0;
}

static int take_quotas(struct plane *plane, struct ruleset *set)
{
	if (!set->image->parts[RULE_PART_QUOTAS].count)
		return 0;
	if (!plane->quotas)
		plane->quotas = quotas_new(plane->worker_count);
	set->quotas = plane->quotas;
	return set->quotas ? 0 : -ENOMEM;
}

int rules_build(struct plane *plane, int fd, const struct vex_message *message,
		struct ruleset **out, char *reason)
{
	struct ruleset *set = calloc(1, sizeof(*set));
	int error;

	*out = NULL;
	if (!set)
		return no_memory(reason);
	set->generation = message->rules.generation;
	snprintf(set->name, sizeof(set->name), "%.*s", (int)VEX_NAME_MAX - 1, message->rules.name);
	error = map_image(set, fd, message->rules.size, reason);
	if (!error)
		error = verify(plane->rules, set, reason);
	if (!error)
		error = load_programs(set, reason);
	if (!error)
		error = resolve(set, reason);
	if (!error)
		error = make_workers(plane, set, reason);
	if (!error && (groups_take(plane, set) || take_quotas(plane, set)))
		error = no_memory(reason);
	if (!error)
		error = take_slots(plane->rules, set, reason);
	if (error)
		rules_retire(plane->rules, set);
	else
		*out = set;
	return error;
}

static void free_worker(struct rules_worker *worker)
{
	rule_worker_free(worker->matching);
	free(worker->run);
	free(worker->group_events);
	free(worker->group_hits);
	free(worker->redacted);
	free(worker->named[0]);
	free(worker->named[1]);
}

void rules_retire(struct rules *rules, struct ruleset *set)
{
	if (!set)
		return;
	if (rules->set && rules->set != set)
		slots_sweep(&rules->slots, set->slots, set->slot_count, rules->set->slots,
				rules->set->slot_count);
	else
		slots_sweep(&rules->slots, set->slots, set->slot_count, NULL, 0);
	for (uint32_t i = 0; i < set->worker_count; i++)
		free_worker(&set->workers[i]);
	free(set->workers);
	groups_release(set);
	free(set->slots);
	free(set->states);
	free(set->members);
	free(set->destinations);
	rule_names_free(&set->names);
	programs_free(set->programs);
	rule_matcher_free(set->matcher);
	if (set->image)
		munmap((void *)(uintptr_t)set->image, set->size);
	free(set);
}
