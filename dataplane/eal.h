/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL, which stands before "--" on the command line, started as we want it. */
#ifndef VEX_DATAPLANE_EAL_H
#define VEX_DATAPLANE_EAL_H

#include <stdbool.h>

/** Whether argv[1] to argv[argc - 1] has this option, as a word of its own. */
bool eal_asks_for(int argc, char **argv, const char *option);

/**
 * Starts EAL with these arguments, as a primary process. Returns -1 to go on, or the exit code,
 * VEX_EXIT_USAGE or VEX_EXIT_CONFIG, after one clear line on stderr.
 */
int eal_start(int argc, char **argv);

#endif
