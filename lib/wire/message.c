/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wire_fail(struct wire_failure *failure, int code, const char *format, ...)
{
	va_list args;

	failure->code = code;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
}

/* The parser recurses by depth, so depth is bounded before it sees the text. */
static bool depth_ok(const char *text, size_t len)
{
	bool in_string = false;
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth)
			depth--;
		if (depth > WIRE_DEPTH_MAX)
			return false;
	}
	return true;
}

static json_t *parse(const char *text, size_t len, struct wire_failure *failure)
{
	json_error_t error;
	json_t *root;

	if (len > WIRE_MESSAGE_MAX) {
		wire_fail(failure, WIRE_INVALID, "the message is larger than %u bytes",
				WIRE_MESSAGE_MAX);
		return NULL;
	}
	if (!depth_ok(text, len)) {
		wire_fail(failure, WIRE_INVALID, "objects and arrays more than %u deep",
				WIRE_DEPTH_MAX);
		return NULL;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!root)
		wire_fail(failure, WIRE_PARSE, "not valid JSON at column %d: %.300s", error.column,
				error.text);
	return root;
}

static bool id_ok(const json_t *id)
{
	return json_is_integer(id) || (json_is_string(id) &&
			json_string_length(id) <= WIRE_ID_MAX);
}

static bool version_ok(const json_t *root)
{
	const char *version = json_string_value(json_object_get(root, "jsonrpc"));

	return version && !strcmp(version, "2.0");
}

static bool key_known(const char *key)
{
	return !strcmp(key, "jsonrpc") || !strcmp(key, "id") || !strcmp(key, "method") ||
			!strcmp(key, "params") || !strcmp(key, "bytes");
}

static const char *request_fault(const struct wire_request *request)
{
	const json_t *method = json_object_get(request->root, "method");
	const char *key;
	json_t *value;

	if (!version_ok(request->root))
		return "\"jsonrpc\" must be \"2.0\"";
	if (!request->id)
		return "\"id\" must be an integer or a short string";
	if (!json_is_string(method) || !json_string_length(method) ||
			json_string_length(method) > WIRE_METHOD_MAX)
		return "\"method\" must be a string of 1 to 64 bytes";
	json_object_foreach(request->root, key, value)
		if (!key_known(key))
			return "only jsonrpc, id, method, params and bytes may stand in a request";
	return NULL;
}

/* -1 where what stands there is no such number. */
static int read_bytes(const json_t *bytes, size_t *count)
{
	if (bytes && (!json_is_integer(bytes) || json_integer_value(bytes) < 0 ||
			json_integer_value(bytes) > WIRE_BYTES_MAX))
		return -1;
	*count = (size_t)json_integer_value(bytes);
	return 0;
}

int wire_parse_request(const char *text, size_t len, struct wire_request *request,
		struct wire_failure *failure)
{
	const char *fault;

	memset(request, 0, sizeof(*request));
	request->root = parse(text, len, failure);
	if (!request->root)
		return -EBADMSG;
	if (!json_is_object(request->root)) {
		wire_fail(failure, WIRE_INVALID, "a request is one object; batches are not taken");
		return -EBADMSG;
	}
	request->id = json_object_get(request->root, "id");
	if (!id_ok(request->id))
		request->id = NULL;
	fault = request_fault(request);
	if (fault) {
		wire_fail(failure, WIRE_INVALID, "%s", fault);
		return -EBADMSG;
	}
	if (read_bytes(json_object_get(request->root, "bytes"), &request->bytes) < 0) {
		wire_fail(failure, WIRE_INVALID, "\"bytes\" must be an integer up to %u",
				WIRE_BYTES_MAX);
		return -EBADMSG;
	}
	request->params = json_object_get(request->root, "params");
	if (request->params && !json_is_object(request->params)) {
		wire_fail(failure, WIRE_PARAMS, "params must be an object");
		return -EBADMSG;
	}
	request->method = json_string_value(json_object_get(request->root, "method"));
	return 0;
}

void wire_request_clear(struct wire_request *request)
{
	json_decref(request->root);
	memset(request, 0, sizeof(*request));
}

static int read_failure(const json_t *error, struct wire_failure *failure)
{
	const json_t *code = json_object_get(error, "code");
	const char *text = json_string_value(json_object_get(error, "message"));

	if (!json_is_integer(code) || !text) {
		wire_fail(failure, WIRE_INVALID, "the answer's error has no code or no message");
		return -EBADMSG;
	}
	wire_fail(failure, (int)json_integer_value(code), "%s", text);
	return -EREMOTEIO;
}

/* A failure may bear no id: it was then told before any request was read. */
static int read_response(const json_t *root, json_int_t id, json_t **result,
		struct wire_failure *failure)
{
	const json_t *got = json_object_get(root, "id");
	const json_t *error = json_object_get(root, "error");
	json_t *value = json_object_get(root, "result");

	if (version_ok(root) && error && !value && (!got || json_is_null(got)))
		return read_failure(error, failure);
	if (!version_ok(root) || !json_is_integer(got) || json_integer_value(got) != id ||
			!error == !value) {
		wire_fail(failure, WIRE_INVALID, "what came back is not the answer to the request");
		return -EBADMSG;
	}
	if (error)
		return read_failure(error, failure);
	*result = json_incref(value);
	return 0;
}

int wire_parse_response(const char *text, size_t len, json_int_t id, json_t **result,
		struct wire_failure *failure)
{
	json_t *root = parse(text, len, failure);
	int ret;

	*result = NULL;
	if (!root)
		return -EBADMSG;
	ret = read_response(root, id, result, failure);
	json_decref(root);
	return ret;
}

/* Takes over message. */
static char *dump_line(json_t *message)
{
	size_t size = message ? json_dumpb(message, NULL, 0, JSON_COMPACT) : 0;
	char *line = NULL;

	if (size && size <= WIRE_MESSAGE_MAX)
		line = malloc(size + 2);
	if (line) {
		json_dumpb(message, line, size, JSON_COMPACT);
		memcpy(line + size, "\n", 2);
	}
	json_decref(message);
	return line;
}

char *wire_format_request(json_int_t id, const char *method, json_t *params, size_t bytes)
{
	json_t *request = json_pack("{s:s, s:I, s:s, s:O*}", "jsonrpc", "2.0", "id", id, "method",
			method, "params", params);

	if (bytes)
		json_object_set_new(request, "bytes", json_integer((json_int_t)bytes));
	return dump_line(request);
}

char *wire_format_result(json_t *id, json_t *result)
{
	return dump_line(json_pack("{s:s, s:O?, s:O}", "jsonrpc", "2.0", "id", id, "result",
			result));
}

/* Text that quotes a caller may hold bytes that JSON can't: then the code stands alone. */
char *wire_format_failure(json_t *id, const struct wire_failure *failure)
{
	json_t *text = json_string(failure->text);

	if (!text)
		text = json_string("the reason holds bytes that are not UTF-8");
	return dump_line(json_pack("{s:s, s:O?, s:{s:i, s:o}}", "jsonrpc", "2.0", "id", id,
			"error", "code", failure->code, "message", text));
}
