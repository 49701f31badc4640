/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: loop FOLDER COUNT     opens, writes, closes and unlinks a file, COUNT times in each of a few
 * parts, and prints the nanoseconds of a time in the middling part.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PARTS 7 /* the first one warms up */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void once(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	if (fd < 0 || write(fd, "content", 7) != 7 || close(fd) < 0 || unlink(path) < 0) {
		perror(path);
		exit(1);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	double part[PARTS];
	char path[256];

	if (!count)
		return 2;
	snprintf(path, sizeof(path), "%s/%d", argv[1], getpid());
	for (unsigned i = 0; i < PARTS; i++) {
		double start = now();

		for (unsigned k = 0; k < count; k++)
			once(path);
		part[i] = (now() - start) / count;
	}
	qsort(part + 1, PARTS - 1, sizeof(part[0]), compare);
	printf("%.0f\n", part[PARTS / 2]);
	return 0;
}
