/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/message.h"

#define BACKLOG 64

static int fail(const char *path, int error)
{
	vex_error("socket %s: %s%s", path,
			error == -ENOTSOCK ? "a file that is not a socket is there"
					   : strerror(-error),
			error == -EADDRINUSE ? "; another vex-dataplane listens there: stop it, or "
					       "choose another path by --socket"
					     : "");
	return error;
}

/* A file that nobody listens at is what a killed data plane left behind. */
static int clear_path(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = vex_message_connect(path);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (fd == -ECONNREFUSED && unlink(path) < 0)
		return -errno;
	return fd == -ENAMETOOLONG ? fd : 0;
}

int socket_listen(const char *path, uint32_t mode)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error = clear_path(path);

	if (error)
		return fail(path, error);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(path, -errno);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, mode) < 0 ||
			listen(fd, BACKLOG) < 0) {
		error = -errno;
		close(fd);
		return fail(path, error);
	}
	return fd;
}
