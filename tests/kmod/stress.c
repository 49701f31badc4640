/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: stress count FOLDER...    many processes work there: what they did, what a kprobe counted,
 *                                  and what the module says and gives are compared
 *        stress sizes FOLDER       the same for lanes from one page up: what is lost is announced
 *        stress work FOLDER        works until it is killed
 *        stress read               reads everything until it is killed
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap_reader.h"
#include "work.h"

#define TRACING "/sys/kernel/tracing/"
#define WORKERS 6
#define ROUNDS 60
#define NAP_US 50
#define NAPS 40

static unsigned problems;
static uint64_t storage[VEX_RECORD_MAX / 8];
static struct vex_record *const record = (struct vex_record *)(void *)storage;

static void fail(const char *what, const char *name, uint64_t got, uint64_t want)
{
	printf("FAIL: %s: %s: %llu, not %llu\n", what, name, (unsigned long long)got,
			(unsigned long long)want);
	problems++;
}

static void equal(const char *what, const char *name, uint64_t got, uint64_t want)
{
	if (got != want)
		fail(what, name, got, want);
}

static void die(const char *what, int error)
{
	printf("FAIL: %s: %s\n", what, strerror(-error));
	exit(1);
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path, -errno);
	close(fd);
}

/* What the kernel's own tracer counts, beside ours. */
static const struct {
	const char *function;
	uint16_t type;
} traced[] = {
	{"vfs_unlink", VEX_DELETE}, {"vfs_rename", VEX_RENAME}, {"vfs_mkdir", VEX_MKDIR},
	{"vfs_rmdir", VEX_RMDIR}, {"vfs_link", VEX_LINK}, {"vfs_symlink", VEX_SYMLINK},
};
#define TRACED (sizeof(traced) / sizeof(traced[0]))

static void trace_begin(void)
{
	char text[128];

	for (unsigned i = 0; i < TRACED; i++) {
		snprintf(text, sizeof(text), "p:vex/%s %s\n", traced[i].function,
				traced[i].function);
		write_to(TRACING "kprobe_events", text);
	}
	write_to(TRACING "events/vex/enable", "1");
}

static uint64_t trace_count(const char *function)
{
	FILE *file = fopen(TRACING "kprobe_profile", "r");
	char name[64];
	unsigned long long hits, misses, found = 0;

	while (file && fscanf(file, "%63s %llu %llu", name, &hits, &misses) == 3)
		if (!strcmp(name, function))
			found = hits + misses;
	fclose(file);
	return found;
}

static void trace_end(void)
{
	write_to(TRACING "events/vex/enable", "0");
	write_to(TRACING "kprobe_events", "-:vex/vfs_unlink\n");
	for (unsigned i = 1; i < TRACED; i++) {
		char text[128];

		snprintf(text, sizeof(text), "-:vex/%s\n", traced[i].function);
		write_to(TRACING "kprobe_events", text);
	}
}

static void work(char **folders, unsigned count, unsigned number, unsigned rounds,
		struct work_count *done)
{
	for (unsigned i = 0; i < rounds; i++)
		work_round(folders[(i + number) % count], getpid() * 1000u + i % 1000, done);
}

/* The workers wait for a byte each: until then nobody is at work. */
static void start(char **folders, unsigned count, struct work_count *done, pid_t *pids, int *go)
{
	if (pipe(go) < 0)
		die("pipe", -errno);
	for (unsigned i = 0; i < WORKERS; i++) {
		char byte;

		pids[i] = fork();
		if (pids[i])
			continue;
		if (read(go[0], &byte, 1) != 1)
			_exit(4);
		work(folders, count, i, ROUNDS, &done[i]);
		_exit(0);
	}
}

struct totals {
	uint64_t of[VEX_TYPE_LIMIT];
};

static void drain(struct tap_reader *tap, struct totals *got)
{
	while (tap_next(tap, record))
		got->of[record->type]++;
}

/* Reads until all workers have ended and the lanes are empty. */
static void follow(struct tap_reader *tap, struct totals *got)
{
	int left = WORKERS, status;

	while (left) {
		if (tap_wait(tap, 100))
			drain(tap, got);
		while (left && waitpid(-1, &status, WNOHANG) > 0) {
			left--;
			equal("worker", "status", (uint64_t)status, 0);
		}
	}
	drain(tap, got);
}

static uint64_t sum_of(const struct work_count *done, unsigned type)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++)
		sum += done[i].of[type];
	return sum;
}

static void check_module(const struct vex_tap_stats *before, const struct vex_tap_stats *after,
		const struct totals *got, const struct tap_reader *tap)
{
	uint64_t emitted = 0, dropped = 0;

	for (unsigned type = 0; type < VEX_TYPE_LIMIT; type++) {
		const struct vex_tap_op_stat *a = &before->op[type], *b = &after->op[type];
		const char *name = vex_type_name(type) ? vex_type_name(type) : "?";

		equal("emitted + filtered + dropped = seen", name, b->emitted + b->filtered +
				b->dropped, b->seen);
		if (type != VEX_GAP)
			equal("read = emitted", name, got->of[type], b->emitted - a->emitted);
		emitted += b->emitted - a->emitted;
		dropped += b->dropped - a->dropped;
	}
	equal("read", "all", tap->read, emitted);
	printf("stress: %llu emitted, %llu dropped\n", (unsigned long long)emitted,
			(unsigned long long)dropped);
}

