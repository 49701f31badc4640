/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VEX_CONTROL_CLI_GLOB_H
#define VEX_CONTROL_CLI_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Whether the whole text, which may hold any byte, matches the pattern:
 *
 *   ?      one byte, not a slash
 *   *      any bytes, no slash among them
 *   **     any bytes; where it is a whole name, with the slash behind it, it stands for any
 *          number of directories, none included: a, **, b matches a/b as well as a/x/y/b
 *   [a-z]  one byte of a set, not a slash; [!a-z] one that is not of it
 *   \x     the byte x itself
 *
 * A bracket that is never closed stands for itself. Takes time of at most the square of the
 * text's length times that of the pattern.
 */
bool glob_match(const char *pattern, const char *text, size_t len);

/** Whether each bracket that opens a set is closed. */
bool glob_is_closed(const char *pattern);

#endif
