/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rule_diags_clear(struct rule_diags *diags)
{
	size_t i;

	for (i = 0; i < diags->count; i++)
		free((void *)diags->items[i].file); /* one piece holds all its strings */
	free(diags->items);
	memset(diags, 0, sizeof(*diags));
}

#define RULE_DIAG_NAME(ID, name) [RULE_DIAG_##ID] = (name),
static const char *const codes[RULE_DIAG_CODE_COUNT] = {RULE_DIAG_CODES(RULE_DIAG_NAME)};

const char *rule_diag_code_name(enum rule_diag_code code)
{
	return code < RULE_DIAG_CODE_COUNT ? codes[code] : NULL;
}

struct out {
	char *at;
	size_t cap;
	size_t len; /* that it has, with what did not fit */
};

static void put_char(struct out *out, char c)
{
	if (out->len + 1 < out->cap)
		out->at[out->len] = c;
	out->len++;
}

static bool is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 character there, or 0 where it is none, or one that moves the cursor. */
static size_t shown_len(const char *at)
{
	unsigned char first = (unsigned char)*at;
	size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
			: first < 0xf5					? 4
									: 0;
	size_t i;

	if (first < ' ' || first == 0x7f)
		return first == '\t';
	for (i = 1; i < len; i++)
		if (!is_tail(at[i]))
			return 0;
	if (len == 2 && first == 0xc2 && (unsigned char)at[1] < 0xa0)
		return 0; /* C1 controls */
	if (len == 3 && first == 0xe2 && ((unsigned char)at[1] == 0x80 || (unsigned char)at[1] == 0x81))
		return 0; /* among them those that turn the direction of writing */
	return len;
}

static void put_text(struct out *out, const char *text)
{
	size_t len;

	while (*text) {
		len = shown_len(text);
		if (!len)
			put_char(out, '.');
		for (text += !len; len; len--)
			put_char(out, *text++);
	}
}

static void put_number(struct out *out, uint32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	put_text(out, text);
}

/* Blanks up to the column; tabs stay, so that the caret stands below its letter. */
static void put_caret(struct out *out, const struct rule_diag *diag)
{
	const char *at = diag->source;
	uint32_t column;
	size_t len;

	put_char(out, '\n');
	put_text(out, "  ");
	for (column = 1; column < diag->source_column && *at; column += (uint32_t)len, at += len) {
		len = shown_len(at) ? shown_len(at) : 1;
		put_char(out, *at == '\t' ? '\t' : ' ');
	}
	put_char(out, '^');
}

size_t rule_diag_format(const struct rule_diag *diag, char *text, size_t cap)
{
	struct out out = {.at = text, .cap = cap};

	put_text(&out, diag->file);
	if (diag->line) {
		put_char(&out, ':');
		put_number(&out, diag->line);
		put_char(&out, ':');
		put_number(&out, diag->column);
	}
	put_text(&out, *diag->file ? ": " : "");
	put_text(&out, diag->severity == RULE_ERROR ? "error: " : "warning: ");
	put_text(&out, diag->message);
	if (*diag->expected) {
		put_text(&out, "; expected ");
		put_text(&out, diag->expected);
	}
	if (*diag->suggestion) {
		put_text(&out, "; did you mean ");
		put_text(&out, diag->suggestion);
		put_char(&out, '?');
	}
	if (*diag->source) {
		put_char(&out, '\n');
		put_text(&out, "  ");
		put_text(&out, diag->source);
		put_caret(&out, diag);
	}
	if (cap)
		text[out.len < cap ? out.len : cap - 1] = '\0';
	return out.len;
}
