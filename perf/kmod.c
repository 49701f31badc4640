/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What listening costs who is listened to: a loop of open, write, close and unlink, in a virtual
 * machine with Debian's kernel (tests/kmod/bench.sh), where all contenders are measured in one run.
 * The slowdown is against the same round's loop with no tap at all.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bench.h"

#define RUNS 7u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { KMOD_IDLE, KMOD_LISTENING };
enum { CASE_NONE, CASE_IDLE, CASE_VEXPLANE, CASE_FANOTIFY, CASE_AUDITD, CASE_COUNT };

static const char *const case_names[CASE_COUNT] = {"none", "idle", "vexplane", "fanotify",
		"auditd"};

/* Nanoseconds of a time around the loop, by case and round. */
static double measured[CASE_COUNT][BENCH_RUNS_MAX];
static unsigned rounds[CASE_COUNT];
static unsigned taken[CASE_COUNT];

static void take_line(const char *line)
{
	char name[32];
	double ns;

	if (sscanf(line, "BENCH %31s %lf", name, &ns) != 2)
		return;
	for (unsigned i = 0; i < CASE_COUNT; i++)
		if (!strcmp(name, case_names[i]) && rounds[i] < BENCH_RUNS_MAX)
			measured[i][rounds[i]++] = ns;
}

static int read_machine(FILE *machine)
{
	char line[512];
	int status;

	while (fgets(line, sizeof(line), machine)) {
		take_line(line);
		vex_debug("%.*s", (int)strcspn(line, "\r\n"), line);
	}
	status = pclose(machine);
	return status ? -EIO : 0;
}

static int kmod_open(const struct bench_env *env)
{
	unsigned wanted = env->runs ? env->runs : RUNS;
	char command[2048];
	FILE *machine;
	int error;

	memset(rounds, 0, sizeof(rounds));
	memset(taken, 0, sizeof(taken));
	snprintf(command, sizeof(command),
			"cd '%s/../tests/kmod' && '%s/vm.py' --run bench.sh --work work --timeout 600 "
			"--threads multi --append vex.rounds=%u --package auditd --package libaudit1 "
			"--package libauparse0 --package libwrap0 --package libcap-ng0 "
			"./kmod-loop ./kmod-stress ./kmod-fanotify",
			env->own_dir, VEX_TESTS_KMOD, wanted);
	machine = popen(command, "r");
	error = machine ? read_machine(machine) : -errno;
	for (unsigned i = 0; !error && i < CASE_COUNT; i++)
		if (rounds[i] < wanted)
			error = -ENODATA;
	if (error)
		vex_error("the virtual machine: %s; see it by: %s", strerror(-error), command);
	return error;
}

static double slowdown(unsigned of, unsigned round)
{
	return 100 * (measured[of][round] / measured[CASE_NONE][round] - 1);
}

static int next_round(unsigned of, double *values)
{
	unsigned round = taken[of]++;

	if (round >= rounds[of])
		return -ENODATA;
	values[KMOD_LISTENING] = slowdown(of, round);
	values[KMOD_IDLE] = of == CASE_VEXPLANE ? slowdown(CASE_IDLE, round) : NAN;
	return 0;
}

static int run_vexplane(const struct bench_env *env, double *values)
{
	(void)env;
	return next_round(CASE_VEXPLANE, values);
}

static int run_fanotify(const struct bench_env *env, double *values)
{
	(void)env;
	return next_round(CASE_FANOTIFY, values);
}

static int run_auditd(const struct bench_env *env, double *values)
{
	(void)env;
	return next_round(CASE_AUDITD, values);
}

static const struct bench_metric metrics[] = {
		[KMOD_IDLE] = {"idle_slowdown_percent", "%"},
		[KMOD_LISTENING] = {"listening_slowdown_percent", "%"},
};

static const struct bench_contender contenders[] = {
		{"vexplane", run_vexplane},
		{"fanotify", run_fanotify},
		{"auditd", run_auditd},
};

const struct bench bench_kmod = {
		.name = "kmod",
		.text = "what the kernel module costs a loop of open, write, close and unlink",
		.runs = RUNS,
		.metrics = metrics,
		.metric_count = COUNT(metrics),
		.contenders = contenders,
		.contender_count = COUNT(contenders),
		.open = kmod_open,
};
