/* SPDX-License-Identifier: BSD-3-Clause */
/* The data plane with 1,000 rules loaded: what an event costs, and what a change of rules does. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "clock.h"
#include "floor.h"
#include "janitor.h"
#include "pinned.h"
#include "plane_load.h"
#include "rule/match.h"
#include "rule_sets.h"
#include "support/image.h"

enum { NS_PER_EVENT, EVENTS_PER_S, SWAP_MS };

#define OTHER_RULES 900u /* of the second image of two that are swapped */
#define RECORD_MAX 256u

static struct rule_paths paths;
static struct rule_globs globs;
static void *images[2];
static size_t sizes[2];
static char dir[JANITOR_PATH_MAX];
static char file[JANITOR_PATH_MAX + 16];
static uint64_t (*records)[RECORD_MAX / 8];
static uint64_t expected[FLOOR_RULES]; /* events of one pass of the floor that each rule matches */

/* Whole bursts. */
static unsigned pass_events(void)
{
	return paths.count / FLOOR_BURST * FLOOR_BURST;
}

static int compile(unsigned rules, struct rule_globs *kept, unsigned i)
{
	struct rule_text_file text = {0};

	rule_sets_mixed(&text, &paths, rules, kept);
	images[i] = image_of(text.text, &sizes[i]);
	free(text.text);
	return images[i] ? 0 : -EINVAL;
}

static int write_image(void)
{
	int error = janitor_tempdir("/tmp", dir);

	if (error)
		return error;
	snprintf(file, sizeof(file), "%s/rules", dir);
	return image_write(file, images[0], sizes[0]);
}

static int make_records(void)
{
	records = calloc(paths.count, sizeof(*records));
	if (!records)
		return -ENOMEM;
	for (unsigned i = 0; i < paths.count; i++) {
		struct vex_record *record = (struct vex_record *)records[i];
		struct vex_event event = {0};

		rule_paths_event(&paths, i, &event);
		if (vex_event_size(&event) > RECORD_MAX)
			return -E2BIG;
		vex_event_encode(&event, record);
		record->size = vex_event_size(&event);
	}
	return 0;
}

static void expect_burst(struct rule_worker *worker, unsigned from, unsigned to, uint64_t *matched)
{
	const struct vex_record *burst[FLOOR_BURST];
	struct rule_hits hits;

	for (unsigned i = from; i < to; i++)
		burst[i - from] = (const struct vex_record *)records[i];
	hits = rule_match(worker, burst, to - from);
	for (unsigned i = 0; i < hits.count; i++)
		matched[hits.hits[i].rule] += (unsigned)__builtin_popcountll(hits.hits[i].events);
}

/* What the engine says of the first events is what the floor and the data plane must find. */
static int expect(unsigned events, uint64_t *matched)
{
	struct rule_matcher *matcher = NULL;
	struct rule_worker *worker = NULL;
	const char *why;
	int error = rule_matcher_new(images[0], sizes[0], &matcher, &why);

	if (!error)
		error = rule_worker_new(matcher, NULL, &worker);
	memset(matched, 0, FLOOR_RULES * sizeof(*matched));
	for (unsigned at = 0; !error && at < events; at += FLOOR_BURST)
		expect_burst(worker, at, at + FLOOR_BURST < events ? at + FLOOR_BURST : events,
				matched);
	rule_worker_free(worker);
	rule_matcher_free(matcher);
	return error;
}

static int open_pipeline(const struct bench_env *env)
{
	int error;

	(void)env;
	rule_paths_take(&paths, "/usr");
	vex_info("%u paths below /usr of mean length %.0f", paths.count, paths.mean);
	if (paths.count < FLOOR_BURST)
		return -ENOENT;
	error = compile(FLOOR_RULES, &globs, 0);
	if (!error)
		error = compile(OTHER_RULES, NULL, 1);
	if (!error)
		error = write_image();
	if (!error)
		error = make_records();
	return error ? error : expect(pass_events(), expected);
}

static void close_pipeline(void)
{
	for (unsigned i = 0; i < 2; i++) {
		free(images[i]);
		images[i] = NULL;
	}
	free(records);
	records = NULL;
	if (*dir)
		janitor_remove(dir);
	rule_globs_free(&globs);
	rule_paths_free(&paths);
}

static struct plane_load_rules load_rules(const char *image)
{
	return (struct plane_load_rules){.paths = &paths, .file = image,
		.image = {images[1], images[0]}, .size = {sizes[1], sizes[0]}};
}

