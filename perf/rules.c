/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules: what compiling and matching them costs, on one core, without a data plane. */
#include "bench.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "clock.h"
#include "pinned.h"
#include "rule/match.h"
#include "rule_bpf.h"
#include "rule_hs.h"
#include "rule_limits.h"
#include "rule_loaded.h"
#include "rule_rate.h"
#include "rule_sets.h"

enum { CACHE_HIT, MISS, MISS_1M, FILTERS_64, COMPILE_1K, COMPILE_1M, COMPILE_ADD_ONE, MEMORY_1M,
	LIMIT, REDACT, CACHE_HIT_MATCH, MISS_GLOBS, CACHE_HIT_RATE };

#define BURST 64u
#define RECORD_MAX 208u /* the largest of these records, on few cache lines */
#define FILTERS_ROUNDS 20u
#define MILLION 1000000u
#define QUICK_MILLION 100000u /* with --quick: the names stay, the figures are not those */
#define ADD_GLOBS 10000u

static struct rule_paths paths;
static struct rule_globs globs, true_globs;
static struct rule_loaded thousand, million, filters, thousand_globs;
static double add_one_s, million_bytes, hit_rate;
static uint64_t *records[RULE_PATHS];
static struct rule_hs *bare, *bare_globs;
static unsigned bare_found;
static double tsc_hz;

static void write_thousand(struct rule_text_file *file)
{
	rule_sets_mixed(file, &paths, 1000, &globs);
}

static void write_globs(struct rule_text_file *file)
{
	rule_sets_globs(file, &paths, 1000, &true_globs);
}

static unsigned many;

static void write_million(struct rule_text_file *file)
{
	rule_sets_mixed(file, &paths, many, NULL);
}

/* One rule more than an image has that is there already. */
static int measure_add_one(void)
{
	struct rule_text_file file = {0};
	struct rule_loaded first = {0};
	struct rule_loaded second = {0};
	int error;

	rule_sets_globs(&file, &paths, ADD_GLOBS, NULL);
	error = rule_loaded_compile(&file, NULL, &first);
	file.len = 0;
	rule_sets_globs(&file, &paths, ADD_GLOBS + 1, NULL);
	if (!error)
		error = rule_loaded_compile(&file, first.image, &second);
	add_one_s = second.seconds;
	free(first.image);
	free(second.image);
	free(file.text);
	return error;
}

static void make_records(void)
{
	unsigned i;

	for (i = 0; i < paths.count; i++) {
		struct vex_event event = {0};
		uint32_t size;

		rule_paths_event(&paths, i, &event);
		size = vex_event_size(&event);
		records[i] = calloc(1, size);
		if (!records[i])
			abort();
		vex_event_encode(&event, (struct vex_record *)records[i]);
		((struct vex_record *)records[i])->size = size;
	}
}

static double resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	double total = 0, pages = 0;

	if (!file || fscanf(file, "%lf %lf", &total, &pages) != 2)
		pages = NAN;
	if (file)
		fclose(file);
	return pages * (double)sysconf(_SC_PAGESIZE);
}

/* All records once; nanoseconds an event. */
static double pass(struct rule_worker *worker)
{
	uint64_t start = spent_ns();
	unsigned at;

	for (at = 0; at + BURST <= paths.count; at += BURST)
		rule_match(worker, (const struct vex_record *const *)&records[at], BURST);
	return (double)(spent_ns() - start) / at;
}

/*
 * The same of records that were copied just before, as ingest does, so that only what routing (and
 * filtering) add to that is measured.
 */
static void pass_warm(struct rule_worker *worker, double *route, double *both)
{
	static uint64_t copies[BURST][RECORD_MAX / 8];
	const struct vex_record *burst[BURST];
	uint64_t routed = 0;
	uint64_t done = 0;
	unsigned at;
	unsigned i;

	for (at = 0; at + BURST <= paths.count; at += BURST) {
		uint64_t start;
		uint64_t middle;

		for (i = 0; i < BURST; i++) {
			burst[i] = (const struct vex_record *)copies[i];
			memcpy(copies[i], records[at + i],
					((struct vex_record *)records[at + i])->size);
		}
		start = cycles_now();
		rule_route(worker, burst, BURST);
		middle = cycles_now();
		rule_filter(worker);
		done += cycles_now() - start;
		routed += middle - start;
	}
	*route = (double)routed * 1e9 / tsc_hz / at;
	*both = (double)done * 1e9 / tsc_hz / at;
}

