/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random rule sets, as text, and random events for them, with paths out of a real file tree: the
 * same for the same seed and tree. Values of both are drawn from the same small stock, so that
 * many tests hold.
 */
#ifndef VEX_TESTS_SUPPORT_RULE_RANDOM_H
#define VEX_TESTS_SUPPORT_RULE_RANDOM_H

#include "event/event.h"

#include <stdbool.h>

struct rule_random;

/** An event and the bytes that it points to. */
struct random_event {
	struct vex_event event;
	struct vex_event_space space;
	char text[65536];
	size_t used;
};

/** Takes up to max paths below root, in byte order, evenly out of all; NULL where there are none. */
struct rule_random *rule_random_new(const char *root, size_t max, uint64_t seed);
void rule_random_free(struct rule_random *random);

/** Starts over, as if the seed had been given. */
void rule_random_seed(struct rule_random *random, uint64_t seed);

/**
 * The text of a set with that many rules, and some macros and lists: good until the next call. One
 * rule in a hundred or so is unsupported; none is wrong.
 */
const char *rule_random_set(struct rule_random *random, uint32_t rules, size_t *len);

void rule_random_event(struct rule_random *random, struct random_event *event);

#endif
