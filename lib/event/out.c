/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/out.h"

#include <errno.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static const char hex_digits[] = "0123456789abcdef";

void out_begin(struct out *out, char *text, size_t cap)
{
	*out = (struct out){.text = text, .cap = cap};
}

ssize_t out_finish(struct out *out)
{
	if (out->full || out->len >= out->cap)
		return -ENOSPC;
	out->text[out->len] = '\0';
	return (ssize_t)out->len;
}

void out_raw(struct out *out, const void *data, size_t len)
{
	if (len > out->cap - out->len) {
		out->full = true;
		return;
	}
	if (len)
		memcpy(out->text + out->len, data, len);
	out->len += len;
}

void out_text(struct out *out, const char *text)
{
	out_raw(out, text, strlen(text));
}

void out_u64(struct out *out, uint64_t value)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	out_raw(out, digits + n, sizeof(digits) - n);
}

void out_i64(struct out *out, int64_t value)
{
	if (value < 0)
		out_raw(out, "-", 1);
	out_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* Bytes of the character that begins here, 0 where none does: RFC 3629, no surrogates. */
static size_t utf8_decode(const uint8_t *at, size_t left, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	size_t i;

	if (!len || len > left || at[0] > 0xf4)
		return 0;
	*code = len == 1 ? at[0] : at[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (at[i] & 0x3f);
	}
	if (*code < least[len] || *code > 0x10ffff || (*code & 0xfffff800) == 0xd800)
		return 0;
	return len;
}

bool out_is_utf8(struct vex_bytes bytes)
{
	const uint8_t *at = bytes.data;
	size_t left = bytes.len;
	uint32_t code;
	size_t n;

	for (; left; at += n, left -= n) {
		n = utf8_decode(at, left, &code);
		if (!n)
			return false;
	}
	return true;
}

/* What moves the cursor, changes the direction of writing or can't be seen is not printed. */
static bool printable(uint32_t code)
{
	return code >= 0x20 && code != '\\' && !(code >= 0x7f && code < 0xa0) && code != 0xad &&
			code != 0x61c && !(code >= 0x200b && code <= 0x200f) &&
			!(code >= 0x2028 && code <= 0x202e) &&
			!(code >= 0x2060 && code <= 0x206f) && code != 0xfeff &&
			!(code >= 0xfff0 && code <= 0xfffb) && code < 0xe0000;
}

void out_visible(struct out *out, struct vex_bytes bytes)
{
	const uint8_t *at = bytes.data;
	size_t left = bytes.len;
	uint32_t code = 0;
	size_t n;

	for (; left; at += n, left -= n) {
		n = utf8_decode(at, left, &code);
		if (n && printable(code)) {
			out_raw(out, at, n);
			continue;
		}
		n = 1;
		out_raw(out, (char[]){'\\', 'x', hex_digits[*at >> 4], hex_digits[*at & 15]}, 4);
	}
}

static void key(struct out *out, const char *name, const char *suffix)
{
	char last = out->len ? out->text[out->len - 1] : '{';

	if (last != '{' && last != '[')
		out_raw(out, ",", 1);
	if (!name)
		return;
	out_raw(out, "\"", 1);
	out_text(out, name);
	out_text(out, suffix);
	out_raw(out, "\":", 2);
}

void out_open(struct out *out, const char *name, char bracket)
{
	key(out, name, "");
	out_raw(out, &bracket, 1);
}

void out_close(struct out *out, char bracket)
{
	out_raw(out, &bracket, 1);
}

void out_key_u64(struct out *out, const char *name, uint64_t value)
{
	key(out, name, "");
	out_u64(out, value);
}

void out_key_true(struct out *out, const char *name)
{
	key(out, name, "");
	out_text(out, "true");
}

void out_key_i64(struct out *out, const char *name, int64_t value)
{
	key(out, name, "");
	out_i64(out, value);
}

void out_key_text(struct out *out, const char *name, const char *text)
{
	out_key_bytes(out, name, (struct vex_bytes){.data = text, .len = strlen(text)});
}

static void json_character(struct out *out, const uint8_t *at, size_t n)
{
	if (*at == '"' || *at == '\\') {
		out_raw(out, (char[]){'\\', (char)*at}, 2);
	} else if (*at < 0x20) {
		out_text(out, "\\u00");
		out_raw(out, (char[]){hex_digits[*at >> 4], hex_digits[*at & 15]}, 2);
	} else {
		out_raw(out, at, n);
	}
}

void out_key_bytes(struct out *out, const char *name, struct vex_bytes bytes)
{
	const uint8_t *at = bytes.data;
	size_t left = bytes.len;
	uint32_t code;
	size_t n;

	key(out, name, "");
	out_raw(out, "\"", 1);
	for (; left; at += n, left -= n) {
		n = utf8_decode(at, left, &code);
		if (n)
			json_character(out, at, n);
		else
			out_text(out, REPLACEMENT);
		n = n ? n : 1;
	}
	out_raw(out, "\"", 1);
}

void out_key_base64(struct out *out, const char *name, struct vex_bytes bytes)
{
	static const char digits[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *at = bytes.data;
	size_t left = bytes.len;
	size_t n;

	key(out, name, "_b64");
	out_raw(out, "\"", 1);
	for (; left; at += n, left -= n) {
		uint32_t b = (uint32_t)at[0] << 16;

		n = left < 3 ? left : 3;
		b |= n > 1 ? (uint32_t)at[1] << 8 : 0;
		b |= n > 2 ? at[2] : 0;
		out_raw(out, (char[]){digits[b >> 18], digits[b >> 12 & 63],
				n > 1 ? digits[b >> 6 & 63] : '=',
				n > 2 ? digits[b & 63] : '='}, 4);
	}
	out_raw(out, "\"", 1);
}

void out_key_exact(struct out *out, const char *name, struct vex_bytes bytes)
{
	out_key_bytes(out, name, bytes);
	if (!out_is_utf8(bytes))
		out_key_base64(out, name, bytes);
}
