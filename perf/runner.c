/* SPDX-License-Identifier: BSD-3-Clause */
#include "runner.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "numbers.h"
#include "probe.h"
#include "report.h"

#define TRIES_A_RUN 4u
#define SETS_A_RUN 4u

struct set {
	double value[BENCH_CONTENDERS_MAX][BENCH_METRICS_MAX];
};

/* The full sets of each placement. */
struct tally {
	unsigned count[PLACEMENT_MIXED];
	struct set set[PLACEMENT_MIXED][BENCH_RUNS_MAX];
};

static int run_probed(const struct bench_contender *contender, const struct bench_env *env,
		double *values, enum placement *placement)
{
	double before, after;
	int error;

	for (unsigned i = 0; i < BENCH_METRICS_MAX; i++)
		values[i] = NAN;
	before = probe_crossing_ns(env);
	error = contender->run(env, values);
	if (error)
		return error;
	after = probe_crossing_ns(env);
	if (before < 0 || after < 0)
		return -EIO;
	*placement = probe_placement(before);
	if (*placement != probe_placement(after))
		*placement = PLACEMENT_MIXED;
	vex_debug("%s: crossing %.0f ns before, %.0f ns after", contender->name, before, after);
	for (unsigned i = 0; i < BENCH_METRICS_MAX; i++)
		if (!isnan(values[i]))
			vex_debug("%s: value %u is %.6g", contender->name, i, values[i]);
	return 0;
}

/* *wanted is MIXED for the first contender of a set, which settles it. */
static int run_at(const struct bench_contender *contender, const struct bench_env *env,
		double *values, enum placement *wanted)
{
	enum placement placement = PLACEMENT_MIXED;

	for (unsigned i = 0; i < TRIES_A_RUN; i++) {
		int error = run_probed(contender, env, values, &placement);

		if (error)
			return error;
		if (*wanted == PLACEMENT_MIXED)
			*wanted = placement;
		if (placement != PLACEMENT_MIXED && placement == *wanted)
			return 0;
	}
	return -EAGAIN;
}

static int run_set(const struct bench *bench, const struct bench_env *env, struct set *set,
		enum placement *placement)
{
	*placement = PLACEMENT_MIXED;
	for (unsigned i = 0; i < bench->contender_count; i++) {
		int error = run_at(&bench->contenders[i], env, set->value[i], placement);

		if (error)
			return error;
	}
	return 0;
}

static int run_sets(const struct bench *bench, const struct bench_env *env, unsigned wanted,
		struct tally *tally, enum placement *most)
{
	struct set set;

	for (unsigned i = 0; i < wanted * SETS_A_RUN; i++) {
		int error = run_set(bench, env, &set, most);

		if (error == -EAGAIN)
			continue;
		if (error)
			return error;
		tally->set[*most][tally->count[*most]++] = set;
		vex_info("%s: run %u of %u, %s", bench->name, tally->count[*most], wanted,
				placement_name(*most));
		if (tally->count[*most] == wanted)
			return 0;
	}
	vex_error("%s: the cores moved too often: %u runs near and %u far, %u wanted of a kind; "
		  "run it again", bench->name, tally->count[PLACEMENT_NEAR],
			tally->count[PLACEMENT_FAR], wanted);
	return -EAGAIN;
}

static double median_of(const struct set *sets, unsigned count, unsigned contender,
		unsigned metric)
{
	double values[BENCH_RUNS_MAX];

	for (unsigned i = 0; i < count; i++)
		values[i] = sets[i].value[contender][metric];
	return isnan(values[0]) ? NAN : numbers_median(values, count);
}

static int report_metric(const struct bench *bench, unsigned metric, const struct set *sets,
		unsigned count, const char *placement, bool json)
{
	struct report_line line = {.bench = bench->name, .metric = bench->metrics[metric].name,
		.unit = bench->metrics[metric].unit, .placement = placement,
		.value = median_of(sets, count, 0, metric)};
	int error;

	for (unsigned i = 1; i < bench->contender_count; i++) {
		line.peer_value = median_of(sets, count, i, metric);
		if (isnan(line.peer_value))
			continue;
		line.peer = bench->contenders[i].name;
		error = report_write(&line, json);
		if (error)
			return error;
	}
	return line.peer ? 0 : report_write(&line, json);
}

static int measure(const struct bench *bench, const struct bench_env *env, bool json)
{
	struct tally *tally = calloc(1, sizeof(*tally));
	unsigned wanted = env->runs ? env->runs : bench->runs;
	enum placement placement;
	int error;

	if (!tally)
		return -ENOMEM;
	error = run_sets(bench, env, wanted, tally, &placement);
	for (unsigned i = 0; !error && i < bench->metric_count; i++)
		error = report_metric(bench, i, tally->set[placement], wanted,
				placement_name(placement), json);
	free(tally);
	return error;
}

int runner_run(const struct bench *bench, const struct bench_env *env, bool json)
{
	int error = 0;

	assert(bench->metric_count <= BENCH_METRICS_MAX);
	assert(bench->contender_count <= BENCH_CONTENDERS_MAX);
	assert(bench->runs >= BENCH_RUNS_MIN && bench->runs <= BENCH_RUNS_MAX);
	if (bench->open)
		error = bench->open(env);
	if (!error)
		error = measure(bench, env, json);
	if (bench->close)
		bench->close();
	return error;
}
