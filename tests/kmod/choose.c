/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: choose FOLDER     what is selected in the kernel: by type, device, path, user, process and
 * its children, cgroup; and who is left out. Changed while running.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "tap_reader.h"

static uint64_t storage[VEX_RECORD_MAX / 8];
static struct vex_record *const record = (struct vex_record *)(void *)storage;
static struct tap_reader tap;
static char folder[200];

struct actor {
	uid_t uid;
	const char *cgroup; /* to move to first, or NULL */
	bool by_child;
	const char *below; /* of the folder; NULL: itself */
};

/* Makes a file and removes it: create, open, close, delete. The process waits for a byte first. */
static void act(const struct actor *actor)
{
	char path[300];
	int fd;

	if (actor->by_child && fork()) {
		wait(NULL);
		return;
	}
	if (setresuid(actor->uid, actor->uid, actor->uid) < 0)
		_exit(1);
	snprintf(path, sizeof(path), "%s%s/x", folder, actor->below ? actor->below : "");
	fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
	if (fd < 0 || close(fd) < 0 || unlink(path) < 0)
		_exit(1);
	if (actor->by_child)
		_exit(0);
}

static pid_t start(const struct actor *actor, int *go)
{
	pid_t child;
	char byte;

	CHECK(pipe(go) == 0);
	child = fork();
	if (child)
		return child;
	if (read(go[0], &byte, 1) != 1)
		_exit(1);
	if (actor->cgroup) {
		int fd = open(actor->cgroup, O_WRONLY);

		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(1);
		close(fd);
	}
	act(actor);
	_exit(0);
}

/* How many events come of what the actor does, where this is selected. pid: of its process. */
static unsigned events_of(const struct actor *actor, struct vex_tap_select want, bool by_pid,
		bool excluded)
{
	unsigned count = 0;
	int go[2], status;
	pid_t child = start(actor, go);

	if (by_pid)
		want.pids[want.pid_count++] = (uint32_t)child;
	if (excluded)
		want.excluded[want.excluded_count++] = (uint32_t)child;
	CHECK(tap_select(&tap, &want) == 0);
	while (tap_next(&tap, record))
		;
	CHECK(write(go[1], "", 1) == 1);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	while (tap_next(&tap, record)) {
		struct vex_event_space space;
		struct vex_event event;

		vex_event_decode(record, &event, &space);
		if (event.path.len > strlen(folder) &&
				!memcmp(event.path.data, folder, strlen(folder)))
			count++;
	}
	close(go[0]);
	close(go[1]);
	return count;
}

#define ALL 4u /* create, open, close, delete */

static void test_types(void)
{
	const struct actor actor = {0};
	struct vex_tap_select want = {0};

	CHECK(events_of(&actor, want, false, false) == ALL);
	want.types[0] = 1ull << VEX_DELETE;
	CHECK(events_of(&actor, want, false, false) == 1);
	want.types[0] = 1ull << VEX_CREATE | 1ull << VEX_CLOSE;
	CHECK(events_of(&actor, want, false, false) == 2);
	want.types[0] = 1ull << VEX_CHMOD;
	CHECK(events_of(&actor, want, false, false) == 0);
	want.types[0] = 0;
	CHECK(events_of(&actor, want, false, false) == ALL);
}

