/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line. */
#ifndef VEX_FUSE_OPTIONS_H
#define VEX_FUSE_OPTIONS_H

#include "mirror.h"

/**
 * Fills options. -1: go on; else an exit code, and the line that goes with it is printed:
 * --help and --version end with 0.
 */
int options_parse(struct mirror_options *options, int argc, char **argv);

#endif
