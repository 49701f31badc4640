/* SPDX-License-Identifier: BSD-3-Clause */
/* Medians and percentiles. Both functions sort what they are given. */
#ifndef VEX_PERF_NUMBERS_H
#define VEX_PERF_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/** The middle value, or the mean of the two in the middle; NAN of none. */
double numbers_median(double *values, size_t count);

/** The smallest value that percent of all are not above; 0 of none. percent: 0 to 100. */
uint32_t numbers_percentile(uint32_t *values, size_t count, double percent);

#endif