/* Where entries are too few for anything to be found again, each event is decided anew. */
static int run_miss(const struct rule_loaded *loaded, double *value)
{
	struct rule_worker_options options = {.cache_entries = 4};
	struct rule_worker *worker;
	int error = rule_worker_new(loaded->matcher, &options, &worker);

	if (error)
		return error;
	pass(worker);
	*value = pass(worker);
	rule_worker_free(worker);
	return 0;
}

static int measure_memory(void)
{
	double before = resident();
	struct rule_worker *worker;
	int error = rule_loaded_load(&million);

	if (!error)
		error = rule_worker_new(million.matcher, NULL, &worker);
	if (error)
		return error;
	pass(worker);
	million_bytes = (double)million.size + resident() - before;
	rule_worker_free(worker);
	return 0;
}

static int open_rules(const struct bench_env *env)
{
	struct rule_text_file file = {0};
	int error;

	many = env->quick ? QUICK_MILLION : MILLION;
	rule_paths_take(&paths, "/usr");
	vex_info("%u paths below /usr of mean length %.0f, %u rules for a million", paths.count,
			paths.mean, many);
	if (paths.count < BURST)
		return -ENOENT;
	make_records();
	error = rule_rate_of_build(&hit_rate); /* once: the same in each run */
	if (!error)
		error = rule_loaded_make(write_thousand, &thousand);
	if (!error)
		error = rule_loaded_make(rule_sets_filters, &filters);
	if (!error)
		error = rule_loaded_make(write_globs, &thousand_globs);
	if (!error)
		error = rule_hs_new(&globs, &bare);
	if (!error)
		error = rule_hs_new(&true_globs, &bare_globs);
	if (!error)
		error = measure_add_one();
	write_million(&file);
	if (!error)
		error = rule_loaded_compile(&file, NULL, &million);
	free(file.text);
	return error ? error : measure_memory();
}

static void close_rules(void)
{
	unsigned i;

	rule_loaded_free(&thousand);
	rule_loaded_free(&million);
	rule_loaded_free(&filters);
	rule_loaded_free(&thousand_globs);
	rule_hs_free(bare);
	rule_hs_free(bare_globs);
	for (i = 0; i < paths.count; i++)
		free(records[i]);
	rule_globs_free(&globs);
	rule_globs_free(&true_globs);
	rule_paths_free(&paths);
}

static int run_hits(double *values)
{
	struct rule_worker_options options = {.cache_entries = 4 * RULE_PATHS};
	struct rule_worker *worker;
	int error = rule_worker_new(thousand.matcher, &options, &worker);

	if (error)
		return error;
	pass(worker);
	pass_warm(worker, &values[CACHE_HIT], &values[CACHE_HIT_MATCH]);
	if (rule_worker_counts(worker).cache_hits < paths.count * 99ull / 100)
		vex_warn("fewer than 99 in a hundred were found in the cache");
	rule_worker_free(worker);
	return 0;
}

static int run_filters(double *filter)
{
	struct rule_worker *worker;
	unsigned i;
	int error = rule_worker_new(filters.matcher, NULL, &worker);

	if (error)
		return error;
	pass(worker);
	for (*filter = 0, i = 0; i < FILTERS_ROUNDS; i++)
		*filter += pass(worker) / FILTERS_ROUNDS;
	rule_worker_free(worker);
	return 0;
}