static void select_workers(struct tap_reader *tap, const pid_t *pids, bool prefix)
{
	struct vex_tap_select want = {.pid_count = WORKERS, .prefix_count = prefix};
	int error;

	for (unsigned i = 0; i < WORKERS; i++)
		want.pids[i] = (uint32_t)pids[i];
	snprintf(want.prefixes[0], sizeof(want.prefixes[0]), "/t");
	error = tap_select(tap, &want);
	if (error)
		die("select", error);
}

static struct work_count *shared_counts(void)
{
	return mmap(NULL, WORKERS * sizeof(struct work_count), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void do_count(char **folders, unsigned count)
{
	struct work_count *done = shared_counts();
	struct vex_tap_stats before, after;
	uint64_t traced_before[TRACED];
	struct totals got = {0};
	struct tap_reader tap;
	pid_t pids[WORKERS];
	int go[2], error;

	start(folders, count, done, pids, go);
	error = tap_attach(&tap, 0);
	if (error)
		die("attach", error);
	trace_begin();
	tap_stats(&tap, &before);
	select_workers(&tap, pids, true);
	for (unsigned i = 0; i < TRACED; i++)
		traced_before[i] = trace_count(traced[i].function);
	if (write(go[1], "123456", WORKERS) != WORKERS)
		die("write", -errno);
	follow(&tap, &got);
	tap_stats(&tap, &after);
	check_module(&before, &after, &got, &tap);
	equal("nothing lost", "default lanes", tap.lost, 0);
	for (unsigned type = 0; type < VEX_TYPE_LIMIT; type++)
		if (sum_of(done, type))
			equal("done = told", vex_type_name(type), got.of[type],
					sum_of(done, type));
	for (unsigned i = 0; i < TRACED; i++)
		equal("traced = seen", traced[i].function,
				trace_count(traced[i].function) - traced_before[i],
				after.op[traced[i].type].seen - before.op[traced[i].type].seen);
	tap_detach(&tap);
	trace_end();
}

/* Nobody reads until the end: small lanes lose most, and say so. */
static void one_size(char **folders, uint64_t ring_size)
{
	struct work_count *done = shared_counts();
	struct vex_tap_stats before, after;
	struct totals got = {0};
	struct tap_reader tap;
	uint64_t dropped = 0, lost = 0;
	pid_t pids[WORKERS];
	int go[2], error;

	start(folders, 1, done, pids, go);
	error = tap_attach(&tap, ring_size);
	if (error)
		die("attach", error);
	tap_stats(&tap, &before);
	select_workers(&tap, pids, false);
	if (write(go[1], "123456", WORKERS) != WORKERS)
		die("write", -errno);
	for (int i = 0, status; i < WORKERS; i++)
		if (waitpid(-1, &status, 0) > 0)
			equal("worker", "status", (uint64_t)status, 0);
	drain(&tap, &got);
	tap_stats(&tap, &after);
	check_module(&before, &after, &got, &tap);
	for (unsigned type = 0; type < VEX_TYPE_LIMIT; type++)
		dropped += after.op[type].dropped - before.op[type].dropped;
	for (unsigned i = 0; i < tap.lane_count; i++) {
		const struct vex_lane_producer_page *page = tap.lane[i].ring.page;

		lost += VEX_LOAD_ACQUIRE(&page->lost_count); /* no GAP found room yet */
	}
	equal("dropped = announced", "all", lost + tap.lost, dropped);
	tap_detach(&tap);
	munmap(done, WORKERS * sizeof(*done));
}

static void do_read(void)
{
	struct vex_tap_select want = {0};
	struct tap_reader tap;
	struct totals got;
	uint64_t before = 0;
	int error = tap_attach(&tap, 0);

	if (!error)
		error = tap_select(&tap, &want);
	if (error)
		die("attach", error);
	printf("listening\n");
	fflush(stdout);
	for (unsigned idle = 0;; idle++) { /* as a worker of the data plane: it naps, then sleeps */
		if (tap.read + tap.lost != before)
			idle = 0;
		before = tap.read + tap.lost;
		if (idle < NAPS)
			usleep(NAP_US);
		else
			tap_wait(&tap, 1000);
		drain(&tap, &got);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "read"))
		do_read();
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "count"))
		do_count(argv + 2, (unsigned)argc - 2);
	for (uint64_t size = 4096; !strcmp(argv[1], "sizes") && size <= 1 << 22; size *= 4)
		one_size(argv + 2, size);
	if (!strcmp(argv[1], "work")) {
		struct work_count ignored = {0};

		for (;;)
			work(argv + 2, (unsigned)argc - 2, 0, 1000, &ignored);
	}
	printf("stress %s: %u problems\n", argv[1], problems);
	return problems != 0;
}
