/* SPDX-License-Identifier: BSD-3-Clause */
/* A reader of the kernel module's device, for the tests in the virtual machine. */
#ifndef TESTS_KMOD_TAP_READER_H
#define TESTS_KMOD_TAP_READER_H

#include <stdbool.h>

#include "abi/tap.h"
#include "base/lane_map.h"
#include "event/event.h"

struct tap_reader {
	int fd;
	uint32_t lane_count;
	uint64_t ring_size;
	uint64_t lost; /**< events that GAPs announced */
	uint64_t read; /**< events, GAPs not counted */
	struct {
		struct vex_ring_map ring;
		struct vex_page_map page;
		struct vex_lane_reader reader;
	} lane[VEX_TAP_LANES_MAX];
};

/** Opens and attaches; 0 or a negative errno. Nothing flows before tap_select(). */
int tap_attach(struct tap_reader *tap, uint64_t ring_size);
int tap_select(struct tap_reader *tap, const struct vex_tap_select *want);
int tap_stats(const struct tap_reader *tap, struct vex_tap_stats *stats);

/**
 * Takes the earliest record, a checked copy, into record (VEX_RECORD_MAX bytes). False where all
 * lanes are empty. A record that is not well formed, or out of sequence, ends the program.
 */
bool tap_next(struct tap_reader *tap, struct vex_record *record);

/** Sleeps until there is something, at most so long; whether there is. */
bool tap_wait(struct tap_reader *tap, int timeout_ms);

void tap_detach(struct tap_reader *tap);

#endif
