/* SPDX-License-Identifier: BSD-3-Clause */
#include "stat/stat.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/unit.h"
#include "unit/plane_model.h"

#define COPIES 200

static struct vex_stat_segment segment;
static struct vex_stat_segment copy;
static struct vex_verify_row rows[VEX_VERIFY_ROWS_MAX];
static bool stop;

static int memfd_of(const struct vex_stat_segment *from, size_t size)
{
	int fd = memfd_create("stat", MFD_CLOEXEC);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(pwrite(fd, from, size, 0), (ssize_t)size);
	return fd;
}

static void expect_refused(size_t size, int error)
{
	int fd = memfd_of(&segment, size);

	errno = 0;
	CU_ASSERT_PTR_NULL(vex_stat_map(fd));
	CU_ASSERT_EQUAL(errno, error);
	close(fd);
}

static void test_map(void)
{
	const struct vex_stat_segment *map;
	int fd;

	model_init(&segment);
	fd = memfd_of(&segment, sizeof(segment));
	map = vex_stat_map(fd);
	CU_ASSERT_PTR_NOT_NULL_FATAL(map);
	CU_ASSERT_FALSE(memcmp(map, &segment, sizeof(segment)));
	vex_stat_unmap(map);
	vex_stat_unmap(NULL);
	close(fd);
}

static void test_map_refuses(void)
{
	model_init(&segment);
	expect_refused(sizeof(segment) - 1, EPROTO);
	expect_refused(0, EPROTO);
	segment.magic++;
	expect_refused(sizeof(segment), EPROTO);
	model_init(&segment);
	segment.version++;
	expect_refused(sizeof(segment), EPROTO);
	model_init(&segment);
	segment.size += 64;
	expect_refused(sizeof(segment), EPROTO);
	CU_ASSERT_PTR_NULL(vex_stat_map(-1));
	CU_ASSERT_EQUAL(errno, EBADF);
}

static void test_quiet_copy(void)
{
	uint64_t random = 1;

	model_init(&segment);
	model_burst(&segment, 0, 500, &random);
	memset(&copy, 0xa5, sizeof(copy));
	CU_ASSERT_TRUE(vex_stat_copy(&segment, &copy));
	CU_ASSERT_FALSE(memcmp(&copy, &segment, sizeof(segment)));
	model_burst(&segment, 2, 500, &random);
	CU_ASSERT_TRUE(vex_stat_copy(&segment, &copy));
	CU_ASSERT_FALSE(memcmp(&copy, &segment, sizeof(segment)));
}

static void expect_torn(uint64_t *generation)
{
	model_init(&segment);
	vex_stat_begin(generation);
	CU_ASSERT_FALSE(vex_stat_copy(&segment, &copy));
	vex_stat_end(generation);
	CU_ASSERT_TRUE(vex_stat_copy(&segment, &copy));
}

static void test_writer_that_never_ends(void)
{
	expect_torn(&segment.generation);
	expect_torn(&segment.worker[MODEL_WORKERS - 1].generation);
	expect_torn(&segment.port[MODEL_PORTS - 1].generation);
	expect_torn(&segment.lane[0].generation);
	expect_torn(&segment.subscriber[1].worker[1].generation);
}

/* What nobody uses is nobody's to wait for. */
static void test_free_blocks(void)
{
	model_init(&segment);
	vex_stat_begin(&segment.worker[MODEL_WORKERS].generation);
	vex_stat_begin(&segment.port[MODEL_PORTS].generation);
	vex_stat_begin(&segment.subscriber[MODEL_SUBSCRIBERS].worker[0].generation);
	CU_ASSERT_TRUE(vex_stat_copy(&segment, &copy));
}

/* Bursts, with pauses as idle workers make them; slots come and go in between. */
static void *write_segment(void *unused)
{
	uint64_t random = 3;
	unsigned i;
	unsigned n;

	for (i = 0; !VEX_LOAD_RELAXED(&stop); i++) {
		for (n = 0; n < 4; n++)
			model_burst(&segment, (i + n) % MODEL_PORTS, 32, &random);
		if (i % 64 == 0)
			model_replace_port(&segment, i / 64 % MODEL_PORTS);
		if (i % 64 == 32)
			model_replace_subscriber(&segment, i / 64 % MODEL_SUBSCRIBERS);
		for (n = 0; n < 2000; n++)
			__asm__ __volatile__("" ::: "memory");
	}
	return unused;
}

static uint64_t received(void)
{
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < MODEL_WORKERS; i++)
		total += copy.worker[i].received;
	return total;
}

static void test_copy_under_load(void)
{
	uint64_t before = 0;
	unsigned consistent = 0;
	unsigned changed = 0;
	pthread_t writer;
	unsigned i;
	bool ok;

	model_init(&segment);
	stop = false;
	CU_ASSERT_FALSE_FATAL(pthread_create(&writer, NULL, write_segment, NULL));
	for (i = 0; i < COPIES * 1000 && changed < COPIES; i++) {
		if (!vex_stat_copy(&segment, &copy))
			continue;
		vex_verify(&copy, rows, VEX_VERIFY_ROWS_MAX, &ok);
		consistent += ok;
		changed += received() != before;
		before = received();
		CU_ASSERT_TRUE(ok);
		sched_yield();
	}
	VEX_STORE_RELAXED(&stop, true);
	pthread_join(writer, NULL);
	CU_ASSERT_TRUE(consistent >= COPIES);
	CU_ASSERT_EQUAL(changed, COPIES);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"map", test_map},
		{"map refuses what it does not know", test_map_refuses},
		{"copy of a quiet segment", test_quiet_copy},
		{"a writer that never ends its change", test_writer_that_never_ends},
		{"free blocks", test_free_blocks},
		{"copies under load are consistent", test_copy_under_load},
		CU_TEST_INFO_NULL,
	};

	return unit_run("stat", tests);
}
