/* SPDX-License-Identifier: BSD-3-Clause */
/* What lanes wait for at the start, while somebody sets the wall clock. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "dataplane/startup.h"
#include "fixture.h"

#define HOUR 3600

static time_t shift; /* of the wall clock, seconds */

/* The one that the data plane in this program reads. */
int clock_gettime(clockid_t id, struct timespec *now)
{
	long ret = syscall(SYS_clock_gettime, id, now);

	if (id == CLOCK_REALTIME)
		now->tv_sec += shift;
	return (int)ret;
}

/* And waits until our own clock has looked at it again. */
static void set_clock(time_t to)
{
	const struct timespec pause = {.tv_nsec = 30000000};
	int64_t off;

	shift = to;
	nanosleep(&pause, NULL);
	off = (int64_t)(vex_clock_now() - plane->stat->started_ns) / 1000000000 - to;
	CU_ASSERT(off >= 0 && off < HOUR / 2);
}

static void step(time_t to)
{
	struct startup startup = {.settle_ms = 60000, .rules_wait_ms = 60000};

	startup_begin(plane, &startup);
	set_clock(to);
	startup_tend(plane, &startup);
	CU_ASSERT(plane->hold_unruled);
	CU_ASSERT(plane->hold_resumed);
	plane->hold_unruled = plane->hold_resumed = false;
	set_clock(0);
}

static void a_clock_that_steps_ends_no_wait(void)
{
	shift = 0;
	step(HOUR);
	step(-HOUR);
}

static void waits_end_when_their_time_is_over(void)
{
	const struct timespec pause = {.tv_nsec = 30000000};
	struct startup startup = {.settle_ms = 1, .rules_wait_ms = 1};

	startup_begin(plane, &startup);
	nanosleep(&pause, NULL);
	startup_tend(plane, &startup);
	CU_ASSERT_FALSE(plane->hold_unruled);
	CU_ASSERT_FALSE(plane->hold_resumed);
	CU_ASSERT_FALSE(startup.waits);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(a_clock_that_steps_ends_no_wait),
			TEST(waits_end_when_their_time_is_over),
	};

	return fixture_run("startup", tests, sizeof(tests) / sizeof(tests[0]));
}
