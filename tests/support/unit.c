/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/unit.h"

#include <CUnit/Basic.h>

int unit_run(const char *suite, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {{.pName = suite, .pTests = tests}, CU_SUITE_INFO_NULL};
	unsigned failures;
	unsigned run;

	if (CU_initialize_registry() || CU_register_suites(suites))
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	run = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	return failures || !run ? 1 : 0;
}
