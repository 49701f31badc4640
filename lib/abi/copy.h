/* SPDX-License-Identifier: BSD-3-Clause */
/* How records are copied: by words, and into a lane in the order that spares its lines a crossing. */
#ifndef VEX_ABI_COPY_H
#define VEX_ABI_COPY_H

#include "abi/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Copies size bytes, a multiple of 8, of memory that does not overlap. */
static inline void vex_copy_words(void *to, const void *from, uint32_t size)
{
	uint8_t *out = (uint8_t *)to;
	const uint8_t *in = (const uint8_t *)from;

	for (; size >= VEX_LINE; size -= VEX_LINE, out += VEX_LINE, in += VEX_LINE)
		__builtin_memcpy(out, in, VEX_LINE);
	for (; size; size -= 8, out += 8, in += 8)
		__builtin_memcpy(out, in, 8);
}

/* A record's first line but for the word that the lane writes, at once. */
static inline void vex_lane_copy_line(struct vex_record *to, const struct vex_record *from,
		uint32_t size)
{
	uint8_t *out = (uint8_t *)to + 8;
	const uint8_t *in = (const uint8_t *)from + 8;

	if (VEX_LIKELY(size >= VEX_LINE))
		__builtin_memcpy(out, in, VEX_LINE - 8);
	else
		vex_copy_words(out, in, size - 8);
}

/* What is behind it. */
static inline void vex_lane_copy_rest(struct vex_record *to, const struct vex_record *from,
		uint32_t size)
{
	if (VEX_LIKELY(size > VEX_LINE))
		vex_copy_words((uint8_t *)to + VEX_LINE, (const uint8_t *)from + VEX_LINE,
				size - VEX_LINE);
}

/**
 * Copies a record of size bytes, a multiple of 8, from private memory to where vex_lane_reserve()
 * said; the words that the lane writes stay as they are. The first line goes last and at once:
 * the consumer polls it, and would take it away between one store and the next.
 */
static inline void vex_lane_copy(struct vex_record *to, const struct vex_record *from,
		uint32_t size)
{
	vex_lane_copy_rest(to, from, size);
	vex_lane_copy_line(to, from, size);
}

#ifdef __cplusplus
}
#endif
#endif
