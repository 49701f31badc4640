/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vexctl's commands. Each takes argv as main() does, argv[0] being the command's full name
 * ("show ports"), and returns an exit code (enum vex_exit). Options that stand for all commands
 * are already taken out of argv, wherever they stood, and are found in vexctl.
 */
#ifndef VEX_CONTROL_CLI_COMMANDS_H
#define VEX_CONTROL_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"

struct vexctl_globals {
	const char *data_socket;    /**< vex-dataplane's, for live streams; never NULL */
	const char *control_socket; /**< vex-control's; never NULL */
	bool json;                  /**< --json was given */
	bool color;                 /**< colours are wanted, and standard output can show them */
};

extern struct vexctl_globals vexctl;

struct command {
	const char *words;   /**< what is typed, by spaces; unambiguous prefixes will do */
	const char *params;  /**< what must follow, "name:type" by spaces, as in control.def */
	const char *help;    /**< one line */
	int (*run)(int argc, char **argv);
};

/** All of them, in the order of the help; ends in one without words. */
extern const struct command commands[];

/* One for each call of control.def. */
#define VEX_CALL(method, handler, NEEDS, words, help) int vexctl_##handler(int argc, char **argv);
#define VEX_ORDER(method, handler, MESSAGE, params, words, help) \
	int vexctl_##handler(int argc, char **argv);
#define VEX_TASK(method, handler, ROLE, params, words, arguments, help) \
	int vexctl_##handler(int argc, char **argv);
#include "control.def"

int vexctl_rules_check(int argc, char **argv);
int vexctl_rules_compile(int argc, char **argv);
int vexctl_rules_disassemble(int argc, char **argv);
int vexctl_rules_explain(int argc, char **argv);
int vexctl_rules_diff(int argc, char **argv);
int vexctl_rules_show(int argc, char **argv);
int vexctl_tail(int argc, char **argv);
int vexctl_top(int argc, char **argv);
int vexctl_capture(int argc, char **argv);
int vexctl_completion(int argc, char **argv);
int vexctl_help(int argc, char **argv);

/**
 * The command that the first words of argv name, which are as many as *used then says. NULL
 * with a message on stderr where they name none, or more than one.
 */
const struct command *command_find(int argc, char **argv, int *used);

/** A command's own options, by spaces; for completion. */
const char *command_options(const struct command *command);

/** "port move PORT WORKER" */
void command_usage(const struct command *command, char *out, size_t cap);

/** Where the words are the first of several commands alone: prints these. False where not. */
bool command_print_group(int argc, char **argv);

/** Prints its usage, and what there is to say of it. */
void command_print_help(const struct command *command);

#endif
