/* SPDX-License-Identifier: BSD-3-Clause */
#include "trim.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "inode.h"
#include "loop.h"

#define LOOK_MS 20 /* within which some 1,000 names may be looked up */
#define BATCH 64u
/* What was looked up just now may be about to be opened: it goes only where nothing else does. */
#define YOUNG_S 2u
/* A round ends here, so that the hottest names survive it. */
#define LOW_PERCENT 60u
#define HIGH_PERCENT 75u

static struct {
	pthread_t thread;
	int stop;
	uint64_t limit;
} trim = {.stop = -1};

static bool asked_to_stop(int timeout_ms)
{
	struct pollfd stop = {.fd = trim.stop, .events = POLLIN};

	return poll(&stop, 1, timeout_ms) > 0;
}

/* What is open or in use stays; the rest comes back as FORGET requests. */
static void drop_names(uint64_t *cursor, uint32_t before_s, uint64_t rounds)
{
	static struct inode_victim victims[BATCH];

	while (rounds-- && inode_total() > trim.limit * LOW_PERCENT / 100 && !asked_to_stop(0)) {
		size_t count = inode_victims(cursor, before_s, victims, BATCH);

		for (size_t i = 0; i < count; i++)
			fuse_lowlevel_notify_inval_entry(mirror.session, victims[i].dir,
					victims[i].name, victims[i].name_len);
		if (!count)
			return;
	}
}

static bool is_full(void)
{
	return inode_total() > trim.limit * HIGH_PERCENT / 100;
}

static void *watch(void *unused)
{
	uint64_t cursor = 0;

	(void)unused;
	while (!asked_to_stop(LOOK_MS)) {
		loop_watch();
		if (is_full())
			drop_names(&cursor, inode_clock_s() - YOUNG_S, trim.limit / BATCH);
		if (is_full())
			drop_names(&cursor, UINT32_MAX, trim.limit / BATCH);
	}
	return NULL;
}

int trim_start(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	trim.limit = files.rlim_cur;
	trim.stop = eventfd(0, EFD_CLOEXEC);
	if (trim.stop < 0)
		return -errno;
	return -pthread_create(&trim.thread, NULL, watch, NULL);
}

void trim_stop(void)
{
	uint64_t one = 1;

	if (write(trim.stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(trim.thread, NULL);
}
