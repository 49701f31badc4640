/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: hostile FOLDER    what the device must refuse, and what must not harm the kernel: requests
 * and mappings at random, a consumer that lies, a second reader, a user without rights.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "tap_reader.h"
#include "work.h"

static uint64_t storage[VEX_RECORD_MAX / 8];

static int open_device(int flags)
{
	return open(VEX_TAP_DEVICE, flags | O_CLOEXEC);
}

static int hello(int fd, uint32_t abi, uint32_t version)
{
	struct vex_tap_hello hello = {VEX_TAP_MAGIC, abi, version, 0};

	return ioctl(fd, VEX_TAP_HELLO, &hello) < 0 ? -errno : (int)hello.lane_count;
}

static int attach(int fd, uint64_t size)
{
	struct vex_tap_attach attach = {.ring_size = size};

	return ioctl(fd, VEX_TAP_ATTACH, &attach) < 0 ? -errno : 0;
}

static void test_handshake(void)
{
	int fd = open_device(O_RDWR), second = open_device(O_RDWR), reads = open_device(O_RDONLY);
	struct vex_tap_select want = {0};
	struct vex_tap_stats *stats = malloc(sizeof(*stats));

	CHECK(fd >= 0 && second >= 0 && reads >= 0);
	CHECK(attach(fd, 4096) == -EPROTO);
	CHECK(hello(fd, VEX_ABI_VERSION + 1, VEX_TAP_VERSION) == -EPROTO);
	CHECK(attach(fd, 4096) == -EPROTO);
	CHECK(hello(fd, VEX_ABI_VERSION, VEX_TAP_VERSION) > 0);
	CHECK(ioctl(fd, VEX_TAP_SELECT, &want) < 0 && errno == ENOTCONN);
	CHECK(attach(fd, 4095) == -EINVAL && attach(fd, 12288) == -EINVAL &&
			attach(fd, 2048) == -EINVAL && attach(fd, 1ull << 40) == -EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK(attach(fd, 4096) == 0);
	CHECK(attach(fd, 4096) == -EBUSY);
	CHECK(hello(second, VEX_ABI_VERSION, VEX_TAP_VERSION) > 0 &&
			attach(second, 4096) == -EBUSY);
	CHECK(hello(reads, VEX_ABI_VERSION, VEX_TAP_VERSION) > 0 && attach(reads, 4096) == -EPERM);
	CHECK(write(reads, "x", 1) < 0 && errno == EBADF);
	CHECK(ioctl(reads, VEX_TAP_STATS, stats) == 0);
	CHECK(ioctl(fd, 12345, 0) < 0 && errno == ENOTTY);
	close(fd);
	CHECK(attach(second, 4096) == 0); /* the first reader is gone */
	close(second);
	close(reads);
	free(stats);
}

static void test_rights(void)
{
	int fd = open_device(O_RDWR), status;
	pid_t child = fork();

	CHECK(hello(fd, VEX_ABI_VERSION, VEX_TAP_VERSION) > 0);
	if (!child) {
		if (setresuid(88, 88, 88) < 0)
			_exit(1);
		if (open_device(O_RDWR) >= 0 || open_device(O_RDONLY) >= 0)
			_exit(2);
		_exit(attach(fd, 4096) == -EPERM || attach(fd, 4096) == -EPROTO ? 0 : 3);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close(fd);
}

static void *map(int fd, size_t size, int prot, int flags, uint64_t at)
{
	void *place = mmap(NULL, size, prot, flags, fd, (off_t)at);

	return place == MAP_FAILED ? NULL : place;
}

static void test_mappings(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	int fd = open_device(O_RDWR);
	void *page, *ring;

	CHECK(hello(fd, VEX_ABI_VERSION, VEX_TAP_VERSION) > 0 && attach(fd, 65536) == 0);
	CHECK(!map(fd, 4096, rw, MAP_SHARED, 0)); /* the producer's page */
	CHECK(!map(fd, 4096 + 65536, rw, MAP_SHARED, 0));
	CHECK(!map(fd, 4096, PROT_READ, MAP_PRIVATE, 0));
	CHECK(!map(fd, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, 0));
	CHECK(!map(fd, 4096 + 65536 + 4096, PROT_READ, MAP_SHARED, 0));
	CHECK(!map(fd, 8192, rw, MAP_SHARED, VEX_TAP_PEER));
	CHECK(!map(fd, 4096, rw, MAP_SHARED, VEX_TAP_PEER + 4096));
	CHECK(!map(fd, 4096, PROT_READ, MAP_SHARED, 63ull << VEX_TAP_LANE_SHIFT));
	CHECK(!map(fd, 4096, PROT_READ, MAP_SHARED, 1ull << 62));
	page = map(fd, 4096 + 65536, PROT_READ, MAP_SHARED, 0);
	CHECK(page && mprotect(page, 4096, rw) < 0 && errno == EACCES);
	CHECK(mremap(page, 4096 + 65536, 2 * 65536, MREMAP_MAYMOVE) == MAP_FAILED);
	ring = map(fd, 65536, rw, MAP_SHARED, 4096);
	CHECK(ring != NULL);
	CHECK(map(fd, 4096, rw, MAP_SHARED, VEX_TAP_PEER) != NULL);
	close(fd);
	fd = open_device(O_RDWR); /* mappings hold the lanes, and so the place of the reader */
	CHECK(hello(fd, VEX_ABI_VERSION, VEX_TAP_VERSION) > 0 && attach(fd, 4096) == -EBUSY);
	close(fd);
	_exit(problems ? 1 : 0);
}

static void in_child(void (*test)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		test();
		_exit(problems ? 1 : 0);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
}

static uint64_t draw(void)
{
	uint64_t bits = (uint64_t)rand() << 33 ^ (uint64_t)rand() << 11 ^ (uint64_t)rand();

	return bits >> rand() % 64;
}

static uint64_t draw_offset(void)
{
	return (draw() % 4) << VEX_TAP_LANE_SHIFT | (rand() % 3 ? 0 : VEX_TAP_PEER) |
			(draw() % 40) * 4096;
}

static unsigned long draw_command(void)
{
	static const unsigned long commands[] = {VEX_TAP_HELLO, VEX_TAP_ATTACH, VEX_TAP_SELECT,
			VEX_TAP_PAUSE, VEX_TAP_STATS, VEX_TAP_RETURN};

	return rand() % 8 ? commands[rand() % 6] : draw();
}

static void mistreat(int fd)
{
	static unsigned char junk[sizeof(struct vex_tap_stats)];
	size_t size = (draw() % 40 + 1) * 4096;
	void *place;

	for (int i = 0; i < 16; i++)
		junk[rand() % 256] = rand() % 2 ? 0 : (unsigned char)rand();
	switch (rand() % 6) {
	case 0:
		if (write(fd, junk, draw() % sizeof(junk)) >= 0)
			printf("hostile: junk that is a record\n");
		break;
	case 1:
		place = mmap(NULL, size, rand() % 8, rand() % 4, fd, (off_t)draw_offset());
		if (place != MAP_FAILED)
			munmap(place, size);
		break;
	case 2:
		ioctl(fd, draw_command(), (void *)(uintptr_t)draw());
		break;
	default:
		ioctl(fd, draw_command(), junk);
	}
}

static void test_random(void)
{
	alarm(120);
	for (int round = 0; round < 40; round++) {
		int fd = open_device(O_RDWR);

		srand((unsigned)round);
		if (round % 2)
			hello(fd, VEX_ABI_VERSION, VEX_TAP_VERSION), attach(fd, 65536);
		for (int i = 0; i < 400; i++)
			mistreat(fd);
		close(fd);
	}
}

static void write_lies(struct tap_reader *tap)
{
	for (uint32_t i = 0; i < tap->lane_count; i++) {
		struct vex_lane_consumer_page *page = tap->lane[i].page.page;
		uint64_t *ring = (uint64_t *)(void *)tap->lane[i].ring.lines;

		page->position = rand() % 2 ? draw() : page->position + 64;
		page->sleep_epoch = draw();
		page->events = draw();
		for (int k = 0; k < 100; k++)
			ring[(uint64_t)rand() % (tap->ring_size / 8)] = draw();
	}
}

/* A reader that lies harms its own lanes alone: whoever works goes on working. */
static void test_lies(const char *folder)
{
	struct vex_tap_select want = {0};
	struct work_count count = {0};
	struct tap_reader tap;
	int status;
	pid_t child;

	CHECK(tap_attach(&tap, 16384) == 0);
	CHECK(tap_select(&tap, &want) == 0);
	child = fork();
	if (!child) {
		for (unsigned i = 0; i < 300; i++)
			work_round(folder, i, &count);
		_exit(0);
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		write_lies(&tap);
	CHECK(status == 0);
	tap_detach(&tap);
}

/* Afterwards all is as it was. */
static void test_still_works(const char *folder)
{
	struct vex_tap_select want = {.prefix_count = 1};
	struct work_count count = {0};
	struct tap_reader tap;
	unsigned events = 0;
	pid_t child;

	snprintf(want.prefixes[0], sizeof(want.prefixes[0]), "%s", folder);
	CHECK(tap_attach(&tap, 1 << 20) == 0 && tap_select(&tap, &want) == 0);
	child = fork();
	if (!child) {
		work_round(folder, 0, &count);
		_exit(0);
	}
	CHECK(waitpid(child, NULL, 0) == child);
	while (tap_next(&tap, (struct vex_record *)(void *)storage))
		events++;
	CHECK(events == 17);
	tap_detach(&tap);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	srand(1);
	test_handshake();
	test_rights();
	in_child(test_mappings);
	in_child(test_random);
	test_lies(argv[1]);
	test_still_works(argv[1]);
	printf("hostile: %u problems\n", problems);
	return problems != 0;
}
