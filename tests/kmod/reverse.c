/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reverse lane: records written to the device reach the kernel's subscribers (the sample
 * module) and, as fsnotify, an inotify watch; what is malformed or too much does not. And the
 * other way: what the sample module says for itself reaches the reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check.h"
#include "tap_reader.h"

#define PARAMETERS "/sys/module/vex_tap_sample/parameters/"
#define FOLDER "/t/reverse"

static uint64_t storage[VEX_RECORD_MAX / 8];
static struct vex_record *const record = (struct vex_record *)(void *)storage;

static uint32_t make(uint16_t type, const char *path, const char *path2)
{
	struct vex_event event = {.type = type,
			.boundary = VEX_BOUNDARY_PEER,
			.has = VEX_HAS_PATH | (path2 ? VEX_HAS_PATH2 : 0),
			.path = {path, strlen(path)},
			.path2 = {path2, path2 ? strlen(path2) : 0}};

	memset(storage, 0, 4096);
	vex_event_encode(&event, record);
	record->size = vex_event_size(&event);
	return record->size;
}

static ssize_t send_back(int fd, uint16_t type, const char *path, const char *path2)
{
	uint32_t size = make(type, path, path2);

	return write(fd, record, size) == (ssize_t)size ? 0 : -errno;
}

static void parameter(const char *name, char *text, size_t size)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_RDONLY);
	n = read(fd, text, size - 1);
	text[n > 0 ? n - 1 : 0] = '\0'; /* without the line's end */
	close(fd);
}

static int number(const char *name)
{
	char text[32];

	parameter(name, text, sizeof(text));
	return atoi(text);
}

/* The next event of a watch: "NAME" if its mask holds the bits, otherwise what came. */
static bool heard(int watch, uint32_t mask, const char *name)
{
	char buffer[512] __attribute__((aligned(8)));
	struct inotify_event event;
	struct pollfd fd = {.fd = watch, .events = POLLIN};

	if (poll(&fd, 1, 5000) != 1 || read(watch, buffer, sizeof(event) + 256) < 0)
		return false;
	memcpy(&event, buffer, sizeof(event));
	if ((event.mask & mask) == mask && !strcmp(event.len ? buffer + sizeof(event) : "", name))
		return true;
	printf("  heard %x %s\n", event.mask, event.len ? buffer + sizeof(event) : "");
	return false;
}

/* One event a read, so that heard() sees each. */
static int watch_folder(void)
{
	int watch = inotify_init1(IN_CLOEXEC);

	CHECK(inotify_add_watch(watch, FOLDER, IN_ALL_EVENTS) >= 0);
	return watch;
}

static bool silent(int watch)
{
	struct pollfd fd = {.fd = watch, .events = POLLIN};

	return poll(&fd, 1, 0) == 0;
}

static void test_fsnotify(int fd)
{
	struct vex_tap_return how = {.flags = VEX_TAP_RETURN_FSNOTIFY};
	int watch = watch_folder();

	CHECK(send_back(fd, VEX_CREATE, FOLDER "/elsewhere", NULL) == 0);
	CHECK(silent(watch)); /* it was not asked for */
	CHECK(ioctl(fd, VEX_TAP_RETURN, &how) == 0);
	CHECK(send_back(fd, VEX_CREATE, FOLDER "/elsewhere", NULL) == 0);
	CHECK(heard(watch, IN_CREATE, "elsewhere"));
	CHECK(send_back(fd, VEX_MKDIR, FOLDER "/folder", NULL) == 0);
	CHECK(heard(watch, IN_CREATE | IN_ISDIR, "folder"));
	CHECK(send_back(fd, VEX_WRITE, FOLDER "/here", NULL) == 0);
	CHECK(heard(watch, IN_MODIFY, "here"));
	CHECK(send_back(fd, VEX_CHMOD, FOLDER "/here", NULL) == 0);
	CHECK(heard(watch, IN_ATTRIB, "here"));
	CHECK(send_back(fd, VEX_DELETE, FOLDER "/elsewhere", NULL) == 0);
	CHECK(heard(watch, IN_DELETE, "elsewhere"));
	CHECK(send_back(fd, VEX_WRITE, FOLDER "/not-there", NULL) == 0);
	CHECK(silent(watch));
	close(watch);
}

static void test_rename(int fd)
{
	struct vex_tap_return how = {.flags = VEX_TAP_RETURN_FSNOTIFY};
	char buffer[1024] __attribute__((aligned(8)));
	struct inotify_event from, to;
	int watch = watch_folder();

	CHECK(ioctl(fd, VEX_TAP_RETURN, &how) == 0);
	CHECK(send_back(fd, VEX_RENAME, FOLDER "/old", FOLDER "/new") == 0);
	CHECK(read(watch, buffer, sizeof(buffer)) > 0);
	memcpy(&from, buffer, sizeof(from));
	memcpy(&to, buffer + sizeof(from) + from.len, sizeof(to));
	CHECK(from.mask == IN_MOVED_FROM && to.mask == IN_MOVED_TO && from.cookie == to.cookie);
	close(watch);
}

static void test_subscriber(int fd)
{
	int before = number("heard");
	char path[128];

	CHECK(send_back(fd, VEX_UTIMENS, FOLDER "/here", NULL) == 0);
	CHECK(number("heard") == before + 1);
	CHECK(number("type") == VEX_UTIMENS);
	parameter("path", path, sizeof(path));
	CHECK(!strcmp(path, FOLDER "/here"));
}

