/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/log.h"
#include "abi/lane.h"
#include "vex/vex.h"

#define THREADS_MAX 64u
#define TIMEOUT_MAX 31536000.0

static const char help[] =
	"usage: vex-fuse [options] SOURCE MOUNTPOINT\n"
	"\n"
	"Mirrors the directory SOURCE at MOUNTPOINT, and reports every operation on the mirror\n"
	"to vex-dataplane. Without a data plane the mirror works all the same.\n"
	"\n"
	"  -c, --cache MODE      none: each read and write comes through; auto (default): pages\n"
	"                        are kept while a file stays as it was; always: SOURCE is not\n"
	"                        changed but through the mirror\n"
	"  -t, --timeout SECONDS how long names and attributes are kept (none 0, auto 1,\n"
	"                        always 86400)\n"
	"  -w, --writeback       the kernel gathers writes: faster, but an event tells of a\n"
	"                        batch, and of who opened the file rather than who wrote\n"
	"  -j, --threads N       most threads that serve requests, 1 to 64 (default 8)\n"
	"  -p, --private         for whoever starts it alone: the kernel need not check permissions\n"
	"                        a second time, which saves requests (root's default: everyone)\n"
	"  -r, --read-only       nothing can be changed through the mirror\n"
	"\n"
	"  -s, --socket PATH     of the data plane (default $VEX_SOCKET, or\n"
	"                        " VEX_SOCKET_DEFAULT ")\n"
	"  -n, --name NAME       of the port, as vexctl shows it (default fuse:MOUNTPOINT)\n"
	"      --no-events       report nothing\n"
	"      --full POLICY     where a lane is full: drop (default), or wait\n"
	"      --wait-us N       longest such wait, in microseconds (default 1000)\n"
	"      --lane-size N     bytes a thread, a power of two, with K or M (default 256K)\n"
	"      --reverse         take back what rules lead to boundary:fuse: the kernel forgets\n"
	"                        what it kept of a file that an event says was changed\n"
	"      --reverse-rate N  so many such events a second, 1 to 10000000 (default 100000)\n"
	"\n"
	"  -f, --foreground      stay in the foreground (default)\n"
	"  -d, --daemon          go to the background once mounted\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"SIGTERM, SIGINT and SIGHUP unmount. Exit codes: 0 good, 1 failed, 2 wrong usage, 78 SOURCE or\n"
	"MOUNTPOINT can't be used, or the data plane does not take such lanes.\n";

enum {
	OPTION_NO_EVENTS = 256,
	OPTION_FULL,
	OPTION_WAIT_US,
	OPTION_LANE_SIZE,
	OPTION_REVERSE,
	OPTION_REVERSE_RATE,
};

