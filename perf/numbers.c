/* SPDX-License-Identifier: BSD-3-Clause */
#include "numbers.h"

#include <math.h>
#include <stdlib.h>

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

double numbers_median(double *values, size_t count)
{
	if (!count)
		return NAN;
	qsort(values, count, sizeof(*values), compare_double);
	if (count % 2)
		return values[count / 2];
	return (values[count / 2 - 1] + values[count / 2]) / 2;
}

uint32_t numbers_percentile(uint32_t *values, size_t count, double percent)
{
	size_t rank;

	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), compare_u32);
	rank = (size_t)ceil(percent / 100 * (double)count);
	return values[rank ? rank - 1 : 0];
}
