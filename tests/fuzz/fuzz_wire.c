/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of the control protocol: parsed or refused, and whatever was refused is answered. */
#include "fuzz.h"

#include <errno.h>
#include <stdbool.h>

#include "wire/message.h"

/* An answer is one line that the other side can read. */
static void check_answer(char *line, bool failed)
{
	struct wire_failure failure;
	json_t *result;
	size_t len;
	int got;

	MUST(line);
	len = strlen(line);
	MUST(len && line[len - 1] == '\n' && !memchr(line, '\n', len - 1));
	got = wire_parse_response(line, len - 1, 1, &result, &failure);
	MUST(failed ? got == -EREMOTEIO || got == -EBADMSG : got == 0);
	json_decref(result);
	free(line);
}

static void check_request(const char *text, size_t len)
{
	struct wire_request request;
	struct wire_failure failure;
	json_t *one = json_integer(1);

	if (wire_parse_request(text, len, &request, &failure) == 0) {
		size_t method = strlen(request.method);

		MUST(method && method <= WIRE_METHOD_MAX);
		MUST(request.id && (!request.params || json_is_object(request.params)));
		check_answer(wire_format_result(one,
				request.params ? request.params : request.id), false);
	} else {
		MUST(memchr(failure.text, 0, sizeof(failure.text)) && *failure.text);
		MUST(failure.code < 0);
		free(wire_format_failure(request.id, &failure));
		check_answer(wire_format_failure(one, &failure), true);
	}
	wire_request_clear(&request);
	json_decref(one);
}

static void check_response(const char *text, size_t len)
{
	struct wire_failure failure;
	json_t *result;
	int got = wire_parse_response(text, len, 1, &result, &failure);

	MUST(got == 0 || got == -EBADMSG || got == -EREMOTEIO);
	MUST(!got == !!result);
	if (got)
		MUST(memchr(failure.text, 0, sizeof(failure.text)));
	json_decref(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1); /* need not end in NUL */

	MUST(text);
	if (size)
		memcpy(text, data, size);
	check_request(text, size);
	check_response(text, size);
	free(text);
	return 0;
}
