/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/eal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "base/log.h"

#define ARGS_MAX 128
#define PROC_TYPE "--proc-type"
#define PROC_TYPE_SHORTEST 4u /* --pr: EAL takes any beginning that is no other option's */

bool eal_asks_for(int argc, char **argv, const char *option)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], option))
			return true;
	return false;
}

/* What --proc-type is given, by argv[i] or the argument behind it; NULL where it is not that. */
static const char *proc_type(int argc, char **argv, int i)
{
	size_t length = strcspn(argv[i], "=");

	if (length < PROC_TYPE_SHORTEST || length > strlen(PROC_TYPE) ||
			strncmp(argv[i], PROC_TYPE, length) != 0)
		return NULL;
	if (argv[i][length])
		return argv[i] + length + 1;
	return i + 1 < argc ? argv[i + 1] : NULL;
}

/* A secondary process would wait for the word of a primary that never gives it, for ever. */
static bool wants_to_be_primary(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *type = proc_type(argc, argv, i);

		if (!type || !strcmp(type, "primary") || !strcmp(type, "auto"))
			continue;
		vex_error("--proc-type %s: vex-dataplane is a primary process; several of them are "
			  "kept apart by --file-prefix", type);
		return false;
	}
	return true;
}

/*
 * The network devices of this machine are none of our business. EAL 22.11 refuses --in-memory
 * beside --no-huge, though all that it adds then is to share no configuration.
 */
static int make_args(int argc, char **argv, char **args)
{
	static char no_pci[] = "--no-pci", no_shconf[] = "--no-shconf";
	bool no_huge = eal_asks_for(argc, argv, "--no-huge");
	int count = 0;

	for (int i = 0; i < argc; i++)
		args[count++] = no_huge && !strcmp(argv[i], "--in-memory") ? no_shconf : argv[i];
	if (!eal_asks_for(argc, argv, no_pci))
		args[count++] = no_pci;
	args[count] = NULL;
	return count;
}

/*
 * EAL answers a wrong argument with its whole help, and with several lines on what was wrong; ours
 * is one line, with the first of them. What it says when all is well (--log-level) is passed on.
 */
static int init_quietly(int count, char **args, int said)
{
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int status;

	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	status = rte_eal_init(count, args);
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	close(null);
	return status;
}

/* The first line, without who said it. */
static const char *first_said(char *text)
{
	char *colon;

	text[strcspn(text, "\n")] = '\0';
	colon = strstr(text, ": ");
	return colon ? colon + 2 : text;
}

static void pass_on(int said)
{
	char text[512];
	ssize_t n;

	while ((n = read(said, text, sizeof(text))) > 0)
		if (write(STDERR_FILENO, text, (size_t)n) < 0)
			return;
}

static const char *advice(int error, const char *said)
{
	if (error != EINVAL)
		return "; without hugepages give --no-huge --in-memory";
	return strstr(said, "option '") ? "; vex-dataplane's own options stand behind --" : "";
}

static int tell(int error, int said)
{
	char text[512] = "";
	const char *first;

	if (read(said, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	first = first_said(text);
	vex_error("EAL did not start: %s: %s%s", rte_strerror(error), first, advice(error, first));
	return error == EINVAL ? VEX_EXIT_USAGE : VEX_EXIT_CONFIG;
}

/* --proc-type auto makes a secondary of the second one that shares a configuration. */
static int check_primary(void)
{
	if (rte_eal_process_type() == RTE_PROC_PRIMARY)
		return -1;
	vex_error("another primary process has this --file-prefix: give one of its own");
	rte_eal_cleanup();
	return VEX_EXIT_CONFIG;
}

int eal_start(int argc, char **argv)
{
	char *args[ARGS_MAX];
	int said, error, status = -1;

	if (argc > ARGS_MAX - 2) {
		vex_error("more than %d EAL arguments", ARGS_MAX - 2);
		return VEX_EXIT_USAGE;
	}
	if (!wants_to_be_primary(argc, argv))
		return VEX_EXIT_USAGE;
	said = memfd_create("vex-eal", MFD_CLOEXEC);
	if (!eal_asks_for(argc, argv, "--log-level"))
		rte_log_set_global_level(RTE_LOG_ERR);
	error = init_quietly(make_args(argc, argv, args), args, said) < 0 ? rte_errno : 0;
	lseek(said, 0, SEEK_SET);
	if (error)
		status = tell(error, said);
	else
		pass_on(said);
	close(said);
	return error ? status : check_primary();
}
