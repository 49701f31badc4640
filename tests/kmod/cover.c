/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: cover FOLDER NAME             performs each row of cover_*.c in a folder of its own beneath
 *                                      FOLDER and compares what the kernel module tells of it with
 *                                      what the row expects, field by field
 *        cover FOLDER THREAD CLIENT    the rows of cover_served.c, performed in CLIENT: another view of
 *                                      FOLDER, for which threads of the kernel of that name act
 */
#include "cover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap_reader.h"

#define COMM "cover-row"
#define RECORDS_MAX 64
#define KTHREADD 2
#define CLOSER "kworker/" /* of files that a thread of the kernel let go of */
#define SERVER_WAIT_MS 20000 /* where it fails; otherwise events end the wait */

struct seen {
	uint8_t bytes[RECORDS_MAX][4096] __attribute__((aligned(8)));
	unsigned count;
};

static struct seen seen;
static unsigned problems;
static const char *server; /* threads of the kernel that act for the rows; NULL: none */
static const char *client; /* where the rows are performed then */

long must(long result, const char *call)
{
	if (result >= 0)
		return result;
	printf("FAIL: %s: %s\n", call, strerror(errno));
	_exit(3);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void problem(const struct row *row, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

static void problem(const struct row *row, const char *format, ...)
{
	va_list list;

	printf("FAIL: %s: ", row->name);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
	problems++;
}

static void collect(struct tap_reader *tap)
{
	static struct vex_record record[VEX_RECORD_MAX / sizeof(struct vex_record) + 1];

	while (tap_next(tap, record)) {
		if (seen.count == RECORDS_MAX || record->size > sizeof(seen.bytes[0])) {
			printf("FAIL: more events than a row may cause\n");
			exit(1);
		}
		memcpy(seen.bytes[seen.count++], record, record->size);
	}
}

static uint64_t inode_of(const char *folder, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s%s", folder, *name ? "/" : "", name);
	return lstat(path, &st) < 0 ? 0 : st.st_ino;
}

/* What stat() says of the file of an event before and after it; the inode has one of the two. */
struct numbers {
	uint64_t before[EXPECTED_MAX];
	uint64_t after[EXPECTED_MAX];
	uint64_t dev;
	uint64_t folder;
};

static void note(const struct row *row, const char *folder, uint64_t *into)
{
	for (unsigned i = 0; i < EXPECTED_MAX && row->events[i].type; i++) {
		const char *name = row->ino_of ? row->ino_of : row->events[i].path;

		into[i] = name ? inode_of(folder, name) : 0;
	}
}

static void compare_text(const struct row *row, const char *what, const char *folder,
		const char *want, struct vex_bytes got)
{
	char text[600];

	if (!want && got.len == 0)
		return;
	if (!want)
		snprintf(text, sizeof(text), "none");
	else if (*want == '=')
		snprintf(text, sizeof(text), "%s", want + 1);
	else
		snprintf(text, sizeof(text), "%s%s%s", folder, *want ? "/" : "", want);
	/* A '*' at the end stands for what only the kernel knows: the name of what has none. */
	if (want && text[strlen(text) - 1] == '*' && got.len >= strlen(text) - 1 &&
			!memcmp(got.data, text, strlen(text) - 1))
		return;
	if (!want || strlen(text) != got.len || memcmp(text, got.data, got.len))
		problem(row, "%s is %.*s, not %s", what, (int)got.len, (const char *)got.data, text);
}

static bool begins(struct vex_bytes text, const char *with)
{
	return text.len >= strlen(with) && !memcmp(text.data, with, strlen(with));
}

static void compare_server(const struct row *row, const struct vex_event *event)
{
	if (!begins(event->comm, server) &&
			!(event->type == VEX_CLOSE && begins(event->comm, CLOSER)))
		problem(row, "comm %.*s", (int)event->comm.len, (const char *)event->comm.data);
	if (event->ppid != KTHREADD || event->tid != event->pid || event->uid)
		problem(row, "ppid %u, pid %u, tid %u, uid %u", event->ppid, event->pid, event->tid,
				event->uid);
}

static void compare_who(const struct row *row, const struct vex_event *event, pid_t child)
{
	if (server) {
		compare_server(row, event);
		return;
	}
	if (event->pid != (uint32_t)child || (event->tid != (uint32_t)child && !row->by_worker))
		problem(row, "pid %u, tid %u, not %d", event->pid, event->tid, child);
	if (event->ppid != (uint32_t)getpid())
		problem(row, "ppid %u, not %d", event->ppid, getpid());
	if (event->type != VEX_EXEC && !row->by_worker && memcmp(row->name, "exec", 5) &&
			(event->comm.len != strlen(COMM) || memcmp(event->comm.data, COMM, event->comm.len)))
		problem(row, "comm %.*s", (int)event->comm.len, (const char *)event->comm.data);
}

static void compare_file(const struct row *row, unsigned i, const struct vex_event *event,
		const struct numbers *numbers)
{
	const struct expected *want = &row->events[i];

	if (!(event->has & VEX_HAS_FILE)) {
		problem(row, "event %u has no file", i);
		return;
	}
	if ((event->dev == numbers->dev) == row->own_device)
		problem(row, "device %llx, not %llx", (unsigned long long)event->dev,
				(unsigned long long)numbers->dev);
	if (want->result >= 0 && want->path && event->ino != numbers->before[i] &&
			event->ino != numbers->after[i] && want->path[strlen(want->path) - 1] != '*')
		problem(row, "inode %llu, not %llu or %llu", (unsigned long long)event->ino,
				(unsigned long long)numbers->before[i],
				(unsigned long long)numbers->after[i]);
	if (!row->own_device && want->path && *want->path && !strchr(want->path, '/') &&
			event->parent_ino != numbers->folder)
		problem(row, "parent inode %llu, not %llu", (unsigned long long)event->parent_ino,
				(unsigned long long)numbers->folder);
	if (want->mode && event->mode != want->mode)
		problem(row, "mode %o, not %o", event->mode, want->mode);
	if (want->flags != ANY && (event->flags & (uint64_t)want->flags) != (uint64_t)want->flags)
		problem(row, "flags %x, not %llx", event->flags, (unsigned long long)want->flags);
}

static void compare_pair(const struct row *row, const struct expected *want,
		const struct vex_event *event)
{
	const struct vex_pair *pair = event->pairs;

	if (!want->key != !event->pair_count)
		problem(row, "%u pairs", event->pair_count);
	else if (want->key && (pair->name.len != strlen(want->key) ||
				memcmp(pair->name.data, want->key, pair->name.len)))
		problem(row, "name %.*s", (int)pair->name.len, (const char *)pair->name.data);
	else if (want->value && (pair->value.len != strlen(want->value) ||
				memcmp(pair->value.data, want->value, pair->value.len)))
		problem(row, "value %.*s", (int)pair->value.len, (const char *)pair->value.data);
}

static void compare(const struct row *row, unsigned i, const char *folder, pid_t child,
		const uint64_t *span, const struct numbers *numbers)
{
	const struct vex_record *record = (const struct vex_record *)seen.bytes[i];
	const struct expected *want = &row->events[i];
	struct vex_event_space space;
	struct vex_event event;

	vex_event_decode(record, &event, &space);
	if (event.type != want->type) {
		problem(row, "event %u is %s, not %s", i, vex_type_name(event.type),
				vex_type_name(want->type));
		return;
	}
	if (event.result != want->result)
		problem(row, "%s: result %lld, not %lld", vex_type_name(event.type),
				(long long)event.result, (long long)want->result);
	if (event.boundary != VEX_BOUNDARY_KERNEL)
		problem(row, "boundary %u", event.boundary);
	if (event.start_ns < span[0] || event.start_ns + event.duration_ns > span[1])
		problem(row, "%s: not within the time of the row", vex_type_name(event.type));
	if (want->offset != ANY && (!(event.has & VEX_HAS_RANGE) ||
				event.offset != (uint64_t)want->offset ||
				event.size != (uint64_t)want->size))
		problem(row, "%s: range %lld+%lld, not %lld+%lld", vex_type_name(event.type),
				(long long)event.offset, (long long)event.size,
				(long long)want->offset, (long long)want->size);
	compare_text(row, "path", folder, want->path, event.path);
	compare_text(row, "path2", folder, want->path2, event.path2);
	compare_who(row, &event, child);
	compare_file(row, i, &event, numbers);
	compare_pair(row, want, &event);
}

static pid_t perform(const struct row *row, const char *folder)
{
	pid_t child = fork();
	int status;

	if (!child) {
		MUST(chdir(folder));
		prctl(PR_SET_NAME, COMM);
		row->perform();
		_exit(0);
	}
	MUST(child);
	MUST(waitpid(child, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		problem(row, "could not be performed: status %x", status);
	return child;
}

/* A server may still be at work when the process has ended: it closes files afterwards. */
static void collect_all(struct tap_reader *tap, unsigned wanted)
{
	collect(tap);
	while (server && seen.count < wanted && tap_wait(tap, SERVER_WAIT_MS))
		collect(tap);
}

static void show_seen(const struct row *row)
{
	for (unsigned i = 0; i < seen.count; i++) {
		struct vex_event_space space;
		struct vex_event event;

		vex_event_decode((const struct vex_record *)seen.bytes[i], &event, &space);
		printf("  %s: %s %.*s %.*s\n", row->name, vex_type_name(event.type),
				(int)event.path.len, (const char *)event.path.data,
				(int)event.path2.len, (const char *)event.path2.data);
	}
}

static void run(struct tap_reader *tap, const struct row *row, const char *top)
{
	unsigned wanted = 0, before = problems;
	char performed_in[256];
	struct numbers numbers = {0};
	char folder[256];
	uint64_t span[2];
	struct stat st;
	pid_t child;

	snprintf(folder, sizeof(folder), "%s/%s", top, row->name);
	snprintf(performed_in, sizeof(performed_in), "%s/%s", client ? client : top, row->name);
	MUST(mkdir(folder, 0755));
	MUST(chdir(folder));
	if (row->prepare)
		row->prepare();
	collect(tap);
	seen.count = 0;
	MUST(stat(folder, &st));
	numbers.dev = st.st_dev;
	numbers.folder = st.st_ino;
	note(row, folder, numbers.before);
	span[0] = now_ns();
	child = perform(row, performed_in);
	while (wanted < EXPECTED_MAX && row->events[wanted].type)
		wanted++;
	collect_all(tap, wanted);
	span[1] = now_ns() + 1000000; /* the kernel's quick clock and this one differ a little */
	span[0] -= 10000000;
	note(row, folder, numbers.after);
	if (wanted != seen.count)
		problem(row, "%u events, not %u", seen.count, wanted);
	for (unsigned i = 0; i < wanted && i < seen.count; i++)
		compare(row, i, folder, child, span, &numbers);
	if (problems != before)
		show_seen(row);
	MUST(chdir("/"));
}

static unsigned run_all(struct tap_reader *tap, const struct row *rows, unsigned count,
		const char *top, bool overlay)
{
	unsigned done = 0;

	for (unsigned i = 0; i < count; i++) {
		if (overlay ? rows[i].not_on_overlay : rows[i].only_on_overlay)
			continue;
		if (server && rows[i].by_loop == !strcmp(server, "nfsd"))
			continue;
		run(tap, &rows[i], top);
		done++;
	}
	return done;
}

int main(int argc, char **argv)
{
	struct vex_tap_select want = {.prefix_count = 1};
	struct tap_reader tap;
	bool overlay = argc == 3 && !strcmp(argv[2], "overlay");
	unsigned done;
	int error;

	if (argc != 3 && argc != 4)
		return 2;
	if (argc == 4) {
		server = argv[2];
		client = argv[3];
	}
	umask(0);
	error = tap_attach(&tap, 1 << 20);
	if (error) {
		printf("FAIL: attach: %s\n", strerror(-error));
		return 1;
	}
	snprintf(want.prefixes[0], sizeof(want.prefixes[0]), "%s", argv[1]);
	error = tap_select(&tap, &want);
	if (error) {
		printf("FAIL: select: %s\n", strerror(-error));
		return 1;
	}
	if (server) {
		done = run_all(&tap, served_rows, served_row_count, argv[1], false);
	} else {
		done = run_all(&tap, file_rows, file_row_count, argv[1], overlay);
		done += run_all(&tap, name_rows, name_row_count, argv[1], overlay);
	}
	tap_detach(&tap);
	printf("cover: %s: %u rows, %u problems\n", argv[2], done, problems);
	return problems != 0;
}
