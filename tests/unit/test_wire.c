/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/unit.h"

static int parse_code(const char *text, size_t len)
{
	struct wire_failure failure = {0};
	struct wire_request request;
	int ret = wire_parse_request(text, len, &request, &failure);

	CU_ASSERT_EQUAL(ret, failure.code ? -EBADMSG : 0);
	CU_ASSERT_EQUAL(!failure.code, request.method != NULL);
	wire_request_clear(&request);
	return failure.code;
}

static void test_parse_request(void)
{
	static const struct {
		int code;
		const char *text;
	} cases[] = {
		{0, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}"},
		{0, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"m\",\"params\":{\"x\":[1]}}"},
		{0, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"[[[[[[[[[[[[[[[[[[[[\"}"},
		{WIRE_PARSE, ""},
		{WIRE_PARSE, "{"},
		{WIRE_PARSE, "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1,\"method\":\"m\"}"},
		{WIRE_PARSE, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"} x"},
		{WIRE_PARSE, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}"},
		{WIRE_INVALID, "7"},
		{WIRE_INVALID, "[]"},
		{WIRE_INVALID, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}]"},
		{WIRE_INVALID, "{}"},
		{WIRE_INVALID, "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"m\"}"},
		{WIRE_INVALID, "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}"},
		{WIRE_INVALID, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}"},
		{WIRE_INVALID, "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"m\"}"},
		{WIRE_INVALID, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}"},
		{WIRE_INVALID, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}"},
		{WIRE_INVALID, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"x\":1}"},
		{WIRE_INVALID, "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"},
		{WIRE_PARAMS, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[1]}"},
		{WIRE_PARAMS, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (parse_code(cases[i].text, strlen(cases[i].text)) != cases[i].code) {
			fprintf(stderr, "case %zu: %s\n", i, cases[i].text);
			CU_FAIL("another code than expected");
		}
}

/* Every beginning of a request is refused, and nothing behind it is read. */
static void test_parse_truncated(void)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"m\",\"params\":{}}";
	size_t len = strlen(text);
	char *copy;
	size_t i;

	for (i = 0; i <= len; i++) {
		copy = malloc(i ? i : 1);
		memcpy(copy, text, i);
		CU_ASSERT_EQUAL(parse_code(copy, i), i == len ? 0 : WIRE_PARSE);
		free(copy);
	}
}

static void test_parse_limits(void)
{
	size_t len = WIRE_MESSAGE_MAX + 1;
	char *text = malloc(len);
	char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}";

	memset(text, ' ', len);
	memcpy(text, head, strlen(head));
	CU_ASSERT_EQUAL(parse_code(text, len), WIRE_INVALID);
	CU_ASSERT_EQUAL(parse_code(text, len - 1), 0);
	memset(text, '[', len);
	CU_ASSERT_EQUAL(parse_code(text, len - 1), WIRE_INVALID);
	free(text);
}

static int response(const char *text, json_t **result, struct wire_failure *failure)
{
	return wire_parse_response(text, strlen(text), 3, result, failure);
}

static void test_parse_response(void)
{
	static const char *const bad[] = {
		"{", "[]", "{}", "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":3}", "{\"id\":3,\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":1,"
		"\"error\":{\"code\":1,\"message\":\"\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":\"1\",\"message\":\"\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":1}",
	};
	struct wire_failure failure;
	json_t *result;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(response(bad[i], &result, &failure), -EBADMSG);
	CU_ASSERT_EQUAL(response("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":7}", &result,
			&failure), 0);
	CU_ASSERT_EQUAL(json_integer_value(result), 7);
	json_decref(result);
	CU_ASSERT_EQUAL(response("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":"
			"{\"code\":-32001,\"message\":\"no\"}}", &result, &failure), -EREMOTEIO);
	CU_ASSERT_EQUAL(failure.code, WIRE_DENIED);
	CU_ASSERT_STRING_EQUAL(failure.text, "no");
}

/* What is quoted in a failure may be anything. */
static void test_format_failure(void)
{
	struct wire_failure failure;
	struct wire_failure got;
	json_t *result;
	char *line;

	wire_fail(&failure, WIRE_NO_METHOD, "no '%s'", "\"\n\xff");
	line = wire_format_failure(NULL, &failure);
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_EQUAL(response(line, &result, &got), -EREMOTEIO);
	CU_ASSERT_EQUAL(got.code, WIRE_NO_METHOD);
	CU_ASSERT_PTR_EQUAL(strchr(line, '\n'), line + strlen(line) - 1);
	free(line);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"requests, good and bad", test_parse_request},
		{"requests cut short", test_parse_truncated},
		{"size and depth", test_parse_limits},
		{"answers", test_parse_response},
		{"failures quote anything", test_format_failure},
		CU_TEST_INFO_NULL,
	};

	return unit_run("wire", tests);
}
