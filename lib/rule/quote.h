/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings in quotes, and what stands in brackets behind a field. Pure and thread-safe. */
#ifndef VEX_RULE_QUOTE_H
#define VEX_RULE_QUOTE_H

#include <sys/types.h>

#include "rule/ast.h"

/**
 * Writes what stands between two quotes to out, which has room for len bytes: escapes are taken.
 * Returns its length, or -EINVAL where an escape is none, -EILSEQ where one is of a NUL byte.
 */
ssize_t quote_read(const char *text, size_t len, char *out);

/** Whether a text stands in quotes of its own, single or double. */
bool quote_is_quoted(const struct rule_text *text);

/**
 * Bytes of [name], ["name"] or ['name'] at that place, with the brackets; 0 where there is none.
 * In quotes the name may hold brackets.
 */
size_t quote_bracket(const char *at, const char *end);

/** Whether a word needs no quotes, wherever it stands. */
bool quote_is_bare(const struct rule_text *text);

#endif
