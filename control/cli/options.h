/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of one command. */
#ifndef VEX_CONTROL_CLI_OPTIONS_H
#define VEX_CONTROL_CLI_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

/**
 * The next option as getopt_long() returns it, the first one where *begun is false: -1 behind the last,
 * where optind is. '?' where it is unknown or lacks its value, which is said on stderr, in JSON where
 * that was asked for. argv[0] is the command's name; shorts up to 14 characters.
 */
int options_next(int argc, char **argv, const char *shorts, const struct option *longs, bool *begun);

#endif
