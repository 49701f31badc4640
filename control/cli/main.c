/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/handshake.h"
#include "cli/suggest.h"
#include "control_socket.h"

struct vexctl_globals vexctl;

struct request {
	const char *color;
	bool help;
	bool version;
};

/* Takes "--name VALUE" or "--name=VALUE" at argv[*i]; true where it stands there. */
static bool take_value(int argc, char **argv, int *i, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) || (argv[*i][len] && argv[*i][len] != '='))
		return false;
	if (argv[*i][len] == '=') {
		*value = argv[*i] + len + 1;
		return true;
	}
	if (*i + 1 == argc) {
		vex_log_setup("vexctl", VEX_LOG_INFO, vexctl.json);
		vex_error("option %s needs a value", name);
		exit(VEX_EXIT_USAGE);
	}
	*value = argv[++*i];
	return true;
}

static bool take_global(int argc, char **argv, int *i, struct request *request)
{
	const char *arg = argv[*i];

	if (!strcmp(arg, "--json"))
		vexctl.json = true;
	else if (!strcmp(arg, "--help") || !strcmp(arg, "-h"))
		request->help = true;
	else if (!strcmp(arg, "--version"))
		request->version = true;
	else
		return take_value(argc, argv, i, "--control", &vexctl.control_socket) ||
				take_value(argc, argv, i, "--socket", &vexctl.data_socket) ||
				take_value(argc, argv, i, "--color", &request->color);
	return true;
}

/* Takes the options of all commands out of argv, up to "--"; returns what is left of argc. */
static int take_globals(int argc, char **argv, struct request *request)
{
	int left = 1;
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!take_global(argc, argv, &i, request))
			argv[left++] = argv[i];
	while (i < argc)
		argv[left++] = argv[i++];
	argv[left] = NULL;
	return left;
}

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static int choose_color(const char *color)
{
	const char *term = from_environment("TERM", "dumb");

	if (!strcmp(color, "always"))
		vexctl.color = true;
	else if (!strcmp(color, "auto"))
		vexctl.color = isatty(STDOUT_FILENO) && strcmp(term, "dumb") &&
				!*from_environment("NO_COLOR", "");
	else if (strcmp(color, "never"))
		return -1;
	return 0;
}

/* argv[0] of a command is its full name, as it should stand in messages. */
static int run_command(const struct command *command, int argc, char **argv, int used)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", command->words);
	argv[used - 1] = name;
	return command->run(argc - used + 1, argv + used - 1);
}

static int dispatch(int argc, char **argv, const struct request *request)
{
	const struct command *command;
	int used;

	if (argc == 1 && request->version)
		return vexctl_version(1, (char *[]){(char[]){"version"}, NULL});
	if (argc == 1 && request->help)
		return vexctl_help(1, (char *[]){(char[]){"help"}, NULL});
	if (argc == 1) {
		vex_error("a command must follow; try 'vexctl help'");
		return VEX_EXIT_USAGE;
	}
	if (argv[1][0] == '-') {
		vex_error("unknown option '%s'; try 'vexctl help'", argv[1]);
		return VEX_EXIT_USAGE;
	}
	if (request->help && command_print_group(argc - 1, argv + 1))
		return VEX_EXIT_OK;
	command = command_find(argc - 1, argv + 1, &used);
	if (!command)
		return VEX_EXIT_USAGE;
	if (request->help) {
		command_print_help(command);
		return VEX_EXIT_OK;
	}
	return run_command(command, argc - 1, argv + 1, used);
}

int main(int argc, char **argv)
{
	struct request request = {.color = "auto"};
	int ret;

	vex_log_setup("vexctl", VEX_LOG_INFO, false);
	vexctl.data_socket = from_environment("VEX_SOCKET", VEX_SOCKET_DEFAULT);
	vexctl.control_socket = from_environment("VEX_CONTROL_SOCKET", CONTROL_SOCKET_DEFAULT);
	argc = take_globals(argc, argv, &request);
	vex_log_setup("vexctl", VEX_LOG_INFO, vexctl.json);
	if (choose_color(request.color) < 0) {
		vex_error("--color takes auto, always or never, not '%s'", request.color);
		return VEX_EXIT_USAGE;
	}
	ret = dispatch(argc, argv, &request);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return ret;
	vex_error("cannot write to standard output");
	return VEX_EXIT_FAILED;
}
