/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VEX_CONTROL_CLI_SUGGEST_H
#define VEX_CONTROL_CLI_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Finds the word of list (separated by ", ") that typed was most likely meant to be. False
 * where none is near.
 */
bool suggest(const char *typed, const char *list, char *word, size_t cap);

#endif
