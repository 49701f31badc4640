/* SPDX-License-Identifier: BSD-3-Clause */
#include "params.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *param_next(const char *declaration, struct param *param)
{
	int used = 0;
	size_t len;

	if (sscanf(declaration, " %31[^: ]:%31[^ ]%n", param->name, param->type, &used) != 2)
		return NULL;
	len = strlen(param->type);
	param->optional = param->type[len - 1] == '?';
	if (param->optional)
		param->type[len - 1] = '\0';
	return declaration + used;
}

static bool is_text(const json_t *value)
{
	return json_is_string(value) && json_string_length(value) <= PARAM_TEXT_MAX;
}

static bool is_texts(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value) || !json_array_size(value) ||
			json_array_size(value) > PARAM_TEXTS_MAX)
		return false;
	json_array_foreach(value, i, item)
		if (!is_text(item))
			return false;
	return true;
}

static bool is_integer(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0 &&
			json_integer_value(value) <= UINT32_MAX;
}

static bool is_boolean(const json_t *value)
{
	return json_is_boolean(value);
}

static const struct {
	const char *name;
	bool (*is)(const json_t *value);
	const char *text;
} types[] = {
	{"integer", is_integer, "an integer from 0 to 4294967295"},
	{"text", is_text, "a text of at most 4096 bytes"},
	{"texts", is_texts, "a list of 1 to 1024 texts of at most 4096 bytes"},
	{"boolean", is_boolean, "true or false"},
};

/* Bytes are no member of the params. */
static bool is_member(const struct param *param)
{
	return strcmp(param->type, "bytes") != 0;
}

static bool check_one(const struct param *param, const json_t *value, const char *method,
		struct wire_failure *failure)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, param->type))
			continue;
		if ((!value && param->optional) || types[i].is(value))
			return true;
		wire_fail(failure, WIRE_PARAMS, "%s needs '%s', %s", method, param->name,
				types[i].text);
		return false;
	}
	wire_fail(failure, WIRE_INTERNAL, "%s: no type %s", method, param->type);
	return false;
}

static bool is_declared(const char *declaration, const char *key)
{
	struct param param;

	while ((declaration = param_next(declaration, &param)))
		if (is_member(&param) && !strcmp(param.name, key))
			return true;
	return false;
}

bool params_check(const char *declaration, const json_t *params, const char *method,
		struct wire_failure *failure)
{
	const char *rest = declaration;
	struct param param;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)params, key, value)
		if (!is_declared(declaration, key)) {
			wire_fail(failure, WIRE_PARAMS, "%s takes no '%.100s' (params: %s)",
					method, key, *declaration ? declaration : "none");
			return false;
		}
	while ((rest = param_next(rest, &param)))
		if (is_member(&param) && !check_one(&param, json_object_get(params, param.name),
				method, failure))
			return false;
	return true;
}

bool params_take_bytes(const char *declaration)
{
	struct param param;

	while ((declaration = param_next(declaration, &param)))
		if (!is_member(&param))
			return true;
	return false;
}

json_t *params_describe(const char *declaration)
{
	json_t *list = json_object();
	struct param param;
	char type[PARAM_NAME_MAX + 1];

	while ((declaration = param_next(declaration, &param))) {
		snprintf(type, sizeof(type), "%s%s", param.type, param.optional ? "?" : "");
		json_object_set_new(list, param.name, json_string(type));
	}
	return list;
}

uint32_t param_integer(const json_t *params, const char *name, uint32_t otherwise)
{
	const json_t *value = json_object_get(params, name);

	return value ? (uint32_t)json_integer_value(value) : otherwise;
}

const char *param_text(const json_t *params, const char *name)
{
	const json_t *value = json_object_get(params, name);

	return value ? json_string_value(value) : "";
}
