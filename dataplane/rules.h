/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rule sets, from an image that somebody passed to the day it is freed.
 *
 * A set is built beside the one in force, whole or not at all; then it is published to all
 * workers at once, and the old one is freed after the last of them has acknowledged. Building
 * and freeing may take long and are done by any one thread (rules_thread.c), publishing by the
 * main core. What a refused set had taken is given back: all stays as it was.
 */
#ifndef VEX_DATAPLANE_RULES_H
#define VEX_DATAPLANE_RULES_H

#include "dataplane/plane.h"
#include "dataplane/ruleset.h"
#include "dataplane/slots.h"

#define RULES_MAX_DEFAULT (1u << 20)
#define RULES_MAX_LIMIT (1u << 21)
#define RULES_NAMES_MAX 65536u /* subscribers that a set may name */
#define LIMIT_KEYS_DEFAULT (1u << 17)

/** All that outlives a set. */
struct rules {
	struct ruleset *set;    /**< in force; NULL: none */
	uint64_t generation;    /**< of the last that was published */
	uint32_t rules_max;
	struct slots slots;
	struct rule_limits *limits;
	struct rule_secret secret;
	struct vex_rules_segment *segment;
	size_t segment_size;
	int segment_fd;
};

/** rules_max: rules a set, 1 to RULES_MAX_LIMIT; keys: that limits remember. 0 or a negative errno. */
int rules_open(struct plane *plane, uint32_t rules_max, uint32_t keys);

/** Workers must have stopped. NULL in plane->rules is good. */
void rules_close(struct plane *plane);

/**
 * Builds a set of an image in fd, which stays open. One at a time, on any thread. Returns 0 and
 * the set, or a negative errno and why in reason (VEX_REASON_MAX).
 */
int rules_build(struct plane *plane, int fd, const struct vex_message *message,
		struct ruleset **set, char *reason);

/**
 * Puts a set, or none, in force on all workers; main core. Returns the one that was, or NULL; no
 * worker uses that any more. *swap_ns: from the first store to the last acknowledgement.
 */
struct ruleset *rules_publish(struct plane *plane, struct ruleset *set, uint64_t *swap_ns);

/** Frees a set that is not in force. One at a time, on any thread, not beside rules_build(). */
void rules_retire(struct rules *rules, struct ruleset *set);

/**
 * The plane ends, and its workers have stopped: writes what waits as far as there is room, then
 * puts no set in force, so that what waits for groups is their members'.
 */
void rules_end(struct plane *plane);

/** All three at once; main core. fd -1 unloads. */
int rules_load(struct plane *plane, int fd, struct vex_message *message, char *reason);

/** Whether the message may be tried at all. 0, or a negative errno and why in reason. */
int rules_check(const struct plane *plane, int fd, const struct vex_message *message,
		char *reason);

/** Shows what the table of limits counted; main core. */
void rules_count_limits(struct plane *plane);

/** A sealed memfd with what stands in a file, or a negative errno. */
int rules_read_file(const char *path, uint64_t *size);

#endif
