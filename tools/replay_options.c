/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay_options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/handshake.h"
#include "abi/lane.h"
#include "base/log.h"

#define LANE_SIZE_DEFAULT (4ull << 20)

enum option_id {
	OPTION_SOCKET = 256,
	OPTION_NAME,
	OPTION_SPEED,
	OPTION_FAST,
	OPTION_LOOP,
	OPTION_LANE_SIZE,
	OPTION_QUIET,
	OPTION_JSON,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"name", required_argument, NULL, OPTION_NAME},
	{"speed", required_argument, NULL, OPTION_SPEED},
	{"fast", no_argument, NULL, OPTION_FAST},
	{"loop", required_argument, NULL, OPTION_LOOP},
	{"lane-size", required_argument, NULL, OPTION_LANE_SIZE},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"json", no_argument, NULL, OPTION_JSON},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static void print_help(void)
{
	puts("usage: vex-replay [options] FILE.pcap\n"
	     "Plays a capture (\"-\": standard input) back into the data plane, as recorded\n"
	     "unless told otherwise.\n\n"
	     "  --socket PATH    of the data plane; default: $VEX_SOCKET, or\n"
	     "                   " VEX_SOCKET_DEFAULT "\n"
	     "  --name NAME      of the port; default: vex-replay\n"
	     "  --speed X        X times as fast as recorded\n"
	     "  --fast           as fast as the data plane takes\n"
	     "  --loop N         N rounds; 0: for ever\n"
	     "  --lane-size B    bytes, a power of two, 4096 to 1073741824; default: 4194304\n"
	     "  --quiet          neither progress nor summary\n"
	     "  --json           the summary as JSON\n"
	     "  --version, --help");
}

static int usage(const char *problem, const char *what)
{
	vex_error("%s%s; try vex-replay --help", problem, what);
	return VEX_EXIT_USAGE;
}

static bool parse_count(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && *text >= '0' && *text <= '9' && !*end;
}

static bool parse_speed(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && isfinite(*value) && *value > 0;
}

static bool parse_lane_size(const char *text, uint64_t *value)
{
	return parse_count(text, value) && *value >= VEX_LANE_RING_MIN &&
			*value <= VEX_LANE_RING_MAX && !(*value & (*value - 1));
}

static int parse_value(int id, struct replay_options *options)
{
	switch (id) {
	case OPTION_SOCKET:
		options->socket = optarg;
		return -1;
	case OPTION_NAME:
		options->name = optarg;
		if (*optarg && strlen(optarg) < VEX_NAME_MAX)
			return -1;
		return usage("--name: want 1 to 47 bytes, not ", optarg);
	case OPTION_SPEED:
		if (parse_speed(optarg, &options->speed))
			return -1;
		return usage("--speed: want a number above 0, not ", optarg);
	case OPTION_LOOP:
		if (parse_count(optarg, &options->loops))
			return -1;
		return usage("--loop: want a number of rounds, 0 for ever, not ", optarg);
	default:
		if (parse_lane_size(optarg, &options->lane_size))
			return -1;
		return usage("--lane-size: want a power of two, 4096 to 1073741824, not ", optarg);
	}
}

static int parse_option(int id, struct replay_options *options)
{
	switch (id) {
	case OPTION_FAST:
		options->speed = 0;
		return -1;
	case OPTION_QUIET:
		options->quiet = true;
		return -1;
	case OPTION_JSON:
		options->json = true;
		return -1;
	case OPTION_VERSION:
		puts("vex-replay " VEX_VERSION);
		return VEX_EXIT_OK;
	case OPTION_HELP:
		print_help();
		return VEX_EXIT_OK;
	default:
		return parse_value(id, options);
	}
}

int replay_parse_options(int argc, char **argv, struct replay_options *options)
{
	bool paced = false, fast = false;
	int id, code;

	*options = (struct replay_options){.name = "vex-replay", .speed = 1, .loops = 1,
			.lane_size = LANE_SIZE_DEFAULT};
	opterr = 0;
	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (id == '?')
			return usage("unknown, or without its value: ", argv[optind - 1]);
		paced |= id == OPTION_SPEED;
		fast |= id == OPTION_FAST;
		code = parse_option(id, options);
		if (code >= 0)
			return code;
	}
	if (paced && fast)
		return usage("--speed and --fast exclude each other", "");
	if (optind + 1 != argc)
		return usage(optind < argc ? "more than one file: " : "no file",
				optind < argc ? argv[optind + 1] : "");
	options->file = argv[optind];
	if (strcmp(options->file, "-") == 0 && options->loops != 1)
		return usage("--loop: standard input can be read only once", "");
	return -1;
}
