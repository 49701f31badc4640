/* SPDX-License-Identifier: BSD-3-Clause */
/* Params are what control.def declares of them, or are refused by name. */
#include <string.h>

#include "params.h"
#include "support/unit.h"

static const char declared[] = "port:integer names:texts? why:text? dry:boolean? rules:bytes";

static bool check(const char *json, const char *why)
{
	json_t *params = json_loads(json, 0, NULL);
	struct wire_failure failure = {0};
	bool good = params_check(declared, params, "a.call", &failure);

	CU_ASSERT(good == !why);
	if (why) {
		CU_ASSERT_EQUAL(failure.code, WIRE_PARAMS);
		CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, why));
	}
	json_decref(params);
	return good;
}

static void test_check(void)
{
	check("{\"port\": 1}", NULL);
	check("{\"port\": 4294967295, \"names\": [\"a\"], \"why\": \"\", \"dry\": false}", NULL);
	check("{}", "'port', an integer");
	check("{\"port\": 4294967296}", "'port', an integer");
	check("{\"port\": -1}", "'port', an integer");
	check("{\"port\": 1.5}", "'port', an integer");
	check("{\"port\": 1, \"names\": []}", "'names', a list");
	check("{\"port\": 1, \"names\": [1]}", "'names', a list");
	check("{\"port\": 1, \"why\": null}", "'why', a text");
	check("{\"port\": 1, \"dry\": 1}", "'dry', true or false");
	check("{\"port\": 1, \"rules\": \"x\"}", "takes no 'rules'");
	check("{\"port\": 1, \"x\": 1}", "takes no 'x'");
}

static void test_describe(void)
{
	json_t *types = params_describe(declared);
	json_t *params = json_pack("{s:i}", "port", 7);

	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(types, "names")), "texts?");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(types, "rules")), "bytes");
	CU_ASSERT(params_take_bytes(declared) && !params_take_bytes("a:integer"));
	CU_ASSERT_EQUAL(param_integer(params, "port", 1), 7);
	CU_ASSERT_EQUAL(param_integer(params, "lane", 1), 1);
	CU_ASSERT_STRING_EQUAL(param_text(params, "why"), "");
	json_decref(params);
	json_decref(types);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"check", test_check},
		{"describe", test_describe},
		CU_TEST_INFO_NULL,
	};

	return unit_run("params", tests);
}
