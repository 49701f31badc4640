/* SPDX-License-Identifier: BSD-3-Clause */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static int ready_fd = -1;

static void wait_for_child(int fd)
{
	unsigned char code = VEX_EXIT_FAILED;
	ssize_t n;

	do
		n = read(fd, &code, 1);
	while (n < 0 && errno == EINTR);
	_exit(code);
}

int daemon_start(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		vex_error("cannot go to the background: %s", strerror(errno));
		return VEX_EXIT_FAILED;
	}
	if (pid > 0) {
		close(fds[1]);
		wait_for_child(fds[0]);
	}
	close(fds[0]);
	ready_fd = fds[1];
	setsid();
	return 0;
}

/* The standard streams go too: whoever started us may wait for their ends. */
void daemon_ready(int code)
{
	unsigned char byte = (unsigned char)code;
	int null;

	if (ready_fd < 0)
		return;
	if (write(ready_fd, &byte, 1) < 0)
		vex_warn("whoever started us is gone");
	close(ready_fd);
	ready_fd = -1;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (code || null < 0)
		return;
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close(null);
}