static void test_places(void)
{
	const struct actor actor = {.below = "/deep/er"};
	struct vex_tap_select want = {.device_count = 1};
	struct stat st;

	CHECK(stat(folder, &st) == 0);
	want.devices[0] = st.st_dev;
	CHECK(events_of(&actor, want, false, false) == ALL);
	want.devices[0] = st.st_dev + 1;
	CHECK(events_of(&actor, want, false, false) == 0);
	want = (struct vex_tap_select){.prefix_count = 1};
	snprintf(want.prefixes[0], VEX_TAP_PREFIX_LEN, "%s/deep/", folder);
	CHECK(events_of(&actor, want, false, false) == ALL);
	snprintf(want.prefixes[0], VEX_TAP_PREFIX_LEN, "%s/dee", folder);
	CHECK(events_of(&actor, want, false, false) == 0);
	snprintf(want.prefixes[0], VEX_TAP_PREFIX_LEN, "/");
	CHECK(events_of(&actor, want, false, false) == ALL);
	want.prefix_count = 2;
	snprintf(want.prefixes[0], VEX_TAP_PREFIX_LEN, "/nowhere");
	snprintf(want.prefixes[1], VEX_TAP_PREFIX_LEN, "%s", folder);
	CHECK(events_of(&actor, want, false, false) == ALL);
}

static void test_processes(void)
{
	const struct actor actor = {0}, user = {.uid = 77}, parent = {.by_child = true};
	struct vex_tap_select want = {.uid_count = 1, .uids = {77}};

	CHECK(events_of(&user, want, false, false) == ALL);
	CHECK(events_of(&actor, want, false, false) == 0);
	want = (struct vex_tap_select){0};
	CHECK(events_of(&actor, want, true, false) == ALL);
	CHECK(events_of(&parent, want, true, false) == ALL);
	want = (struct vex_tap_select){.pid_count = 1, .pids = {999999}};
	CHECK(events_of(&actor, want, false, false) == 0);
	want = (struct vex_tap_select){0};
	CHECK(events_of(&actor, want, false, true) == 0);
}

static void test_cgroups(void)
{
	const struct actor actor = {0}, inside = {.cgroup = "/sys/fs/cgroup/a/b/cgroup.procs"};
	struct vex_tap_select want = {.cgroup_count = 1};
	struct stat st;

	CHECK(mkdir("/sys/fs/cgroup/a", 0755) == 0 && mkdir("/sys/fs/cgroup/a/b", 0755) == 0);
	CHECK(stat("/sys/fs/cgroup/a", &st) == 0);
	want.cgroups[0] = st.st_ino;
	CHECK(events_of(&inside, want, false, false) == ALL);
	CHECK(events_of(&actor, want, false, false) == 0);
}

static void test_reader(void)
{
	const struct actor actor = {0};
	struct vex_tap_select want = {0};

	CHECK(tap_select(&tap, &want) == 0);
	while (tap_next(&tap, record))
		;
	act(&actor);
	CHECK(!tap_next(&tap, record)); /* its own work */
}

static void test_refused(void)
{
	struct vex_tap_select want = {.uid_count = VEX_TAP_LIST_MAX + 1};

	CHECK(tap_select(&tap, &want) == -EINVAL);
	want = (struct vex_tap_select){.prefix_count = 1};
	CHECK(tap_select(&tap, &want) == -EINVAL); /* no path */
	memset(want.prefixes[0], '/', VEX_TAP_PREFIX_LEN);
	CHECK(tap_select(&tap, &want) == -EINVAL); /* no end */
	want = (struct vex_tap_select){.excluded_count = VEX_TAP_EXCLUDED_MAX + 1};
	CHECK(tap_select(&tap, &want) == -EINVAL);
}

int main(int argc, char **argv)
{
	char path[300];

	if (argc != 2)
		return 2;
	snprintf(folder, sizeof(folder), "%s/choose", argv[1]);
	CHECK(mkdir(folder, 0777) == 0 && chmod(folder, 0777) == 0);
	snprintf(path, sizeof(path), "%s/deep", folder);
	CHECK(mkdir(path, 0755) == 0);
	snprintf(path, sizeof(path), "%s/deep/er", folder);
	CHECK(mkdir(path, 0755) == 0);
	CHECK(tap_attach(&tap, 1 << 20) == 0);
	test_types();
	test_places();
	test_processes();
	test_cgroups();
	test_reader();
	test_refused();
	tap_detach(&tap);
	printf("choose: %u problems\n", problems);
	return problems != 0;
}
