/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs the tests of one program: a suite of CUnit. */
#ifndef VEX_TESTS_SUPPORT_UNIT_H
#define VEX_TESTS_SUPPORT_UNIT_H

#include <CUnit/CUnit.h>

/** Runs tests, an array that CU_TEST_INFO_NULL ends. Returns what main() is to return. */
int unit_run(const char *suite, CU_TestInfo *tests);

#endif