/* The data plane's own counters, after so many events, which were those of all paths in turn. */
static int check_rules(uint64_t events, const uint64_t *matched)
{
	uint64_t all[FLOOR_RULES], rest[FLOOR_RULES];
	uint64_t passes = events / paths.count;
	int error = expect(paths.count, all);

	if (!error)
		error = expect((unsigned)(events % paths.count), rest);
	for (unsigned i = 0; !error && i < FLOOR_RULES; i++)
		if (matched[i] != all[i] * passes + rest[i]) {
			vex_error("the data plane: rule %u (%s) matched %lu events instead of %lu",
					i, globs.glob[i], (unsigned long)matched[i],
					(unsigned long)(all[i] * passes + rest[i]));
			error = -EIO;
		}
	return error;
}

static int run_vexplane(const struct bench_env *env, double *values)
{
	struct plane_load_rules rules = load_rules(file);
	double both[2];
	int error;

	rules.check = check_rules;
	rules.rule_count = FLOOR_RULES;
	error = plane_pipeline(env, &rules, both);
	if (error)
		return error;
	rules.check = NULL;
	values[EVENTS_PER_S] = both[0];
	values[NS_PER_EVENT] = both[1];
	return plane_swaps(env, &rules, &values[SWAP_MS]);
}

static int run_without(const struct bench_env *env, double *values)
{
	struct plane_load_rules rules = load_rules(NULL);
	double both[2];
	int error = plane_pipeline(env, &rules, both);

	values[EVENTS_PER_S] = both[0];
	return error;
}

/* The records are brought near before, as by a producer; that is not counted. */
static uint64_t floor_pass(struct floor *floor)
{
	static uint64_t lane[FLOOR_BURST][RECORD_MAX / 8];
	const struct vex_record *burst[FLOOR_BURST];
	uint64_t cycles = 0;

	for (unsigned at = 0; at < pass_events(); at += FLOOR_BURST) {
		uint64_t start;

		for (unsigned i = 0; i < FLOOR_BURST; i++) {
			memcpy(lane[i], records[at + i], RECORD_MAX);
			burst[i] = (const struct vex_record *)lane[i];
		}
		start = cycles_now();
		floor_run(floor, burst, FLOOR_BURST);
		cycles += cycles_now() - start;
	}
	return cycles;
}

static int floor_check(const struct floor *floor, uint64_t passes)
{
	const struct floor_counts *counts = floor_counts(floor);

	for (unsigned i = 0; i < FLOOR_RULES; i++)
		if (counts->matched[i] != expected[i] * passes) {
			vex_error("floor: rule %u (%s) matched %lu events instead of %lu", i,
					globs.glob[i], (unsigned long)counts->matched[i],
					(unsigned long)(expected[i] * passes));
			return -EIO;
		}
	if (!counts->refused && counts->delivered == passes * pass_events())
		return 0;
	vex_error("floor: %lu events delivered, %lu refused", (unsigned long)counts->delivered,
			(unsigned long)counts->refused);
	return -EIO;
}

struct floor_job {
	const struct bench_env *env;
	double *values;
};

static int floor_work(void *arg)
{
	const struct floor_job *job = arg;
	struct floor *floor = floor_new(&globs);
	uint64_t until = cycles_now() + bench_span(job->env, 1), cycles = 0, passes = 1;
	int error;

	floor_pass(floor);
	for (; passes < 2 || cycles_now() < until; passes++)
		cycles += floor_pass(floor);
	job->values[NS_PER_EVENT] = (double)cycles * 1e9 / job->env->tsc_hz /
			(double)((passes - 1) * pass_events());
	error = floor_check(floor, passes);
	floor_free(floor);
	return error;
}

static int run_floor(const struct bench_env *env, double *values)
{
	struct floor_job job = {env, values};

	return pinned_run(env->cpu[1], floor_work, &job);
}

static const struct bench_metric metrics[] = {
	[NS_PER_EVENT] = {"pipeline_ns_per_event", "ns"},
	[EVENTS_PER_S] = {"pipeline_events_per_s", "1/s"},
	[SWAP_MS] = {"swap_ms", "ms"},
};

static const struct bench_contender contenders[] = {
	{"vexplane", run_vexplane},
	{"floor", run_floor},
	{"without_rules", run_without},
};

const struct bench bench_pipeline = {
	.name = "pipeline",
	.text = "the data plane with 1,000 rules, on real paths",
	.runs = BENCH_RUNS_MIN,
	.metrics = metrics,
	.metric_count = sizeof(metrics) / sizeof(metrics[0]),
	.contenders = contenders,
	.contender_count = sizeof(contenders) / sizeof(contenders[0]),
	.open = open_pipeline,
	.close = close_pipeline,
};
