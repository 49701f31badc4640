/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lane_map.h"
#include "dataplane/config.h"
#include "dataplane/lane_memory.h"
#include "dataplane/rules.h"

enum {
	OPTION_SOCKET = 256,
	OPTION_CONFIG,
	OPTION_CHECK_CONFIG,
	OPTION_IDLE,
	OPTION_SPIN,
	OPTION_SETTLE,
	OPTION_NODE,
	OPTION_EVENTS,
	OPTION_LONG_EVENTS,
	OPTION_RING_MAX,
	OPTION_LANE_MEMORY,
	OPTION_BACKLOG,
	OPTION_KERNEL_TAP,
	OPTION_KERNEL_RING,
	OPTION_KERNEL_RETURN_RATE,
	OPTION_RULES_IMAGE,
	OPTION_RULES_MAX,
	OPTION_RULES_WAIT,
	OPTION_LIMIT_KEYS,
	OPTION_ANYONE,
	OPTION_LOG_JSON,
	OPTION_LOG_LEVEL,
	OPTION_VERSION,
};

static const struct option long_options[] = {
		{"socket", required_argument, NULL, OPTION_SOCKET},
		{"config", required_argument, NULL, OPTION_CONFIG},
		{"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
		{"idle", required_argument, NULL, OPTION_IDLE},
		{"spin-us", required_argument, NULL, OPTION_SPIN},
		{"settle-ms", required_argument, NULL, OPTION_SETTLE},
		{"node", required_argument, NULL, OPTION_NODE},
		{"events", required_argument, NULL, OPTION_EVENTS},
		{"long-events", required_argument, NULL, OPTION_LONG_EVENTS},
		{"ring-max", required_argument, NULL, OPTION_RING_MAX},
		{"lane-memory", required_argument, NULL, OPTION_LANE_MEMORY},
		{"backlog", required_argument, NULL, OPTION_BACKLOG},
		{"kernel-tap", optional_argument, NULL, OPTION_KERNEL_TAP},
		{"kernel-ring", required_argument, NULL, OPTION_KERNEL_RING},
		{"kernel-return-rate", required_argument, NULL, OPTION_KERNEL_RETURN_RATE},
		{"rules-image", required_argument, NULL, OPTION_RULES_IMAGE},
		{"rules-max", required_argument, NULL, OPTION_RULES_MAX},
		{"rules-wait-ms", required_argument, NULL, OPTION_RULES_WAIT},
		{"limit-keys", required_argument, NULL, OPTION_LIMIT_KEYS},
		{"allow-anyone", no_argument, NULL, OPTION_ANYONE},
		{"log-json", no_argument, NULL, OPTION_LOG_JSON},
		{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
		{"version", no_argument, NULL, OPTION_VERSION},
		{"help", no_argument, NULL, 'h'},
		{0},
};

void options_usage(void)
{
	printf("Usage: vex-dataplane [EAL options] -- [options]\n"
	       "\n"
	       "Moves events from producers' lanes to subscribers' lanes on polling cores. The first\n"
	       "lcore is for control, each further one is a worker.\n"
	       "\n"
	       "  vex-dataplane -l 0-1 --no-huge --in-memory -- --idle adaptive\n"
	       "\n"
	       "Options behind --:\n"
	       "  --socket PATH        where producers and subscribers attach\n"
	       "                       (default " VEX_SOCKET_DEFAULT ")\n"
	       "  --config FILE        read a configuration file; options here override it\n"
	       "  --check-config       check the configuration file and what stands\n"
	       "                       behind --, then exit\n"
	       "  --idle STRATEGY      poll: spin for ever; adaptive: sleep when nothing comes\n"
	       "                       (default adaptive)\n"
	       "  --spin-us N          adaptive: spin so long before napping and then sleeping,\n"
	       "                       0 to 1000000 (default 10)\n"
	       "  --settle-ms N        after a restart, what producers kept is delivered once no\n"
	       "                       subscriber has come back for so long, or after ten times\n"
	       "                       that, 0 to 60000 (default 500)\n"
	       "  --node N             number of this node in event ids (default 0)\n"
	       "  --events N           event objects a socket, at least 1024 (default 8192)\n"
	       "  --long-events N      objects for records over %u bytes, at least 64\n"
	       "                       (default 128)\n"
	       "  --ring-max BYTES     largest lane that may be asked for, a power of two\n"
	       "                       (default 67108864)\n"
	       "  --lane-memory BYTES  of all lanes together; a quarter is kept for root and our own\n"
	       "                       user, no other user has more than half, at least 1048576\n"
	       "                       (default 1073741824)\n"
	       "  --backlog N          events that may wait for a subscriber whose lane is full, for each\n"
	       "                       worker, 128 to 65536; 0: none ever does (default: 1024 while\n"
	       "                       rules are loaded, otherwise none)\n"
	       "  --kernel-tap[=PATH]  take in what the kernel module sees, and give it what rules lead\n"
	       "                       to boundary:kernel (PATH by default " VEX_TAP_DEVICE ")\n"
	       "  --kernel-ring BYTES  size of its lanes, one a processor, a power of two\n"
	       "                       (default 4194304)\n"
	       "  --kernel-return-rate N\n"
	       "                       events a second that it takes back, 1 to 10000000\n"
	       "                       (default 100000)\n"
	       "  --rules-image FILE   begin with this rule set, a compiled image, as generation 1;\n"
	       "                       without it with none\n"
	       "  --rules-wait-ms N    leave events in their lanes until vex-control has loaded rules,\n"
	       "                       or said that it has none, or so much time is over, 0 to\n"
	       "                       600000 (default 0: nothing waits for rules)\n"
	       "  --rules-max N        rules that a set may have, 1 to 2097152 (default 1048576)\n"
	       "  --limit-keys N       keys that sample, suppress and rate of rules remember at\n"
	       "                       once, at least 64 (default 131072)\n"
	       "  --allow-anyone       let any user attach; without it root, our own user, and\n"
	       "                       those that the configuration names\n"
	       "  --log-json           log as JSON lines\n"
	       "  --log-level LEVEL    error, warning, info or debug (default info)\n"
	       "  --version, --help\n",
			VEX_OBJECT_RECORD_MAX);
}

void options_defaults(struct options *options)
{
	*options = (struct options){.log_level = VEX_LOG_INFO,
			.idle = IDLE_ADAPTIVE,
			.spin_us = 10,
			.settle_ms = 500,
			.ring_max = 64ull << 20,
			.lane_memory = LANE_MEMORY_DEFAULT,
			.backlog = OPTIONS_BACKLOG_UNSAID,
			.kernel_ring = VEX_TAP_RING_DEFAULT,
			.kernel_return_rate = VEX_TAP_RETURN_RATE,
			.sizes = {.events = 8192,
					.long_events = 128,
					.rules_max = RULES_MAX_DEFAULT,
					.limit_keys = LIMIT_KEYS_DEFAULT},
			.access = {.mode = 0660}};
	snprintf(options->socket, sizeof(options->socket), "%s", VEX_SOCKET_DEFAULT);
}

void options_version(void)
{
	printf("vex-dataplane %s\n", VEX_VERSION);
}

static int usage_error(const char *option, const char *text, const char *want)
{
	fprintf(stderr, "vex-dataplane: --%s %s: want %s; see --help\n", option, text, want);
	return VEX_EXIT_USAGE;
}

static int read_number(const char *option, const char *text, uint64_t min, uint64_t max,
		uint64_t *number)
{
	char want[64];
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *number >= min && *number <= max)
		return -1;
	snprintf(want, sizeof(want), "a number, %llu to %llu", (unsigned long long)min,
			(unsigned long long)max);
	return usage_error(option, text, want);
}

static int read_u32(const char *option, const char *text, uint32_t min, uint32_t max,
		uint32_t *number)
{
	uint64_t wide;
	int status = read_number(option, text, min, max, &wide);

	if (status < 0)
		*number = (uint32_t)wide;
	return status;
}

static int read_word(const char *option, const char *text, const char *const *words,
		const char *want, unsigned *index)
{
	for (unsigned i = 0; words[i]; i++) {
		if (strcmp(words[i], text))
			continue;
		*index = i;
		return -1;
	}
	return usage_error(option, text, want);
}

static int read_idle(struct options *options, const char *text)
{
	static const char *const words[] = {"poll", "adaptive", NULL};
	unsigned index;
	int status = read_word("idle", text, words, "poll or adaptive", &index);

	if (status < 0)
		options->idle = (enum idle_strategy)index;
	return status;
}

static int read_log_level(struct options *options, const char *text)
{
	static const char *const words[] = {"error", "warning", "info", "debug", NULL};
	unsigned index;
	int status = read_word("log-level", text, words, "error, warning, info or debug", &index);

	if (status < 0)
		options->log_level = (enum vex_log_level)index;
	return status;
}

static int read_socket(struct options *options, const char *text)
{
	if (!*text || strlen(text) >= sizeof(options->socket))
		return usage_error("socket", text, "a path of 1 to 107 bytes");
	strcpy(options->socket, text);
	return -1;
}

static int read_ring(const char *option, const char *text, uint64_t *size)
{
	int status = read_number(option, text, VEX_LANE_RING_MIN, VEX_LANE_RING_MAX, size);

	if (status < 0 && !vex_ring_size_valid(*size))
		return usage_error(option, text, "a power of two");
	return status;
}

static int read_backlog(struct options *options, const char *text)
{
	int status = read_u32("backlog", text, 0, BACKLOG_MAX, &options->backlog);

	if (status < 0 && options->backlog && options->backlog < BACKLOG_MIN)
		return usage_error("backlog", text, "0, or a number, 128 to 65536");
	return status;
}

static int read_kernel_tap(struct options *options, const char *text)
{
	if (!text)
		text = VEX_TAP_DEVICE;
	if (!*text || strlen(text) >= sizeof(options->kernel_tap))
		return usage_error("kernel-tap", text, "the path of a device");
	strcpy(options->kernel_tap, text);
	return -1;
}

static int read_rules_image(struct options *options, const char *text)
{
	if (!*text || strlen(text) >= sizeof(options->rules_image))
		return usage_error("rules-image", text, "a path of 1 to 4095 bytes");
	strcpy(options->rules_image, text);
	return -1;
}

static int apply(struct options *options, int option)
{
	switch (option) {
	case OPTION_SOCKET:
		return read_socket(options, optarg);
	case OPTION_CONFIG:
		return -1; /* read before */
	case OPTION_CHECK_CONFIG:
		options->check_config = true;
		return -1;
	case OPTION_IDLE:
		return read_idle(options, optarg);
	case OPTION_SPIN:
		return read_u32("spin-us", optarg, 0, 1000000, &options->spin_us);
	case OPTION_SETTLE:
		return read_u32("settle-ms", optarg, 0, 60000, &options->settle_ms);
	case OPTION_NODE:
		return read_u32("node", optarg, 0, UINT32_MAX, &options->node);
	case OPTION_EVENTS:
		return read_u32("events", optarg, 1024, 1u << 24, &options->sizes.events);
	case OPTION_LONG_EVENTS:
		return read_u32("long-events", optarg, 64, 1u << 20,
				&options->sizes.long_events);
	case OPTION_RING_MAX:
		return read_ring("ring-max", optarg, &options->ring_max);
	case OPTION_LANE_MEMORY:
		return read_number("lane-memory", optarg, LANE_MEMORY_MIN, LANE_MEMORY_MAX,
				&options->lane_memory);
	case OPTION_BACKLOG:
		return read_backlog(options, optarg);
	case OPTION_KERNEL_TAP:
		return read_kernel_tap(options, optarg);
	case OPTION_KERNEL_RING:
		return read_ring("kernel-ring", optarg, &options->kernel_ring);
	case OPTION_KERNEL_RETURN_RATE:
		return read_u32("kernel-return-rate", optarg, 1, OPTIONS_RETURN_RATE_MAX,
				&options->kernel_return_rate);
	case OPTION_RULES_IMAGE:
		return read_rules_image(options, optarg);
	case OPTION_RULES_WAIT:
		return read_u32("rules-wait-ms", optarg, 0, OPTIONS_RULES_WAIT_MAX,
				&options->rules_wait_ms);
	case OPTION_RULES_MAX:
		return read_u32("rules-max", optarg, 1, RULES_MAX_LIMIT, &options->sizes.rules_max);
	case OPTION_LIMIT_KEYS:
		return read_u32("limit-keys", optarg, 64, RULE_LIMITS_ENTRIES_MAX,
				&options->sizes.limit_keys);
	case OPTION_ANYONE:
		options->allow_anyone = true;
		return -1;
	case OPTION_LOG_JSON:
		options->log_json = true;
		return -1;
	case OPTION_LOG_LEVEL:
		return read_log_level(options, optarg);
	case OPTION_VERSION:
		options_version();
		return VEX_EXIT_OK;
	case 'h':
		options_usage();
		return VEX_EXIT_OK;
	default:
		return VEX_EXIT_USAGE;
	}
}

/* The file first, whatever the order on the command line: options override it. */
static int load_config(struct options *options, int argc, char **argv)
{
	char why[512];
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		if (option == OPTION_CONFIG)
			options->config = optarg;
	if (!options->config || config_load(options, options->config, why, sizeof(why)) == 0)
		return -1;
	fprintf(stderr, "vex-dataplane: %s\n", why);
	return VEX_EXIT_CONFIG;
}

static void override_access(const struct options *options, struct access *access)
{
	if (!options->allow_anyone)
		return;
	access->anyone = true;
	access->mode = 0666;
}

int options_reload(const struct options *options, struct options *fresh, char *why, size_t cap)
{
	options_defaults(fresh);
	if (config_load(fresh, options->config, why, cap))
		return -1;
	override_access(options, &fresh->access);
	return 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
	int status = load_config(options, argc, argv);
	int option;

	optind = 1;
	opterr = 1;
	while (status < 0 && (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		status = apply(options, option);
	if (status < 0 && optind < argc) {
		fprintf(stderr, "vex-dataplane: %s: no such argument; see --help\n", argv[optind]);
		return VEX_EXIT_USAGE;
	}
	override_access(options, &options->access);
	return status;
}
