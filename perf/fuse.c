/* SPDX-License-Identifier: BSD-3-Clause */
/* vex-fuse beside libfuse's own passthrough_ll and beside itself without events. */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "bench.h"
#include "fuse_load.h"
#include "janitor.h"
#include "plane.h"

#define MEMORY_FS "/dev/shm"
#define THREADS "4"
#define START_TRIES 1000
#define TRY_NS 10000000
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	EVENTS_ON,
	PASSTHROUGH,
	EVENTS_OFF,
	MOUNT_COUNT,
};

struct mirror {
	char mount[JANITOR_PATH_MAX];
	char log[JANITOR_PATH_MAX + 32];
	pid_t pid;
};

/* All three are mounted at once and used in turn. */
static struct {
	char memory[JANITOR_PATH_MAX]; /* what is mirrored: one, since no two lie alike in memory */
	char dir[JANITOR_PATH_MAX];    /* directory of mount points and logs */
	struct plane plane;
	struct mirror mirror[MOUNT_COUNT];
	bool shared; /* by users: whose permissions the kernel checks */
} fuse;

static const char *const mirror_names[] = {"events_on", "passthrough_ll", "events_off"};

static int mirror_dirs(struct mirror *m, unsigned which)
{
	const char *name = mirror_names[which];
	int n = snprintf(m->mount, sizeof(m->mount), "%s/%s", fuse.dir, name);

	if (n < 0 || (size_t)n >= sizeof(m->mount))
		return -ENAMETOOLONG;
	snprintf(m->log, sizeof(m->log), "%s/%s.log", fuse.dir, name);
	if (mkdir(m->mount, 0755)) {
		vex_error("fuse: can't make %s: %s", m->mount, strerror(errno));
		return -errno;
	}
	return 0;
}

static bool mounted(const struct mirror *m)
{
	struct stat above, here;

	return !stat(fuse.dir, &above) && !stat(m->mount, &here) && above.st_dev != here.st_dev;
}

static int mirror_start(struct mirror *m, const char *const argv[])
{
	const struct timespec pause = {.tv_nsec = TRY_NS};
	int error = janitor_mount(m->mount);

	if (error)
		return error;
	m->pid = janitor_spawn(argv, m->log);
	if (m->pid < 0)
		return m->pid;
	for (int i = 0; i < START_TRIES && janitor_alive(m->pid); i++) {
		if (mounted(m))
			return 0;
		nanosleep(&pause, NULL);
	}
	vex_error("%s did not mount; its last words:", argv[0]);
	janitor_show_log(m->log);
	return -EIO;
}

static int start_vex_fuse(const struct bench_env *env, struct mirror *m, bool events)
{
	const char *own = fuse.shared ? "--cache=auto" : "--private";
	const char *on[] = {env->fuse, own, "--threads", THREADS, "--socket", fuse.plane.socket,
		fuse.memory, m->mount, NULL};
	const char *off[] = {env->fuse, own, "--threads", THREADS, "--no-events", fuse.memory,
		m->mount, NULL};

	return mirror_start(m, events ? on : off);
}

static int start_passthrough(const struct bench_env *env, struct mirror *m)
{
	char program[PATH_MAX + 32], source[sizeof(fuse.memory) + 16];
	const char *argv[] = {program, "-f", "-o", "cache=auto,max_idle_threads=" THREADS,
		"-o", source, "-o", fuse.shared ? "allow_other,default_permissions" : "rw",
		m->mount, NULL};

	snprintf(program, sizeof(program), "%s/passthrough_ll", env->own_dir);
	snprintf(source, sizeof(source), "source=%s", fuse.memory);
	if (access(program, X_OK)) {
		vex_error("%s is not there: it is built from Debian's libfuse3-dev, whose "
			  "/usr/share/doc/libfuse3-dev/examples was missing at build time", program);
		return -ENOENT;
	}
	return mirror_start(m, argv);
}

