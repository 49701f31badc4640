/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of vex-replay. */
#ifndef VEX_TOOLS_REPLAY_OPTIONS_H
#define VEX_TOOLS_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct replay_options {
	const char *file;
	const char *socket; /**< NULL: libvex's default */
	const char *name;
	double speed;	    /**< 0: as fast as the plane takes */
	uint64_t loops;	    /**< 0: for ever */
	uint64_t lane_size; /**< bytes */
	bool quiet;
	bool json;
};

/** Returns -1 where the program is to go on, else its exit code; has then said why. */
int replay_parse_options(int argc, char **argv, struct replay_options *options);

#endif
