/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where lanes that were freed had been read to. A producer that hung up before it learnt where
 * its new consumer's position stands brings an older one when it comes back: what was delivered
 * in between must not be delivered again. Main core only.
 */
#ifndef VEX_DATAPLANE_ENDS_H
#define VEX_DATAPLANE_ENDS_H

#include <stdint.h>

#include "stat/stat.h"

/** The last so many; all zero is empty. */
struct ends {
	struct {
		uint64_t inode; /**< of the ring's memfd */
		uint64_t position;
	} end[VEX_LANES_MAX];
	uint32_t next;
};

void ends_note(struct ends *ends, uint64_t inode, uint64_t position);

/** Where to go on in this ring: at position, or further on where it was read before. */
uint64_t ends_resume(const struct ends *ends, uint64_t inode, uint64_t position);

#endif
