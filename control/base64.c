/* SPDX-License-Identifier: BSD-3-Clause */
#include "base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t size)
{
	char *text = malloc((size + 2) / 3 * 4 + 1);
	const uint8_t *in = data;
	char *out = text;
	size_t i;

	for (i = 0; text && i < size; i += 3) {
		uint32_t three = (uint32_t)in[i] << 16;

		three |= i + 1 < size ? (uint32_t)in[i + 1] << 8 : 0;
		three |= i + 2 < size ? in[i + 2] : 0;
		*out++ = letters[three >> 18];
		*out++ = letters[three >> 12 & 63];
		*out++ = i + 1 < size ? letters[three >> 6 & 63] : '=';
		*out++ = i + 2 < size ? letters[three & 63] : '=';
	}
	if (text)
		*out = '\0';
	return text;
}

static int value_of(char letter)
{
	const char *at = letter ? strchr(letters, letter) : NULL;

	return at ? (int)(at - letters) : -1;
}

void *base64_decode(const char *text, size_t len, size_t *size)
{
	uint8_t *data = malloc(len / 4 * 3 + 1);
	uint32_t bits = 0;
	size_t left = len;
	size_t i;

	*size = 0;
	while (left && text[left - 1] == '=' && len - left < 2)
		left--;
	for (i = 0; data && i < left; i++) {
		if (len % 4 || value_of(text[i]) < 0) {
			free(data);
			return NULL;
		}
		bits = bits << 6 | (uint32_t)value_of(text[i]);
		if (i % 4)
			data[(*size)++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	return data;
}
