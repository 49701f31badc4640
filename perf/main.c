/* SPDX-License-Identifier: BSD-3-Clause */
/* vex-bench: every benchmark, side by side with its peers. docs/performance.md says how. */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "bench.h"
#include "janitor.h"
#include "pinned.h"
#include "plane.h"
#include "report.h"
#include "runner.h"

static const struct bench *const benches[] = {
	&bench_latency,
	&bench_throughput,
	&bench_bursts,
	&bench_workers,
	&bench_producer,
	&bench_fuse,
	&bench_fuse_shared,
	&bench_kmod,
	&bench_rules,
	&bench_pipeline,
	&bench_failover,
};

/* One minute's load average above which the machine is not ours alone. */
#define LOAD_QUIET 0.5

#define BENCH_COUNT (sizeof(benches) / sizeof(benches[0]))

struct options {
	const char *name;
	bool json;
	bool list;
	bool verbose;
	unsigned runs;
	bool quick;
	char own_dir[PATH_MAX];
	char dataplane[PATH_MAX + 32];
	char fuse[PATH_MAX + 32];
};

static void usage(FILE *out)
{
	fprintf(out,
		"usage: vex-bench NAME [options]\n"
		"Measures vexplane side by side with its peers. NAME is one of --list, or all.\n\n"
		"  --json             a JSON object a line instead of a table\n"
		"  --runs N           interleaved runs to take the median of, %u to %u\n"
		"  --quick            short runs, to try things out\n"
		"  --dataplane PATH   vex-dataplane to measure; default: of the same build\n"
		"  --fuse PATH        vex-fuse to measure; default: of the same build\n"
		"  --list             the benchmarks and what they measure\n"
		"  --verbose          each single run, on stderr\n"
		"  --help, --version\n",
		BENCH_RUNS_MIN, BENCH_RUNS_MAX);
}

static bool named(const struct bench *bench, const char *name)
{
	return !strcmp(name, "all") || !strcmp(name, bench->name);
}

static void list_benches(void)
{
	for (size_t i = 0; i < BENCH_COUNT; i++) {
		const struct bench *bench = benches[i];

		printf("%s: %s\n", bench->name, bench->text);
		for (unsigned m = 0; m < bench->metric_count; m++)
			printf("  %s (%s)\n", bench->metrics[m].name, bench->metrics[m].unit);
		for (unsigned c = 1; c < bench->contender_count; c++)
			printf("  %s %s\n", c == 1 ? "against" : "    and",
					bench->contenders[c].name);
	}
}

static int find_programs(struct options *options)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return -errno;
	self[length] = '\0';
	snprintf(options->own_dir, sizeof(options->own_dir), "%s", dirname(self));
	snprintf(options->dataplane, sizeof(options->dataplane),
			"%s/../dataplane/vex-dataplane", options->own_dir);
	snprintf(options->fuse, sizeof(options->fuse), "%s/../fuse/vex-fuse", options->own_dir);
	return 0;
}

static int parse_runs(const char *text, unsigned *runs)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < BENCH_RUNS_MIN || value > BENCH_RUNS_MAX) {
		vex_error("--runs %s: give a number from %u to %u", text, BENCH_RUNS_MIN,
				BENCH_RUNS_MAX);
		return -EINVAL;
	}
	*runs = (unsigned)value;
	return 0;
}

static const struct option long_options[] = {
	{"json", no_argument, NULL, 'j'},
	{"runs", required_argument, NULL, 'r'},
	{"quick", no_argument, NULL, 'q'},
	{"dataplane", required_argument, NULL, 'd'},
	{"fuse", required_argument, NULL, 'f'},
	{"list", no_argument, NULL, 'l'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int take_option(struct options *options, int option)
{
	switch (option) {
	case 'j':
		options->json = true;
		return 0;
	case 'r':
		return parse_runs(optarg, &options->runs);
	case 'q':
		options->quick = true;
		return 0;
	case 'd':
		snprintf(options->dataplane, sizeof(options->dataplane), "%s", optarg);
		return 0;
	case 'f':
		snprintf(options->fuse, sizeof(options->fuse), "%s", optarg);
		return 0;
	case 'l':
		options->list = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case 'h':
		usage(stdout);
		exit(VEX_EXIT_OK);
	case 'V':
		printf("vex-bench %s\n", VEX_VERSION);
		exit(VEX_EXIT_OK);
	default:
		return -EINVAL; /* getopt has said why */
	}
}

static int parse(int argc, char **argv, struct options *options)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		if (take_option(options, option))
			return -EINVAL;
	if (options->list)
		return 0;
	if (optind + 1 != argc) {
		vex_error("give one benchmark's name, or all; --list shows them");
		return -EINVAL;
	}
	options->name = argv[optind];
	for (size_t i = 0; i < BENCH_COUNT; i++)
		if (named(benches[i], options->name))
			return 0;
	vex_error("there is no benchmark named %s; --list shows them", options->name);
	return -EINVAL;
}

/* Whoever shares our two processors stops one side of a pair that spins for the other. */
static void warn_of_load(void)
{
	double load;

	if (getloadavg(&load, 1) == 1 && load > LOAD_QUIET)
		vex_warn("other programs are busy (load %.1f): the figures will be worse than the "
			 "machine; stop them and wait a minute", load);
}

static int run_benches(const struct options *options, const struct bench_env *env)
{
	int failed = 0;

	vex_info("processors %d and %d, data planes %s huge pages", env->cpu[0], env->cpu[1],
			plane_hugepages() ? "with" : "without");
	warn_of_load();
	report_begin(options->json);
	for (size_t i = 0; i < BENCH_COUNT; i++) {
		if (!named(benches[i], options->name))
			continue;
		if (runner_run(benches[i], env, options->json)) {
			vex_error("benchmark %s failed", benches[i]->name);
			failed = 1;
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct bench_env env = {.own_dir = options.own_dir, .dataplane = options.dataplane,
		.fuse = options.fuse};

	vex_log_setup("vex-bench", VEX_LOG_INFO, false);
	if (find_programs(&options))
		return VEX_EXIT_FAILED;
	if (parse(argc, argv, &options))
		return VEX_EXIT_USAGE;
	if (options.list) {
		list_benches();
		return VEX_EXIT_OK;
	}
	if (options.verbose)
		vex_log_setup("vex-bench", VEX_LOG_DEBUG, false);
	if (pinned_pick(env.cpu) || janitor_start())
		return VEX_EXIT_FAILED;
	env.runs = options.runs;
	env.quick = options.quick;
	env.tsc_hz = (double)vex_clock_hz();
	return run_benches(&options, &env) ? VEX_EXIT_FAILED : VEX_EXIT_OK;
}
