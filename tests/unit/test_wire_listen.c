/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/unit.h"

static char folder[] = "/tmp/vex-listen-XXXXXX";
static char path[96];
static char text[256];

static void in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
}

static void test_live_and_stale(void)
{
	int first;
	int second;

	in_folder("socket");
	first = wire_listen(path, text, sizeof(text));
	CU_ASSERT(first >= 0);
	CU_ASSERT_EQUAL(wire_listen(path, text, sizeof(text)), -EADDRINUSE);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, path));
	close(first);
	second = wire_listen(path, text, sizeof(text));
	CU_ASSERT(second >= 0);
	close(second);
	unlink(path);
}

static void test_not_a_socket(void)
{
	int fd;

	in_folder("file");
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	CU_ASSERT_EQUAL(wire_listen(path, text, sizeof(text)), -EEXIST);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_folder(void)
{
	int fd;

	in_folder("no/such/socket");
	CU_ASSERT_EQUAL(wire_listen(path, text, sizeof(text)), -ENOENT);
	in_folder("made/socket");
	fd = wire_listen(path, text, sizeof(text));
	CU_ASSERT(fd >= 0);
	close(fd);
	unlink(path);
	in_folder("made");
	CU_ASSERT_EQUAL(rmdir(path), 0);
}

static void test_bad_path(void)
{
	char too_long[200];

	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	CU_ASSERT_EQUAL(wire_listen(too_long, text, sizeof(text)), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(wire_listen("", text, sizeof(text)), -ENAMETOOLONG);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"sockets in use, and left behind", test_live_and_stale},
		{"a file that is no socket", test_not_a_socket},
		{"folders that are missing", test_folder},
		{"paths that can't be", test_bad_path},
		CU_TEST_INFO_NULL,
	};
	int ret;

	if (!mkdtemp(folder))
		return 1;
	ret = unit_run("listen", tests);
	rmdir(folder);
	return ret;
}