static void test_many(int fd)
{
	int before = number("heard");
	uint32_t size = make(VEX_CREATE, FOLDER "/x", NULL);

	for (int i = 1; i < 10; i++)
		memcpy((char *)storage + (size_t)i * size, storage, size);
	CHECK(write(fd, storage, 10 * size) == (ssize_t)(10 * size));
	CHECK(number("heard") == before + 10);
	CHECK(write(fd, storage, 2 * size + 20) == (ssize_t)(2 * size)); /* the rest is no record */
	CHECK(number("heard") == before + 12);
}

static void refused(int fd, const char *what, uint32_t size)
{
	int before = number("heard");

	if (write(fd, record, size) != -1 || errno != EINVAL) {
		printf("FAIL: %s was not refused (errno %d)\n", what, errno);
		problems++;
	}
	CHECK(number("heard") == before);
}

static void test_malformed(int fd)
{
	const void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t size = make(VEX_CREATE, FOLDER "/x", NULL);

	record->size = size + 8;
	refused(fd, "a record longer than what was written", size);
	make(VEX_CREATE, FOLDER "/x", NULL);
	record->type = 5;
	refused(fd, "an unknown type", size);
	make(VEX_CREATE, FOLDER "/x", NULL);
	record->attr_count = 9;
	refused(fd, "a wrong count", size);
	make(VEX_CREATE, FOLDER "/x", NULL);
	((char *)(record + 1))[6] = '\0';
	refused(fd, "a NUL in a path", size);
	make(VEX_CREATE, FOLDER "/x", NULL);
	record->size = size - 4;
	refused(fd, "a size that is no multiple of eight", size);
	refused(fd, "a few bytes", 10);
	CHECK(write(fd, nowhere, 200) == -1 && errno == EFAULT);
	CHECK(write(fd, record, 0) == -1);
}

static void test_random(int fd)
{
	srand(7);
	for (int i = 0; i < 20000; i++) {
		uint32_t size = make(VEX_RENAME, FOLDER "/x", FOLDER "/some-other-name");

		for (int k = rand() % 4; k >= 0; k--)
			((unsigned char *)storage)[rand() % (int)size] = (unsigned char)rand();
		if (write(fd, storage, size) < 0 && errno != EINVAL && errno != EAGAIN)
			CHECK(!"an error that it does not have");
	}
}

static void test_rate(int fd)
{
	struct vex_tap_return how = {.rate = 50};
	struct vex_tap_stats before, after;
	struct tap_reader tap = {.fd = fd};
	int passed = 0;

	CHECK(ioctl(fd, VEX_TAP_RETURN, &how) == 0);
	CHECK(tap_stats(&tap, &before) == 0);
	for (int i = 0; i < 200; i++)
		passed += send_back(fd, VEX_CREATE, FOLDER "/x", NULL) == 0;
	CHECK(errno == EAGAIN);
	CHECK(passed >= 50 && passed < 150); /* a second's worth at once, and what time brings */
	CHECK(tap_stats(&tap, &after) == 0);
	CHECK(after.limited - before.limited == (uint64_t)(200 - passed));
	CHECK(after.refused == before.refused);
	CHECK(after.returned - before.returned == (uint64_t)passed);
	how.rate = 0;
	CHECK(ioctl(fd, VEX_TAP_RETURN, &how) == 0);
}

static void emit(const char *count)
{
	int fd = open(PARAMETERS "emit", O_WRONLY);

	CHECK(write(fd, count, strlen(count)) > 0);
	close(fd);
}

static void test_module_speaks(void)
{
	struct vex_tap_select want = {.types = {1ull << VEX_WRITE}, .prefix_count = 1};
	struct tap_reader tap;
	struct vex_event event;
	struct vex_event_space space;
	unsigned count = 0;
	pid_t child;

	emit("10"); /* nobody listens */
	CHECK(tap_attach(&tap, 1 << 20) == 0);
	snprintf(want.prefixes[0], sizeof(want.prefixes[0]), "/sample");
	CHECK(tap_select(&tap, &want) == 0);
	child = fork(); /* what we do ourselves is left out */
	if (!child) {
		emit("1000");
		_exit(0);
	}
	while (count < 1000 && tap_wait(&tap, 10000))
		while (tap_next(&tap, record)) {
			vex_event_decode(record, &event, &space);
			CHECK(event.type == VEX_WRITE && event.result == 512 &&
					event.ino == 1000 + count && event.parent_ino == 999 &&
					event.dev == makedev(7, 3) && event.offset == count &&
					event.pid == (uint32_t)child && event.duration_ns >= 1000 &&
					event.path.len == strlen("/sample/file"));
			count++;
		}
	CHECK(count == 1000);
	tap_detach(&tap);
}

int main(void)
{
	int fd = open(VEX_TAP_DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	mkdir(FOLDER, 0755);
	close(open(FOLDER "/here", O_CREAT | O_WRONLY, 0644));
	test_fsnotify(fd);
	test_rename(fd);
	test_subscriber(fd);
	test_many(fd);
	test_malformed(fd);
	test_random(fd);
	test_rate(fd);
	close(fd);
	test_module_speaks();
	printf("reverse: %u problems\n", problems);
	return problems != 0;
}
