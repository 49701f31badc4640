/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events for tests: of every type, in shapes from nothing to the largest record, the same for
 * the same seed.
 */
#ifndef VEX_TESTS_CAPTURE_SAMPLES_H
#define VEX_TESTS_CAPTURE_SAMPLES_H

#include "event/event.h"

enum sample_shape {
	SAMPLE_BARE,    /**< a header alone */
	SAMPLE_FULL,    /**< every attribute, of readable text */
	SAMPLE_RANDOM,  /**< every attribute, of random bytes and numbers */
	SAMPLE_EMPTY,   /**< every string there, and empty */
	SAMPLE_LARGEST, /**< exactly VEX_RECORD_MAX bytes */
	SAMPLE_SHAPE_COUNT,
};

struct sample {
	struct vex_event event;
	struct vex_event_space space;
	uint8_t text[VEX_RECORD_MAX]; /**< the bytes of all strings */
	size_t used;
	uint64_t random;
};

/**
 * Makes the event of a shape. A GAP has a GAP attribute in each of them; the bare one is a
 * lane's own, without a boundary, and the others are those that were passed on as events.
 */
void sample_make(struct sample *sample, uint32_t type, enum sample_shape shape, uint64_t seed);

/** The event as a whole record, its size set and lane_seq 0; out has VEX_RECORD_MAX bytes. */
void sample_encode(const struct vex_event *event, struct vex_record *out);

uint64_t sample_random(uint64_t *state);

#endif