static int ours(void *data)
{
	double *values = data;
	int error;

	values[COMPILE_1K] = thousand.seconds;
	values[COMPILE_1M] = million.seconds;
	values[COMPILE_ADD_ONE] = add_one_s;
	values[MEMORY_1M] = million_bytes;
	values[CACHE_HIT_RATE] = hit_rate;
	error = run_miss(&thousand, &values[MISS]);
	if (!error)
		error = run_miss(&million, &values[MISS_1M]);
	if (!error)
		error = rule_limits_measure((const struct vex_record *const *)records, paths.count,
				&values[LIMIT]);
	if (!error)
		error = rule_redact_measure((const struct vex_record *const *)records, paths.count,
				&values[REDACT]);
	if (!error)
		error = run_miss(&thousand_globs, &values[MISS_GLOBS]);
	if (!error)
		error = run_hits(values);
	return error ? error : run_filters(&values[FILTERS_64]);
}

static double scan_all(const struct rule_hs *hs)
{
	uint64_t start = spent_ns();

	bare_found += rule_hs_scan(hs, &paths);
	return (double)(spent_ns() - start) / paths.count;
}

static int hs_scan_all(void *data)
{
	double *values = data;

	values[MISS] = scan_all(bare);
	values[MISS_GLOBS] = scan_all(bare_globs);
	return 0;
}

static int rte_bpf_64(void *data)
{
	double *values = data;

	return rule_bpf_measure((const struct vex_record *const *)records, paths.count,
			&values[FILTERS_64]);
}

static int fnmatch_all(void *data)
{
	double *values = data;
	unsigned each = many == QUICK_MILLION ? 400 : 40;
	uint64_t start = spent_ns();
	unsigned done = 0;
	unsigned i;
	unsigned g;

	for (i = 0; i < paths.count; i += each, done++)
		for (g = 0; g < globs.count; g++)
			bare_found += !fnmatch(globs.glob[g], paths.path[i], 0);
	values[MISS] = (double)(spent_ns() - start) / done;
	return 0;
}

static int miss_1k(void *data)
{
	double *values = data;

	return run_miss(&thousand, &values[MISS_1M]);
}

static int run_vexplane(const struct bench_env *env, double *values)
{
	tsc_hz = env->tsc_hz;
	return pinned_run(env->cpu[0], ours, values);
}

static int run_hs_scan(const struct bench_env *env, double *values)
{
	return pinned_run(env->cpu[0], hs_scan_all, values);
}

static int run_fnmatch(const struct bench_env *env, double *values)
{
	return pinned_run(env->cpu[0], fnmatch_all, values);
}

static int run_rte_bpf_64(const struct bench_env *env, double *values)
{
	return pinned_run(env->cpu[0], rte_bpf_64, values);
}

static int run_miss_1k(const struct bench_env *env, double *values)
{
	return pinned_run(env->cpu[0], miss_1k, values);
}

static const struct bench_metric metrics[] = {
	[CACHE_HIT] = {"cache_hit_ns", "ns"},
	[MISS] = {"miss_ns", "ns"},
	[MISS_1M] = {"miss_1m_ns", "ns"},
	[FILTERS_64] = {"filters_64_ns", "ns"},
	[COMPILE_1K] = {"compile_1k_s", "s"},
	[COMPILE_1M] = {"compile_1m_s", "s"},
	[COMPILE_ADD_ONE] = {"compile_add_one_s", "s"},
	[MEMORY_1M] = {"memory_1m_bytes", "bytes"},
	[LIMIT] = {"limit_ns", "ns"},
	[REDACT] = {"redact_ns", "ns"},
	[CACHE_HIT_MATCH] = {"cache_hit_match_ns", "ns"},
	[MISS_GLOBS] = {"miss_globs_ns", "ns"},
	[CACHE_HIT_RATE] = {"cache_hit_rate", "share"},
};

static const struct bench_contender contenders[] = {
	{"vexplane", run_vexplane},
	{"hs_scan", run_hs_scan},
	{"fnmatch", run_fnmatch},
	{"miss_1k", run_miss_1k},
	{"rte_bpf_64", run_rte_bpf_64},
};

const struct bench bench_rules = {
	.name = "rules",
	.text = "compiling and matching rules, on one core",
	.runs = 5,
	.metrics = metrics,
	.metric_count = sizeof(metrics) / sizeof(metrics[0]),
	.contenders = contenders,
	.contender_count = sizeof(contenders) / sizeof(contenders[0]),
	.open = open_rules,
	.close = close_rules,
};
