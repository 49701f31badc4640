/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/event.h"

#include "support/unit.h"

static void test_every_type(void)
{
	uint32_t type;
	unsigned count = 0;

	for (type = 0; type < VEX_TYPE_LIMIT; type++) {
		const char *name = vex_type_name(type);

		CU_ASSERT_EQUAL(!name, !vex_type_text(type));
		if (!name) {
			CU_ASSERT_EQUAL(vex_type_category(type), VEX_CATEGORY_COUNT);
			continue;
		}
		count++;
		CU_ASSERT_EQUAL(vex_type_by_name(name), type);
		CU_ASSERT_TRUE(strlen(vex_type_text(type)) > 0);
		CU_ASSERT_PTR_NOT_NULL(vex_category_name(vex_type_category(type)));
		CU_ASSERT_TRUE((vex_type_ocsf(type) >= 1 && vex_type_ocsf(type) <= 14) ||
				vex_type_ocsf(type) == 99);
	}
#define VEX_EVENT(id, NAME, name, cat, ocsf, text) count--;
#include "abi/event.def"
#undef VEX_EVENT
	CU_ASSERT_EQUAL(count, 0);
}

static void test_samples(void)
{
	CU_ASSERT_STRING_EQUAL(vex_type_name(VEX_RENAME), "rename");
	CU_ASSERT_STRING_EQUAL(vex_type_text(VEX_READ), "bytes were read");
	CU_ASSERT_EQUAL(vex_type_category(VEX_RENAME), VEX_CATEGORY_FILE);
	CU_ASSERT_EQUAL(vex_type_category(VEX_GAP), VEX_CATEGORY_CONTROL);
	CU_ASSERT_EQUAL(vex_type_category(VEX_AUDIT), VEX_CATEGORY_OBSERVABILITY);
	CU_ASSERT_EQUAL(vex_type_ocsf(VEX_CHMOD), 7);
	CU_ASSERT_EQUAL(vex_type_ocsf(VEX_GAP), 99);
	CU_ASSERT_STRING_EQUAL(vex_category_name(VEX_CATEGORY_VECTOR), "vector");
	CU_ASSERT_STRING_EQUAL(vex_boundary_name(VEX_BOUNDARY_FUSE), "fuse");
	CU_ASSERT_STRING_EQUAL(vex_gap_reason_name(VEX_GAP_TARGET_FULL), "target_full");
}

static void test_unknown(void)
{
	CU_ASSERT_PTR_NULL(vex_type_name(VEX_TYPE_NONE));
	CU_ASSERT_PTR_NULL(vex_type_name(VEX_TYPE_LIMIT));
	CU_ASSERT_PTR_NULL(vex_type_name(UINT32_MAX));
	CU_ASSERT_PTR_NULL(vex_category_name(VEX_CATEGORY_COUNT));
	CU_ASSERT_PTR_NULL(vex_boundary_name(VEX_BOUNDARY_COUNT));
	CU_ASSERT_PTR_NULL(vex_gap_reason_name(VEX_GAP_REASON_COUNT));
	CU_ASSERT_EQUAL(vex_type_by_name(""), VEX_TYPE_NONE);
	CU_ASSERT_EQUAL(vex_type_by_name("Rename"), VEX_TYPE_NONE);
	CU_ASSERT_EQUAL(vex_type_by_name("rename "), VEX_TYPE_NONE);
	CU_ASSERT_EQUAL(vex_type_ocsf(UINT32_MAX), 99);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"every type", test_every_type},
		{"samples", test_samples},
		{"unknown", test_unknown},
		CU_TEST_INFO_NULL,
	};

	return unit_run("names", tests);
}
