/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 64
#define LOCK_TRIES 200 /* of 10 ms */
#define VOLATILE "/run/"

#define FAIL(error, ...) (snprintf(text, cap, __VA_ARGS__), -(error))

/* Elsewhere a folder that is missing is a typing error, and no reason to make one. */
static int make_folder(const char *path, const char *folder, char *text, size_t cap)
{
	struct stat st;

	if (stat(folder, &st) == 0)
		return 0;
	if (errno == ENOENT && strncmp(folder, VOLATILE, strlen(VOLATILE)) == 0 &&
			(mkdir(folder, 0755) == 0 || errno == EEXIST))
		return 0;
	return FAIL(errno, "socket %s: cannot use folder %s: %s", path, folder, strerror(errno));
}

/* Two programs that find the same stale socket must not replace each other's new one. */
static int lock_folder(const char *path, char *text, size_t cap)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *folder;
	unsigned i;
	int fd;

	strcpy(copy, path);
	folder = dirname(copy);
	fd = make_folder(path, folder, text, cap);
	if (fd < 0)
		return fd;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return FAIL(errno, "socket %s: cannot open folder %s: %s", path, folder,
				strerror(errno));
	for (i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return fd;
		nanosleep(&pause, NULL);
	}
	close(fd);
	return FAIL(EBUSY, "socket %s: folder %s stays locked by another program", path, folder);
}

/* 0 where the path is free now. */
static int clear_path(const struct sockaddr_un *address, int type, char *text, size_t cap)
{
	const char *path = address->sun_path;
	struct stat st;
	int ret = 0;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : FAIL(errno, "socket %s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return FAIL(EEXIST, "socket %s: a file that is not a socket is there", path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return FAIL(errno, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
			errno != ECONNREFUSED)
		ret = FAIL(EADDRINUSE, "socket %s is in use by a running program: stop it, or choose "
					"another path by --socket", path);
	else if (unlink(path) < 0)
		ret = FAIL(errno, "cannot remove the stale socket %s: %s", path, strerror(errno));
	close(fd);
	return ret;
}

static int bind_and_listen(const struct sockaddr_un *address, int type, mode_t mode, char *text,
		size_t cap)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (fd < 0)
		return FAIL(errno, "cannot make a socket: %s", strerror(errno));
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
			chmod(address->sun_path, mode) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	ret = FAIL(errno, "cannot listen at %s: %s", address->sun_path, strerror(errno));
	close(fd);
	return ret;
}

int vex_listen(const char *path, int type, mode_t mode, char *text, size_t cap)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int lock;
	int ret;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return FAIL(ENAMETOOLONG, "socket path '%s' is empty or longer than %zu bytes",
				path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	lock = lock_folder(path, text, cap);
	if (lock < 0)
		return lock;
	ret = clear_path(&address, type, text, cap);
	if (!ret)
		ret = bind_and_listen(&address, type, mode, text, cap);
	close(lock);
	return ret;
}
