/* SPDX-License-Identifier: BSD-3-Clause */
#include "cover_support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char page[4096];

int open_file(const char *name, int flags)
{
	return (int)MUST(open(name, flags, 0640));
}

void file_of(const char *name, unsigned size)
{
	int fd = open_file(name, O_CREAT | O_WRONLY | O_EXCL);

	memset(page, 'x', sizeof(page));
	MUST(write(fd, page, size));
	MUST(close(fd));
}

void make_file(void)
{
	file_of("a", 100);
}

void make_files(void)
{
	file_of("a", 100);
	file_of("b", 100);
}

void make_folder(void)
{
	MUST(mkdir("d", 0755));
}
