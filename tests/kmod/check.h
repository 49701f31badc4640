/* SPDX-License-Identifier: BSD-3-Clause */
/* What is asked of the kernel goes on after a failure: all that is wrong is said. */
#ifndef VEX_TESTS_KMOD_CHECK_H
#define VEX_TESTS_KMOD_CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned problems;

#define CHECK(condition) check(condition, #condition, __LINE__)

static inline void check(bool good, const char *what, int line)
{
	if (good)
		return;
	printf("FAIL: line %d: %s (errno %d)\n", line, what, errno);
	problems++;
}

#endif
