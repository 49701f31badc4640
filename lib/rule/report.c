/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said about a load, and the memory it takes. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule/load.h"

/* The part of the line that is shown, with the column somewhere in it. */
static struct rule_text line_part(const struct rule_text *line, uint32_t column, uint32_t *part_column)
{
	struct rule_text part = *line;
	size_t start = 0;

	*part_column = column;
	if (line->len <= RULE_DIAG_LINE_MAX)
		return part;
	if (column > RULE_DIAG_LINE_MAX / 2)
		start = column - RULE_DIAG_LINE_MAX / 2;
	if (start + RULE_DIAG_LINE_MAX > line->len)
		start = line->len - RULE_DIAG_LINE_MAX;
	while (start && start < line->len && ((uint8_t)line->data[start] & 0xc0) == 0x80)
		start++;
	part.data += start;
	part.len = line->len - start < RULE_DIAG_LINE_MAX ? line->len - start : RULE_DIAG_LINE_MAX;
	*part_column = column - (uint32_t)start;
	return part;
}

static const char *put(char **at, const char *text, size_t len)
{
	char *start = *at;

	memcpy(start, text, len);
	start[len] = '\0';
	*at += len + 1;
	return start;
}

/* Adds it with all its strings in one piece, which diag->file points to. */
static int add(struct load *load, struct rule_diag *diag, const struct complaint *complaint,
		const char *message, struct rule_text line)
{
	struct rule_diags *diags = load->diags;
	const char *expected = complaint && complaint->expected ? complaint->expected : "";
	const char *meant = complaint && complaint->suggestion ? complaint->suggestion : "";
	struct rule_diag *items = rule_array_room(diags->items, diags->count, &diags->capacity,
			sizeof(*items));
	char *at;

	if (!items)
		return -ENOMEM;
	diags->items = items;
	at = malloc(strlen(diag->file) + line.len + strlen(message) + strlen(expected) +
			strlen(meant) + 5);
	if (!at)
		return -ENOMEM;
	diag->file = put(&at, diag->file, strlen(diag->file));
	diag->source = put(&at, line.data, line.len);
	diag->message = put(&at, message, strlen(message));
	diag->expected = put(&at, expected, strlen(expected));
	diag->suggestion = put(&at, meant, strlen(meant));
	items[diags->count++] = *diag;
	return 0;
}

void load_say(struct load *load, enum rule_severity severity, enum rule_diag_code code,
		struct rule_pos pos, const struct complaint *complaint, const char *format, ...)
{
	struct rule_diag diag = {.severity = severity, .code = code, .file = "", .line = pos.line,
			.column = pos.column};
	struct rule_text line = {"", 0};
	char message[512];
	va_list args;

	if (severity == RULE_ERROR) {
		load->errors++;
		load->diags->errors++;
	} else {
		load->diags->warnings++;
	}
	if (load->diags->count >= RULE_DIAGS_MAX)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (pos.file < load->file_count) {
		diag.file = load->files[pos.file].name;
		line = text_file_line(&load->files[pos.file], pos.line);
		line = line_part(&line, pos.column, &diag.source_column);
	}
	if (add(load, &diag, complaint, message, line))
		load->error = -ENOMEM;
}

int load_no_memory(struct load *load)
{
	if (!load->error)
		load_say(load, RULE_ERROR, RULE_DIAG_MEMORY, (struct rule_pos){.file = UINT16_MAX}, NULL,
				"out of memory");
	load->error = -ENOMEM;
	return -ENOMEM;
}

void *load_keep(struct load *load, size_t size)
{
	void *memory = rule_memory_get(load->keep, size);

	if (!memory)
		load_no_memory(load);
	return memory;
}

void *load_scratch(struct load *load, size_t size)
{
	void *memory = rule_memory_get(&load->scratch, size);

	if (!memory)
		load_no_memory(load);
	return memory;
}

void *load_temporary(struct load *load, size_t size)
{
	void *memory = rule_memory_get(&load->temporary, size);

	if (!memory)
		load_no_memory(load);
	return memory;
}

struct rule_text load_keep_text(struct load *load, struct rule_text text)
{
	struct rule_text copy = rule_memory_text(load->keep, text.data, text.len);

	if (!copy.data)
		load_no_memory(load);
	return copy;
}

struct rule_pos load_pos(const struct load *load, const struct text_scalar *scalar)
{
	return text_file_pos(&load->files[scalar->file], scalar->file, scalar->start);
}