/* This process and those that it starts from here on; the second processor is the worker's. */
static int stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static int fuse_open(const struct bench_env *env)
{
	int error;

	if (access(env->fuse, X_OK)) {
		vex_error("%s: %s; build it, or say where it is with --fuse", env->fuse,
				strerror(errno));
		return -ENOENT;
	}
	error = plane_start(&fuse.plane, env, "poll", NULL);
	if (!error)
		error = janitor_tempdir(MEMORY_FS, fuse.memory);
	if (!error)
		error = janitor_tempdir("/tmp", fuse.dir);
	if (!error)
		error = stay_on(env->cpu[0]);
	if (!error)
		error = fuse_load_prepare(fuse.memory);
	for (unsigned i = 0; i < MOUNT_COUNT && !error; i++)
		error = mirror_dirs(&fuse.mirror[i], i);
	if (!error)
		error = start_vex_fuse(env, &fuse.mirror[EVENTS_ON], true);
	if (!error)
		error = start_passthrough(env, &fuse.mirror[PASSTHROUGH]);
	if (!error)
		error = start_vex_fuse(env, &fuse.mirror[EVENTS_OFF], false);
	return error;
}

static void fuse_close(void)
{
	for (unsigned i = 0; i < MOUNT_COUNT; i++) {
		janitor_stop(fuse.mirror[i].pid);
		janitor_unmount(fuse.mirror[i].mount);
	}
	janitor_remove(fuse.memory);
	janitor_remove(fuse.dir);
	plane_stop(&fuse.plane);
	memset(&fuse, 0, sizeof(fuse));
}

static int run(const struct bench_env *env, unsigned which, double *values)
{
	const struct mirror *m = &fuse.mirror[which];

	return fuse_load_run(env, fuse.memory, m->mount, values);
}

static int run_events_on(const struct bench_env *env, double *values)
{
	return run(env, EVENTS_ON, values);
}

static int run_passthrough(const struct bench_env *env, double *values)
{
	return run(env, PASSTHROUGH, values);
}

static int run_events_off(const struct bench_env *env, double *values)
{
	return run(env, EVENTS_OFF, values);
}

static int open_shared(const struct bench_env *env)
{
	fuse.shared = true;
	return fuse_open(env);
}

#define METRICS(prefix)                                                                            \
	{                                                                                          \
		[FUSE_CREATE] = {prefix "create_per_s", "1/s"},                                    \
		[FUSE_STAT] = {prefix "stat_per_s", "1/s"},                                        \
		[FUSE_READ_4K] = {prefix "read_4k_per_s", "1/s"},                                  \
		[FUSE_WRITE_4K] = {prefix "write_4k_per_s", "1/s"},                                \
		[FUSE_UNLINK] = {prefix "unlink_per_s", "1/s"},                                    \
		[FUSE_SEQ_READ] = {prefix "seq_read_bytes_per_s", "B/s"},                          \
		[FUSE_SEQ_WRITE] = {prefix "seq_write_bytes_per_s", "B/s"},                        \
	}

static const struct bench_metric metrics[FUSE_METRIC_COUNT] = METRICS("");
static const struct bench_metric shared_metrics[FUSE_METRIC_COUNT] = METRICS("shared_");

static const struct bench_contender contenders[] = {
	{"vexplane", run_events_on},
	{"passthrough_ll", run_passthrough},
	{"events_off", run_events_off},
};

const struct bench bench_fuse = {
	.name = "fuse",
	.text = "file operations through vex-fuse, one thread, on a tmpfs, for one user",
	.runs = 15,
	.metrics = metrics,
	.metric_count = COUNT(metrics),
	.contenders = contenders,
	.contender_count = COUNT(contenders),
	.open = fuse_open,
	.close = fuse_close,
};

const struct bench bench_fuse_shared = {
	.name = "fuse",
	.text = "the same for all users, whose permissions the kernel checks",
	.runs = 15,
	.metrics = shared_metrics,
	.metric_count = COUNT(shared_metrics),
	.contenders = contenders,
	.contender_count = COUNT(contenders),
	.open = open_shared,
	.close = fuse_close,
};
