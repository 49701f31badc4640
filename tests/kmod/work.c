/* SPDX-License-Identifier: BSD-3-Clause */
#include "work.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct names {
	char file[128], other[128], folder[128], link[128];
};

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	_exit(3);
}

static void make_names(struct names *names, const char *folder, unsigned tag)
{
	snprintf(names->file, sizeof(names->file), "%s/%u-file", folder, tag);
	snprintf(names->other, sizeof(names->other), "%s/%u-other", folder, tag);
	snprintf(names->folder, sizeof(names->folder), "%s/%u-folder", folder, tag);
	snprintf(names->link, sizeof(names->link), "%s/%u-link", folder, tag);
}

static void on_file(const struct names *names, struct work_count *count)
{
	char bytes[64] = "content";
	int fd = open(names->file, O_CREAT | O_EXCL | O_RDWR, 0600);

	must(fd, "open");
	must((int)write(fd, bytes, sizeof(bytes)), "write");
	must((int)pread(fd, bytes, sizeof(bytes), 0), "pread");
	must(ftruncate(fd, 10), "ftruncate");
	must(fchmod(fd, 0644), "fchmod");
	must(fsync(fd), "fsync");
	must(close(fd), "close");
	count->of[VEX_CREATE]++;
	count->of[VEX_OPEN]++;
	count->of[VEX_WRITE]++;
	count->of[VEX_READ]++;
	count->of[VEX_TRUNCATE]++;
	count->of[VEX_CHMOD]++;
	count->of[VEX_SYNC]++;
	count->of[VEX_CLOSE]++;
}

static void on_names(const struct names *names, struct work_count *count)
{
	must(mkdir(names->folder, 0700), "mkdir");
	must(rename(names->file, names->other), "rename");
	must(link(names->other, names->file), "link");
	must(symlink("nowhere", names->link), "symlink");
	must(utimensat(AT_FDCWD, names->other, NULL, 0), "utimensat");
	must(unlink(names->file), "unlink");
	must(unlink(names->other), "unlink");
	must(unlink(names->link), "unlink");
	must(rmdir(names->folder), "rmdir");
	count->of[VEX_MKDIR]++;
	count->of[VEX_RENAME]++;
	count->of[VEX_LINK]++;
	count->of[VEX_SYMLINK]++;
	count->of[VEX_UTIMENS]++;
	count->of[VEX_DELETE] += 3;
	count->of[VEX_RMDIR]++;
}

void work_round(const char *folder, unsigned tag, struct work_count *count)
{
	struct names names;

	make_names(&names, folder, tag);
	on_file(&names, count);
	on_names(&names, count);
}
