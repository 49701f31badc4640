/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <stdio.h>

static const char options[] =
	"\n"
	"Options, before or behind the command:\n"
	"  --json           print JSON, with raw numbers; errors too (help stays text)\n"
	"  --control SOCK   vex-control's socket ($VEX_CONTROL_SOCKET)\n"
	"  --socket SOCK    vex-dataplane's socket, for live streams ($VEX_SOCKET)\n"
	"  --color WHEN     auto, always or never\n"
	"  --help           describe the command\n"
	"\n"
	"Unambiguous beginnings of words will do: 'vexctl sh po' shows ports.\n"
	"Exit codes: 0 good, 1 failed, 2 wrong usage, 78 wrong rules.\n";

int vexctl_help(int argc, char **argv)
{
	const struct command *command;
	char line[64];
	int used;

	if (command_print_group(argc - 1, argv + 1))
		return VEX_EXIT_OK;
	if (argc > 1) {
		command = command_find(argc - 1, argv + 1, &used);
		if (!command)
			return VEX_EXIT_USAGE;
		command_print_help(command);
		return VEX_EXIT_OK;
	}
	puts("Usage: vexctl [OPTION]... COMMAND [ARGUMENT]...\n\nCommands:");
	for (command = commands; command->words; command++) {
		command_usage(command, line, sizeof(line));
		printf("  %-30s %s\n", line, command->help);
	}
	fputs(options, stdout);
	return VEX_EXIT_OK;
}
