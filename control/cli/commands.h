/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vexctl's commands. Each takes argv as main() does, argv[0] being the command's full name,
 * and returns an exit code (enum vex_exit). Options that stand for all commands are already
 * taken out of argv, wherever they stood, and are found in vexctl.
 */
#ifndef VEX_CONTROL_CLI_COMMANDS_H
#define VEX_CONTROL_CLI_COMMANDS_H

#include <stdbool.h>

#include "base/log.h"

struct vexctl_globals {
	const char *data_socket;    /**< vex-dataplane's, for live streams; never NULL */
	const char *control_socket; /**< vex-control's; never NULL */
	bool json;                  /**< --json was given */
	bool color;                 /**< colours are wanted, and standard output can show them */
};

extern struct vexctl_globals vexctl;

int vexctl_status(int argc, char **argv);
int vexctl_show(int argc, char **argv);
int vexctl_verify(int argc, char **argv);
int vexctl_port(int argc, char **argv);
int vexctl_subscriber(int argc, char **argv);
int vexctl_tail(int argc, char **argv);
int vexctl_top(int argc, char **argv);
int vexctl_capture(int argc, char **argv);
int vexctl_version(int argc, char **argv);
int vexctl_completion(int argc, char **argv);
int vexctl_help(int argc, char **argv);

#endif
