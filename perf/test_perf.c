/* SPDX-License-Identifier: BSD-3-Clause */
/* What the benchmarks stand on: medians, the plain ring, interleaving, cleaning up. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "hop_ring.h"
#include "janitor.h"
#include "numbers.h"
#include "pinned.h"
#include "runner.h"
#include "support/unit.h"

static void test_median(void)
{
	double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};

	CU_ASSERT_EQUAL(numbers_median(odd, 3), 5);
	CU_ASSERT_EQUAL(numbers_median(even, 4), 2.5);
	CU_ASSERT(isnan(numbers_median(odd, 0)));
}

static void test_percentile(void)
{
	uint32_t values[200];

	for (uint32_t i = 0; i < 200; i++)
		values[i] = 200 - i;
	CU_ASSERT_EQUAL(numbers_percentile(values, 200, 50), 100);
	CU_ASSERT_EQUAL(numbers_percentile(values, 200, 99), 198);
	CU_ASSERT_EQUAL(numbers_percentile(values, 200, 100), 200);
	CU_ASSERT_EQUAL(numbers_percentile(values, 200, 0), 1);
	CU_ASSERT_EQUAL(numbers_percentile(values, 0, 50), 0);
}

static void fill_ring(struct hop_end *out, uint64_t slots)
{
	while (hop_room(out, 1)) {
		uint64_t word[15];

		for (uint64_t i = 0; i < 15; i++)
			word[i] = out->at * 100 + i;
		hop_write(out, word, 2, 1);
	}
	CU_ASSERT_EQUAL(out->at % slots, 0);
}

static void check_slot(const struct hop_slot *slot, uint64_t number)
{
	for (uint64_t i = 0; i < 15; i++)
		CU_ASSERT_EQUAL(slot->word[i], number * 100 + i);
}

static void test_ring(void)
{
	struct hop_ring *ring = aligned_alloc(VEX_LINE, sizeof(*ring));
	const struct hop_slot *slot;
	struct hop_end out, in;

	CU_ASSERT_FATAL(ring != NULL);
	memset(ring, 0, sizeof(*ring));
	hop_end_init(&out, ring, 8);
	hop_end_init(&in, ring, 8);
	CU_ASSERT_PTR_NULL(hop_ready(&in));
	for (unsigned lap = 1; lap <= 5; lap++) {
		fill_ring(&out, 8);
		CU_ASSERT_EQUAL(out.at, 8 * lap);
		while ((slot = hop_ready(&in)))
			check_slot(slot, in.at++);
		CU_ASSERT_EQUAL(in.at, out.at);
		hop_release(&in);
	}
	free(ring);
}

static unsigned turns; /* how often any contender ran */
static bool in_turn;

/* Values 5, 1, 4, 2, 3: the median is neither the mean nor the last of them. */
static int run_ours(const struct bench_env *env, double *values)
{
	static const double shuffled[] = {5, 1, 4, 2, 3};

	(void)env;
	in_turn &= turns % 2 == 0;
	values[0] = shuffled[turns++ / 2 % 5];
	values[1] = 7;
	return 0;
}

static int run_peer(const struct bench_env *env, double *values)
{
	(void)env;
	in_turn &= turns++ % 2 == 1;
	values[0] = 12;
	return 0;
}

static int run_failing(const struct bench_env *env, double *values)
{
	(void)env;
	(void)values;
	return -EIO;
}

static const struct bench_metric metrics[] = {{"first", "ns"}, {"second", "1/s"}};
static const struct bench_contender contenders[] = {{"ours", run_ours}, {"peer", run_peer}};
static const struct bench_contender failing[] = {{"ours", run_failing}};

/* Runs with stdout in a file, and gives back what was written there. */
static int run_captured(const struct bench *bench, char *text, size_t cap)
{
	struct bench_env env = {.tsc_hz = (double)vex_clock_hz()};
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	int error = pinned_pick(env.cpu);
	ssize_t length;

	CU_ASSERT_FATAL(file != NULL && saved >= 0 && !error);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	turns = 0;
	in_turn = true;
	error = runner_run(bench, &env, true);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	length = pread(fileno(file), text, cap - 1, 0);
	text[length > 0 ? length : 0] = '\0';
	fclose(file);
	return error;
}

/* In doubt the cores moved meanwhile, and a run was repeated: then the order differs. */
static void test_interleaving(void)
{
	const struct bench bench = {.name = "test", .runs = 5, .metrics = metrics,
		.metric_count = 2, .contenders = contenders, .contender_count = 2};
	char text[4096];
	const char *second;
	json_t *line;
	int error = -EAGAIN;

	for (int i = 0; i < 20 && (error == -EAGAIN || turns != 10); i++)
		error = run_captured(&bench, text, sizeof(text));
	CU_ASSERT_EQUAL_FATAL(error, 0);
	CU_ASSERT_EQUAL(turns, 10);
	CU_ASSERT(in_turn);
	line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	CU_ASSERT_FATAL(line != NULL);
	CU_ASSERT_EQUAL(json_number_value(json_object_get(line, "value")), 3);
	CU_ASSERT_EQUAL(json_number_value(json_object_get(line, "ratio")), 0.25);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(line, "peer")), "peer");
	json_decref(line);
	second = strchr(text, '\n');
	CU_ASSERT_FATAL(second != NULL);
	line = json_loads(second + 1, JSON_DISABLE_EOF_CHECK, NULL);
	CU_ASSERT_EQUAL(json_number_value(json_object_get(line, "value")), 7);
	CU_ASSERT(json_is_null(json_object_get(line, "peer")));
	CU_ASSERT(json_is_null(json_object_get(line, "ratio")));
	json_decref(line);
}

static void test_failure(void)
{
	const struct bench bench = {.name = "test", .runs = 5, .metrics = metrics,
		.metric_count = 1, .contenders = failing, .contender_count = 1};
	char text[4096];

	CU_ASSERT_EQUAL(run_captured(&bench, text, sizeof(text)), -EIO);
	CU_ASSERT_STRING_EQUAL(text, "");
}

static void test_janitor(void)
{
	char dir[JANITOR_PATH_MAX], log[JANITOR_PATH_MAX + 8];
	const char *argv[] = {"sleep", "1000", NULL};
	struct stat st;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(janitor_tempdir("/tmp", dir), 0);
	snprintf(log, sizeof(log), "%s/log", dir);
	pid = janitor_spawn(argv, log);
	CU_ASSERT_FATAL(pid > 0);
	CU_ASSERT(janitor_alive(pid));
	janitor_stop(pid);
	CU_ASSERT(!janitor_alive(pid));
	CU_ASSERT_EQUAL(stat(log, &st), 0);
	janitor_remove(dir);
	CU_ASSERT_EQUAL(stat(dir, &st), -1);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"median", test_median},
		{"percentile", test_percentile},
		{"plain ring", test_ring},
		{"interleaving", test_interleaving},
		{"failure", test_failure},
		{"janitor", test_janitor},
		CU_TEST_INFO_NULL,
	};

	return unit_run("perf", tests);
}