static const struct option long_options[] = {
	{"cache", required_argument, NULL, 'c'},
	{"timeout", required_argument, NULL, 't'},
	{"writeback", no_argument, NULL, 'w'},
	{"threads", required_argument, NULL, 'j'},
	{"private", no_argument, NULL, 'p'},
	{"read-only", no_argument, NULL, 'r'},
	{"socket", required_argument, NULL, 's'},
	{"name", required_argument, NULL, 'n'},
	{"no-events", no_argument, NULL, OPTION_NO_EVENTS},
	{"full", required_argument, NULL, OPTION_FULL},
	{"wait-us", required_argument, NULL, OPTION_WAIT_US},
	{"lane-size", required_argument, NULL, OPTION_LANE_SIZE},
	{"reverse", no_argument, NULL, OPTION_REVERSE},
	{"reverse-rate", required_argument, NULL, OPTION_REVERSE_RATE},
	{"foreground", no_argument, NULL, 'f'},
	{"daemon", no_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int wrong(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	vex_error("%s; see vex-fuse --help", text);
	return VEX_EXIT_USAGE;
}

/* Which of the words, which end with NULL; -1: none. */
static int choose(const char *text, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(text, words[i]))
			return i;
	return -1;
}

static int parse_number(const char *option, const char *text, uint64_t min, uint64_t max,
		uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (end != text && (*end == 'K' || *end == 'k'))
		*number <<= 10, end++;
	else if (end != text && (*end == 'M' || *end == 'm'))
		*number <<= 20, end++;
	if (!isdigit((unsigned char)*text) || *end || errno || *number < min || *number > max)
		return wrong("%s: '%s' is no number from %lu to %lu", option, text,
				(unsigned long)min, (unsigned long)max);
	return -1;
}

static int parse_cache(struct mirror_options *options, const char *text)
{
	static const char *const words[] = {"none", "auto", "always", NULL};
	int choice = choose(text, words);

	if (choice < 0)
		return wrong("--cache: '%s' is none of none, auto, always", text);
	options->cache = (enum cache_mode)choice;
	return -1;
}

static int parse_timeout(struct mirror_options *options, const char *text)
{
	char *end;

	options->timeout = strtod(text, &end);
	options->timeout_given = true;
	if (end == text || *end || !(options->timeout >= 0 && options->timeout <= TIMEOUT_MAX))
		return wrong("--timeout: '%s' is no number of seconds", text);
	return -1;
}

static int parse_full(struct mirror_options *options, const char *text)
{
	static const char *const words[] = {"drop", "wait", NULL};
	int choice = choose(text, words);

	if (choice < 0)
		return wrong("--full: '%s' is neither drop nor wait", text);
	options->wait = choice == 1;
	return -1;
}

static int parse_lane_size(struct mirror_options *options, const char *text)
{
	int code = parse_number("--lane-size", text, VEX_LANE_RING_MIN, VEX_LANE_RING_MAX,
			&options->lane_size);

	if (code < 0 && (options->lane_size & (options->lane_size - 1)))
		code = wrong("--lane-size: '%s' is no power of two", text);
	return code;
}

static int parse_u32(const char *option, const char *text, uint32_t min, uint32_t max,
		uint32_t *number)
{
	uint64_t wide;
	int code = parse_number(option, text, min, max, &wide);

	if (code < 0)
		*number = (uint32_t)wide;
	return code;
}

static int say(const char *text)
{
	fputs(text, stdout);
	return fflush(stdout) == 0 ? VEX_EXIT_OK : VEX_EXIT_FAILED;
}

static int take(struct mirror_options *options, int option, const char *text)
{
	switch (option) {
	case 'c':
		return parse_cache(options, text);
	case 't':
		return parse_timeout(options, text);
	case 'j':
		return parse_u32("--threads", text, 1, THREADS_MAX, &options->threads);
	case OPTION_FULL:
		return parse_full(options, text);
	case OPTION_WAIT_US:
		return parse_u32("--wait-us", text, 1, 60000000, &options->wait_us);
	case OPTION_LANE_SIZE:
		return parse_lane_size(options, text);
	case OPTION_REVERSE:
		options->reverse = true;
		return -1;
	case OPTION_REVERSE_RATE:
		return parse_u32("--reverse-rate", text, 1, 10000000, &options->reverse_rate);
	case 'w':
		options->writeback = true;
		return -1;
	case 'p':
		options->private = true;
		return -1;
	case 'r':
		options->read_only = true;
		return -1;
	case 's':
		options->socket = text;
		return -1;
	case 'n':
		options->name = text;
		return -1;
	case OPTION_NO_EVENTS:
		options->events = false;
		return -1;
	case 'f':
	case 'd':
		options->daemon = option == 'd';
		return -1;
	case 'h':
		return say(help);
	case 'V':
		return say("vex-fuse " VEX_VERSION "\n");
	default:
		return VEX_EXIT_USAGE;
	}
}

/* Where none is given, libvex takes the environment's. */
static int check_socket(const char *given)
{
	const char *path = given ? given : getenv("VEX_SOCKET");
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if ((given && !*given) || (path && strlen(path) > max))
		return wrong("%s: a socket's path has 1 to %zu bytes", given ? "--socket" : "VEX_SOCKET",
				max);
	return -1;
}

static int take_operands(struct mirror_options *options, int count, char **operands)
{
	static const double timeouts[] = {
		[CACHE_NONE] = 0.0,
		[CACHE_AUTO] = 1.0,
		[CACHE_ALWAYS] = 86400.0,
	};

	if (count != 2)
		return wrong("%s", count < 2 ? "SOURCE and MOUNTPOINT are wanted"
					    : "too many operands: SOURCE and MOUNTPOINT are wanted");
	if (options->writeback && options->cache == CACHE_NONE)
		return wrong("--writeback needs a cache: leave --cache none out");
	if (options->name && (!*options->name || strlen(options->name) >= VEX_NAME_MAX))
		return wrong("--name: a name has 1 to %u bytes", VEX_NAME_MAX - 1);
	options->source = operands[0];
	options->mountpoint = operands[1];
	if (!options->timeout_given)
		options->timeout = timeouts[options->cache];
	return options->events ? check_socket(options->socket) : -1;
}

int options_parse(struct mirror_options *options, int argc, char **argv)
{
	int option, code;

	*options = (struct mirror_options){.events = true, .cache = CACHE_AUTO, .threads = 8,
		.reverse_rate = 100000};
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:t:wj:prs:n:fdhV", long_options, NULL)) != -1) {
		if (option == '?')
			return wrong("unknown option '%s'", argv[optind - 1]);
		if (option == ':')
			return wrong("option '%s' wants a value", argv[optind - 1]);
		code = take(options, option, optarg);
		if (code >= 0)
			return code;
	}
	return take_operands(options, argc - optind, argv + optind);
}
