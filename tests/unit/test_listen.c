/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/unit.h"

static char folder[] = "/tmp/vex-listen-XXXXXX";
static char path[96];
static char text[256];

static int listen_at(void)
{
	return vex_listen(path, SOCK_STREAM, 0640, text, sizeof(text));
}

static void in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
}

static void test_live_and_stale(void)
{
	struct stat st;
	int first;
	int second;

	in_folder("socket");
	first = listen_at();
	CU_ASSERT(first >= 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0640);
	CU_ASSERT_EQUAL(listen_at(), -EADDRINUSE);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, path));
	CU_ASSERT_EQUAL(vex_listen(path, SOCK_SEQPACKET, 0640, text, sizeof(text)), -EADDRINUSE);
	close(first);
	second = vex_listen(path, SOCK_SEQPACKET, 0640, text, sizeof(text));
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
	CU_ASSERT_EQUAL(listen_at(), -EEXIST);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

/* A typing error makes no folder. */
static void test_folder_that_is_missing(void)
{
	in_folder("missing/socket");
	CU_ASSERT_EQUAL(listen_at(), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, path));
	in_folder("missing");
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
}

/* On a machine that just booted, the default folder of our sockets is not there. */
static void test_folder_in_run(void)
{
	char made[64];
	int fd;

	if (access("/run", W_OK))
		return;
	snprintf(made, sizeof(made), "/run/vex-listen-%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/no/socket", made);
	CU_ASSERT_EQUAL(listen_at(), -ENOENT);
	CU_ASSERT_NOT_EQUAL(access(made, F_OK), 0);
	snprintf(path, sizeof(path), "%s/socket", made);
	fd = listen_at();
	CU_ASSERT(fd >= 0);
	close(fd);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(rmdir(made), 0);
}

static void test_bad_path(void)
{
	char too_long[200];

	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	CU_ASSERT_EQUAL(vex_listen(too_long, SOCK_STREAM, 0640, text, sizeof(text)), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(vex_listen("", SOCK_STREAM, 0640, text, sizeof(text)), -ENAMETOOLONG);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"sockets in use, and left behind", test_live_and_stale},
		{"a file that is no socket", test_not_a_socket},
		{"a folder that is missing", test_folder_that_is_missing},
		{"a folder of /run that is missing", test_folder_in_run},
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
