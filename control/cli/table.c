/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

#define CELL_MAX 160u

char *table_format_count(int64_t count, char *out, size_t cap)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64,
			count < 0 ? -(uint64_t)count : (uint64_t)count);
	size_t n = 0;
	size_t i;

	if (count < 0 && cap > 1)
		out[n++] = '-';
	for (i = 0; i < len && n + 2 < cap; i++) {
		if (i && (len - i) % 3 == 0)
			out[n++] = ',';
		out[n++] = digits[i];
	}
	out[n] = '\0';
	return out;
}

char *table_format_bytes(uint64_t bytes, char *out, size_t cap)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	unsigned unit = 0;

	while (value >= 1024.0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024.0;
		unit++;
	}
	snprintf(out, cap, unit && value < 100.0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return out;
}

char *table_format_duration(uint64_t ns, char *out, size_t cap)
{
	uint64_t s = ns / 1000000000u;

	if (s < 60)
		snprintf(out, cap, "%.1f s", (double)ns / 1e9);
	else if (s < 3600)
		snprintf(out, cap, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, cap, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(out, cap, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
	return out;
}

/* The last character of a text that was cut may lack some of its bytes: it goes. */
static void drop_half(char *text)
{
	size_t len = strlen(text);
	size_t lead = len;
	size_t bytes;

	while (lead && len - lead < 3 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80)
		lead--;
	if (!lead || (unsigned char)text[lead - 1] < 0xc0)
		return;
	bytes = (unsigned char)text[lead - 1] >= 0xf0 ? 4 : (unsigned char)text[lead - 1] >= 0xe0 ? 3 : 2;
	if (len - (lead - 1) < bytes)
		text[lead - 1] = '\0';
}

/* Names come from other processes. Bytes of UTF-8 may pass, but for its control characters. */
void table_clean(char *text)
{
	unsigned char *p;

	drop_half(text);
	for (p = (unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

static void format_list(const json_t *list, char *out, size_t cap)
{
	size_t used = 0;
	json_t *item;
	size_t i;

	snprintf(out, cap, "%s", json_array_size(list) ? "" : "all");
	json_array_foreach(list, i, item) {
		if (used < cap)
			used += (size_t)snprintf(out + used, cap - used, "%s%s", i ? ", " : "",
					json_string_value(item) ? json_string_value(item) : "?");
	}
}

static void format_keys(json_t *object, char *out, size_t cap)
{
	size_t used = 0;
	const char *key;
	json_t *value;

	*out = '\0';
	json_object_foreach(object, key, value)
		if (used < cap)
			used += (size_t)snprintf(out + used, cap - used, "%s%s",
					used ? ", " : "", key);
}

static void format_cell(const json_t *row, const struct table_column *column, char *out)
{
	json_t *value = json_object_get(row, column->key);

	switch (column->format) {
	case TABLE_TEXT:
		if (json_is_integer(value))
			snprintf(out, CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else
			snprintf(out, CELL_MAX, "%s",
					json_is_string(value) ? json_string_value(value) : "");
		break;
	case TABLE_COUNT:
		table_format_count(json_integer_value(value), out, CELL_MAX);
		break;
	case TABLE_ID:
		snprintf(out, CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case TABLE_BYTES:
		table_format_bytes((uint64_t)json_integer_value(value), out, CELL_MAX);
		break;
	case TABLE_RATIO:
		snprintf(out, CELL_MAX, "%.1f", json_number_value(value));
		break;
	case TABLE_YES:
		snprintf(out, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
		break;
	case TABLE_LIST:
		format_list(value, out, CELL_MAX);
		break;
	case TABLE_KEYS:
		format_keys(value, out, CELL_MAX);
		break;
	}
	table_clean(out);
}

/* Characters, not bytes, of UTF-8. */
static int width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool is_number(const struct table_column *column)
{
	return column->format == TABLE_COUNT || column->format == TABLE_ID ||
			column->format == TABLE_BYTES || column->format == TABLE_RATIO;
}

/* Numbers stand to the right; the last column is not padded. */
static void print_cell(const char *text, const struct table_column *column, int wide, bool last)
{
	int pad = wide - width(text);

	if (is_number(column))
		printf("%*s%s", pad, "", text);
	else if (last)
		fputs(text, stdout);
	else
		printf("%s%*s", text, pad, "");
	fputs(last ? "" : "  ", stdout);
}

static void measure(const json_t *rows, const struct table_column *columns, unsigned count,
		int *widths)
{
	char cell[CELL_MAX];
	const json_t *row;
	unsigned c;
	size_t i;

	for (c = 0; c < count; c++)
		widths[c] = width(columns[c].title);
	json_array_foreach(rows, i, row) {
		for (c = 0; c < count; c++) {
			format_cell(row, &columns[c], cell);
			if (width(cell) > widths[c])
				widths[c] = width(cell);
		}
	}
}

void table_print(const json_t *rows, const struct table_column *columns, unsigned count)
{
	int widths[TABLE_COLUMNS_MAX];
	char cell[CELL_MAX];
	const json_t *row;
	unsigned c;
	size_t i;

	measure(rows, columns, count, widths);
	fputs(vexctl.color ? "\033[1m" : "", stdout);
	for (c = 0; c < count; c++)
		print_cell(columns[c].title, &columns[c], widths[c], c + 1 == count);
	puts(vexctl.color ? "\033[0m" : "");
	json_array_foreach(rows, i, row) {
		bool bad = vexctl.color && json_is_false(json_object_get(row, "ok"));

		fputs(bad ? "\033[31m" : "", stdout);
		for (c = 0; c < count; c++) {
			format_cell(row, &columns[c], cell);
			print_cell(cell, &columns[c], widths[c], c + 1 == count);
		}
		puts(bad ? "\033[0m" : "");
	}
}
