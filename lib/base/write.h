/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VEX_BASE_WRITE_H
#define VEX_BASE_WRITE_H

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/** Writes all of it, in as many calls as that takes. 0 or a negative errno. */
static inline int vex_write_all(int fd, const void *data, size_t size)
{
	const char *next = data;
	ssize_t n;

	for (; size; next += n, size -= (size_t)n) {
		n = write(fd, next, size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			n = 0;
	}
	return 0;
}

#endif
