/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/quote.h"

#include <errno.h>
#include <string.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that an escape stands for, or -1; takes what follows the backslash. */
static int unescape(const char **at, const char *end)
{
	/* A backslash before a blank is a backslash alone: Falco's own rules rely on it. */
	static const char from[] = "bfnrt\\/\"' ";
	static const char to[] = "\b\f\n\r\t\\/\"'\\";
	const char *found;
	int byte;

	if (*at == end)
		return -1;
	if (**at == 'x') {
		byte = end - *at > 2 && hex((*at)[1]) >= 0 && hex((*at)[2]) >= 0
				? hex((*at)[1]) << 4 | hex((*at)[2])
				: -1;
		*at += byte >= 0 ? 3 : 1;
		return byte;
	}
	found = strchr(from, **at);
	if (!found || !**at)
		return -1;
	*at += 1;
	return (uint8_t)to[found - from];
}

ssize_t quote_read(const char *text, size_t len, char *out)
{
	const char *end = text + len;
	ssize_t n = 0;
	int byte;

	while (text < end) {
		byte = *text++;
		if (byte == '\\') {
			byte = unescape(&text, end);
			if (byte <= 0)
				return byte ? -EINVAL : -EILSEQ;
		}
		out[n++] = (char)byte;
	}
	return n;
}

bool quote_is_quoted(const struct rule_text *text)
{
	char quote = text->len > 1 ? text->data[0] : '\0';

	return (quote == '"' || quote == '\'') && text->data[text->len - 1] == quote;
}

size_t quote_bracket(const char *at, const char *end)
{
	const char *from = at + 1;
	const char *close;
	char quote;

	if (end - at < 2 || *at != '[')
		return 0;
	quote = *from;
	if (quote == '"' || quote == '\'') {
		for (from++; from < end && *from != quote; from++)
			from += *from == '\\' && from + 1 < end;
		return end - from > 1 && from[1] == ']' ? (size_t)(from + 2 - at) : 0;
	}
	close = memchr(from, ']', (size_t)(end - from));
	return close ? (size_t)(close + 1 - at) : 0;
}

bool quote_is_bare(const struct rule_text *text)
{
	static const char also[] = "_-./*?+:@%~";
	size_t i;

	for (i = 0; i < text->len; i++) {
		char c = text->data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
				(!c || !strchr(also, c)))
			return false;
	}
	return text->len;
}
