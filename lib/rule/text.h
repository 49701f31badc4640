/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source files, their lines, and where in them the text of a YAML scalar stands: folded lines,
 * quotes and escapes lie between what the file says and what the scalar is.
 */
#ifndef VEX_RULE_TEXT_H
#define VEX_RULE_TEXT_H

#include "rule/ast.h"

struct text_file {
	const char *name;
	char *text; /**< on the heap, a NUL behind it */
	size_t len;
	size_t *lines; /**< offset of each line, on the heap */
	size_t line_count;
	struct rule_pos by; /**< the include that led to it; line 0: none */
};

enum text_style { TEXT_PLAIN, TEXT_SINGLE, TEXT_DOUBLE, TEXT_BLOCK };

/** A scalar: what it says, and where in its file it begins. */
struct text_scalar {
	struct rule_text text;
	enum text_style style;
	size_t start; /**< of the scalar with its quotes or its indicator, in bytes */
	size_t end;
	uint16_t file;
};

/** Walks along a scalar and its file together. */
struct text_cursor {
	const struct text_file *file;
	const struct text_scalar *scalar;
	size_t value; /**< offset in the scalar's text */
	size_t raw;   /**< offset in the file where what stands there begins, or blanks before it */
	size_t line;  /**< of raw, from 0 */
};

/** Finds the lines, as YAML counts them. Returns 0 or -ENOMEM. */
int text_file_lines(struct text_file *file);

void text_file_free(struct text_file *file);

/** The byte that a line and a column in characters, both from 0, stand for. */
size_t text_file_offset(const struct text_file *file, size_t line, size_t column);

/** The place of a byte. */
struct rule_pos text_file_pos(const struct text_file *file, uint16_t number, size_t offset);

/** The line without its break; of a line past the last one nothing. */
struct rule_text text_file_line(const struct text_file *file, uint32_t line);

struct text_cursor text_cursor_begin(const struct text_file *file, const struct text_scalar *scalar);

/** The place of the byte at this offset of the scalar; offsets may only grow. */
struct rule_pos text_cursor_pos(struct text_cursor *cursor, size_t offset);

#endif
