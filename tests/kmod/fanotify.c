/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: fanotify FOLDER     the peer of the kernel module: reads every event that fanotify has of
 * this file system, with names, until it is killed; says "ready" once it listens.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char buffer[65536] __attribute__((aligned(8)));
	uint64_t mask = FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_OPEN | FAN_ACCESS | FAN_MODIFY |
			FAN_CLOSE | FAN_ATTRIB | FAN_ONDIR;
	uint64_t bytes = 0;
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_UNLIMITED_QUEUE, 0);

	if (argc != 2 || fd < 0 ||
			fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, AT_FDCWD, argv[1])) {
		perror("fanotify");
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n <= 0)
			return 1;
		bytes += (uint64_t)n;
	}
}
