/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the reading calls answer, as JSON with raw numbers: a new reference each, or NULL where
 * memory is short. Those that want statistics find them in control->copy.
 */
#ifndef VEX_CONTROL_REPORT_H
#define VEX_CONTROL_REPORT_H

#include "control.h"

#define VEX_CALL(method, handler, NEEDS, words, help) \
	json_t *report_##handler(const struct control *control);
#include "control.def"

/** Bytes of another process's choice, up to a NUL or cap: what is not UTF-8 becomes '?'. */
json_t *report_text(const char *bytes, size_t cap);

const char *report_slot_state(uint32_t state);

static inline uint64_t report_sum(const uint64_t *counters, unsigned count)
{
	uint64_t total = 0;

	while (count--)
		total += counters[count];
	return total;
}

/** 0.0 where nothing was counted. */
static inline double report_ratio(uint64_t total, uint64_t count)
{
	return count ? (double)total / (double)count : 0.0;
}

static inline void report_set(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

#endif
