/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random events whose values are found in bytes if they are there: texts of bytes that are neither
 * of a hash, nor of a mask, nor of a path; numbers that no chance brings.
 */
#ifndef VEX_TESTS_SUPPORT_RULE_DRAWN_H
#define VEX_TESTS_SUPPORT_RULE_DRAWN_H

#include "event/event.h"

#define DRAWN_PART 8u /* so many bytes in a row of a text are part of it, and no chance */
#define DRAWN_TEXT 8192u

struct drawn {
	struct vex_event event;
	struct vex_pair pairs[4];
	struct vex_bytes labels[3];
	char text[DRAWN_TEXT];
	size_t used;
	uint64_t *state;
};

/** A rename with any of what an event may have; the second path often shares parts of the first. */
void drawn_event(struct drawn *drawn, uint64_t *state);

#endif
