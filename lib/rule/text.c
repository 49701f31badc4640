/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rule/memory.h"

/* Bytes of the line break there: YAML 1.1 breaks lines at NEL, LS and PS as well. */
static size_t break_len(const char *at, size_t left)
{
	if (!left)
		return 0;
	if (*at == '\n')
		return 1;
	if (*at == '\r')
		return left > 1 && at[1] == '\n' ? 2 : 1;
	if (left > 1 && !memcmp(at, "\xc2\x85", 2))
		return 2;
	return left > 2 && (!memcmp(at, "\xe2\x80\xa8", 3) || !memcmp(at, "\xe2\x80\xa9", 3)) ? 3 : 0;
}

static int add_line(struct text_file *file, size_t *capacity, size_t offset)
{
	size_t *lines = rule_array_room(file->lines, file->line_count, capacity, sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	file->lines = lines;
	file->lines[file->line_count++] = offset;
	return 0;
}

int text_file_lines(struct text_file *file)
{
	size_t capacity = 0;
	size_t i = 0;
	size_t len;

	if (add_line(file, &capacity, 0))
		return -ENOMEM;
	while (i < file->len) {
		len = break_len(file->text + i, file->len - i);
		i += len ? len : 1;
		if (len && add_line(file, &capacity, i))
			return -ENOMEM;
	}
	return 0;
}

void text_file_free(struct text_file *file)
{
	free(file->text);
	free(file->lines);
	memset(file, 0, sizeof(*file));
}

static size_t char_len(const char *at, size_t left)
{
	size_t len = 1;

	while (len < left && ((uint8_t)at[len] & 0xc0) == 0x80)
		len++;
	return len;
}

size_t text_file_offset(const struct text_file *file, size_t line, size_t column)
{
	size_t at;

	if (line >= file->line_count)
		return file->len;
	for (at = file->lines[line]; column && at < file->len; column--)
		at += char_len(file->text + at, file->len - at);
	return at;
}

/* The line that holds a byte, from 0. */
static size_t line_of(const struct text_file *file, size_t offset)
{
	size_t low = 0;
	size_t high = file->line_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (file->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static struct rule_pos pos_in_line(const struct text_file *file, uint16_t number, size_t line,
		size_t offset)
{
	size_t column = offset - file->lines[line] + 1;

	return (struct rule_pos){
		.line = line < UINT32_MAX ? (uint32_t)line + 1 : UINT32_MAX,
		.column = column < UINT16_MAX ? (uint16_t)column : UINT16_MAX,
		.file = number,
	};
}

struct rule_pos text_file_pos(const struct text_file *file, uint16_t number, size_t offset)
{
	return pos_in_line(file, number, line_of(file, offset), offset);
}

struct rule_text text_file_line(const struct text_file *file, uint32_t line)
{
	size_t start;
	size_t end;

	if (!line || line > file->line_count)
		return (struct rule_text){"", 0};
	start = file->lines[line - 1];
	end = start;
	while (end < file->len && !break_len(file->text + end, file->len - end))
		end++;
	return (struct rule_text){file->text + start, end - start};
}

struct text_cursor text_cursor_begin(const struct text_file *file, const struct text_scalar *scalar)
{
	struct text_cursor cursor = {.file = file, .scalar = scalar, .raw = scalar->start};

	cursor.line = line_of(file, scalar->start);
	if (scalar->style == TEXT_BLOCK && cursor.line + 1 < file->line_count)
		cursor.raw = file->lines[++cursor.line];
	else if (scalar->style == TEXT_SINGLE || scalar->style == TEXT_DOUBLE)
		cursor.raw++;
	return cursor;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Over blanks and line breaks of the file, escaped breaks of a double-quoted scalar included. */
static void skip_blanks(struct text_cursor *cursor)
{
	const struct text_file *file = cursor->file;
	size_t left;
	size_t len;

	while (cursor->raw < cursor->scalar->end) {
		const char *at = file->text + cursor->raw;

		left = file->len - cursor->raw;
		len = break_len(at, left);
		if (len)
			cursor->line++;
		else if (*at == ' ' || *at == '\t')
			len = 1;
		else if (cursor->scalar->style == TEXT_DOUBLE && *at == '\\' && left > 1 &&
				break_len(at + 1, left - 1))
			len = 1;
		if (!len)
			return;
		cursor->raw += len;
	}
}

/* Bytes in the file of the character there, quotes and escapes taken into account. */
static size_t raw_len(const struct text_cursor *cursor)
{
	const char *at = cursor->file->text + cursor->raw;
	size_t left = cursor->file->len - cursor->raw;

	if (!left)
		return 0;
	if (cursor->scalar->style == TEXT_SINGLE && *at == '\'' && left > 1 && at[1] == '\'')
		return 2;
	if (cursor->scalar->style != TEXT_DOUBLE || *at != '\\' || left < 2)
		return char_len(at, left);
	switch (at[1]) {
	case 'x':
		return 4;
	case 'u':
		return 6;
	case 'U':
		return 10;
	default:
		return 2;
	}
}

static void step(struct text_cursor *cursor)
{
	const struct rule_text *text = &cursor->scalar->text;
	bool escape;

	if (is_blank(text->data[cursor->value])) {
		cursor->value++;
		escape = cursor->scalar->style == TEXT_DOUBLE && cursor->raw < cursor->file->len &&
				cursor->file->text[cursor->raw] == '\\' &&
				!break_len(cursor->file->text + cursor->raw + 1,
						cursor->file->len - cursor->raw - 1);
		if (escape)
			cursor->raw += raw_len(cursor);
		return;
	}
	skip_blanks(cursor);
	cursor->value += char_len(text->data + cursor->value, text->len - cursor->value);
	cursor->raw += raw_len(cursor);
}

struct rule_pos text_cursor_pos(struct text_cursor *cursor, size_t offset)
{
	const struct rule_text *text = &cursor->scalar->text;

	while (cursor->value < offset && cursor->value < text->len)
		step(cursor);
	/* At the end of the text stay behind its last character, rather than on a line below. */
	if (cursor->value < text->len && !is_blank(text->data[cursor->value]))
		skip_blanks(cursor);
	if (cursor->raw > cursor->scalar->end)
		cursor->raw = cursor->scalar->end;
	return pos_in_line(cursor->file, cursor->scalar->file, cursor->line, cursor->raw);
}
