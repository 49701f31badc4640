/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables for people, out of lists of JSON objects. */
#ifndef VEX_CONTROL_CLI_TABLE_H
#define VEX_CONTROL_CLI_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_COLUMNS_MAX 16u

enum table_format {
	TABLE_TEXT,
	TABLE_COUNT, /**< 1,234,567 */
	TABLE_ID,    /**< 1234567 */
	TABLE_BYTES, /**< 1.2 MiB */
	TABLE_RATIO, /**< 12.3 */
	TABLE_YES,   /**< yes or no */
	TABLE_LIST,  /**< a, b, c; an empty one is "all" */
	TABLE_KEYS,  /**< of an object: a, b */
};

struct table_column {
	const char *title;
	const char *key; /**< of the object that is the row */
	enum table_format format;
};

/**
 * Prints a line of titles and one for each object. A row whose member "ok" is false stands out
 * in colour, where colours are wanted.
 */
void table_print(const json_t *rows, const struct table_column *columns, unsigned count);

/** A count with separators, or bytes in human units, into out. Returns out. */
char *table_format_count(int64_t count, char *out, size_t cap);
char *table_format_bytes(uint64_t bytes, char *out, size_t cap);

/** "3 d 4 h", "12 min 5 s", "1.5 s". */
char *table_format_duration(uint64_t ns, char *out, size_t cap);

/** Makes text fit for a terminal: what could control it becomes '?'. */
void table_clean(char *text);

#endif
