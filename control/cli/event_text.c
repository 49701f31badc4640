/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of an event in JSON, whose numbers may have 64 bits: jansson's have 63. */
#include "cli/event_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many digits stand there. */
static size_t count_digits(const char *at, const char *end)
{
	size_t count = 0;

	while (at + count < end && at[count] >= '0' && at[count] <= '9')
		count++;
	return count;
}

/* Whether it is a whole number that may be too large for one of jansson's. */
static bool is_large(const char *at, size_t digits, const char *end)
{
	return digits >= 19 && *at != '0' && (at + digits == end || !strchr(".eE", at[digits]));
}

/* Copies a string with its quotes; where it does not end, all of it. */
static const char *copy_string(const char *at, const char *end, FILE *out)
{
	const char *from = at++;

	while (at < end && *at != '"')
		at += *at == '\\' && at + 1 < end ? 2 : 1;
	at += at < end;
	fwrite(from, 1, (size_t)(at - from), out);
	return at;
}

/* In quotes, for event_from_json() to read. */
static char *quote_large(const char *text, size_t len, size_t *size)
{
	const char *end = text + len;
	const char *at = text;
	char *copy = NULL;
	FILE *out = open_memstream(&copy, size);

	while (out && at < end) {
		size_t digits = count_digits(at, end);

		if (*at == '"') {
			at = copy_string(at, end, out);
		} else if (!digits) {
			fputc(*at++, out);
		} else {
			bool large = is_large(at, digits, end) && (at == text || at[-1] != '-');

			fputs(large ? "\"" : "", out);
			fwrite(at, 1, digits, out);
			fputs(large ? "\"" : "", out);
			at += digits;
		}
	}
	if (out && fclose(out))
		return free(copy), NULL;
	return copy;
}

json_t *event_json_parse(const char *text, size_t len, json_error_t *error)
{
	size_t size = 0;
	char *quoted = quote_large(text, len, &size);
	json_t *root = NULL;

	if (quoted)
		root = json_loadb(quoted, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, error);
	else
		snprintf(error->text, sizeof(error->text), "out of memory");
	free(quoted);
	return root;
}
