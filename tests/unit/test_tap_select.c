/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap/select.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "event/event.h"
#include "support/unit.h"

static struct vex_tap_select select_all, selection;
static char why[200], value[VEX_SELECT_VALUE_MAX];

static int add(const char *key, const char *text)
{
	why[0] = '\0';
	return vex_select_add(&selection, key, text, why, sizeof(why));
}

static const char *value_of(const char *key, unsigned index)
{
	return vex_select_value(&selection, key, index, value) ? value : NULL;
}

static void begin(void)
{
	selection = select_all;
}

static void test_types(void)
{
	begin();
	CU_ASSERT_EQUAL(add("type", "rename"), 0);
	CU_ASSERT_EQUAL(selection.types[0], 1ull << VEX_RENAME);
	CU_ASSERT_EQUAL(add("type", "open"), 0);
	CU_ASSERT_STRING_EQUAL(value_of("type", 0), "open");
	CU_ASSERT_STRING_EQUAL(value_of("type", 1), "rename");
	CU_ASSERT_PTR_NULL(value_of("type", 2));
	CU_ASSERT_EQUAL(add("type", "file"), 0); /* a category */
	CU_ASSERT_TRUE(selection.types[VEX_WRITE / 64] >> VEX_WRITE % 64 & 1);
	CU_ASSERT_EQUAL(add("type", "renam"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "'renam'"));
}

static void test_places(void)
{
	char text[64];
	struct stat st;

	begin();
	CU_ASSERT_EQUAL(add("path", "/srv"), 0);
	CU_ASSERT_STRING_EQUAL(value_of("path", 0), "/srv");
	CU_ASSERT_EQUAL(add("path", "srv"), -1);
	CU_ASSERT_EQUAL(add("device", "8:17"), 0);
	CU_ASSERT_STRING_EQUAL(value_of("device", 0), "8:17");
	CU_ASSERT_EQUAL(stat("/", &st), 0);
	CU_ASSERT_EQUAL(add("device", "/"), 0);
	CU_ASSERT_EQUAL(selection.devices[1], st.st_dev);
	snprintf(text, sizeof(text), "%u:%u", major(st.st_dev), minor(st.st_dev));
	CU_ASSERT_STRING_EQUAL(value_of("device", 1), text);
	CU_ASSERT_EQUAL(add("device", "8:"), -1);
	CU_ASSERT_EQUAL(add("device", "8:1x"), -1);
	CU_ASSERT_EQUAL(add("device", "/no/such/place"), -1);
}

static void test_who(void)
{
	struct stat st;

	begin();
	CU_ASSERT_EQUAL(add("uid", "root"), 0);
	CU_ASSERT_EQUAL(add("uid", "1000"), 0);
	CU_ASSERT_STRING_EQUAL(value_of("uid", 0), "0");
	CU_ASSERT_STRING_EQUAL(value_of("uid", 1), "1000");
	CU_ASSERT_EQUAL(add("uid", "no-such-user"), -1);
	CU_ASSERT_EQUAL(add("pid", "17"), 0);
	CU_ASSERT_STRING_EQUAL(value_of("pid", 0), "17");
	CU_ASSERT_EQUAL(add("pid", "0"), -1);
	CU_ASSERT_EQUAL(add("pid", "x"), -1);
	CU_ASSERT_EQUAL(add("cgroup", "12345"), 0);
	CU_ASSERT_EQUAL(stat("/", &st), 0);
	CU_ASSERT_EQUAL(add("cgroup", "/"), 0);
	CU_ASSERT_EQUAL(selection.cgroups[1], st.st_ino);
	CU_ASSERT_STRING_EQUAL(value_of("cgroup", 0), "12345");
	CU_ASSERT_EQUAL(add("cgroup", "/dev/null"), -1);
}

static void test_limits(void)
{
	char path[VEX_TAP_PREFIX_LEN + 1];
	const char *const *key = vex_select_keys;

	begin();
	for (unsigned i = 0; i < VEX_TAP_LIST_MAX; i++) {
		CU_ASSERT_EQUAL(add("uid", "1"), 0);
		CU_ASSERT_EQUAL(add("cgroup", "1"), 0);
	}
	CU_ASSERT_EQUAL(add("uid", "1"), -1);
	CU_ASSERT_EQUAL(add("cgroup", "1"), -1);
	CU_ASSERT_PTR_NULL(value_of("uid", VEX_TAP_LIST_MAX));
	for (unsigned i = 0; i < VEX_TAP_PREFIXES_MAX; i++)
		CU_ASSERT_EQUAL(add("path", "/x"), 0);
	CU_ASSERT_EQUAL(add("path", "/x"), -1);
	begin();
	memset(path, '/', VEX_TAP_PREFIX_LEN);
	path[VEX_TAP_PREFIX_LEN] = '\0';
	CU_ASSERT_EQUAL(add("path", path), -1);
	path[VEX_TAP_PREFIX_LEN - 1] = '\0';
	CU_ASSERT_EQUAL(add("path", path), 0);
	CU_ASSERT_EQUAL(add("colour", "red"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "'colour'"));
	for (; *key; key++) /* the message names every key */
		CU_ASSERT_PTR_NOT_NULL(strstr(why, *key));
}

int main(void)
{
	CU_TestInfo tests[] = {
			{"types and categories", test_types},
			{"paths and devices", test_places},
			{"users, processes, cgroups", test_who},
			{"what is too much, and what is none", test_limits},
			CU_TEST_INFO_NULL,
	};

	return unit_run("tap select", tests);
}
