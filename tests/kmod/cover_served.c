/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rows that the kernel performs for a process elsewhere: what nfsd does to the files that it exports,
 * and a loop device to the file beneath it. Files are closed before the row ends, and nothing is left
 * that a server would do later.
 */
#include "cover_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void do_create(void)
{
	int fd = open_file("a", O_CREAT | O_WRONLY | O_EXCL | O_DSYNC);

	MUST(write(fd, page, 7));
	MUST(close(fd));
}

static void do_read(void)
{
	int fd = open_file("a", O_RDONLY);

	MUST(read(fd, page, 100));
	MUST(close(fd));
}

static void do_truncate(void)
{
	MUST(truncate("a", 10));
}

static void do_chmod(void)
{
	MUST(chmod("a", 0600));
}

static void do_chown(void)
{
	MUST(chown("a", 1, 2));
}

static void do_mkdir(void)
{
	MUST(mkdir("d", 0755));
}

static void do_rmdir(void)
{
	MUST(rmdir("d"));
}

static void do_mknod(void)
{
	MUST(mknod("p", S_IFIFO | 0640, 0));
}

static void do_symlink(void)
{
	MUST(symlink("to/where", "l"));
}

static void do_link(void)
{
	MUST(link("a", "b"));
}

static void do_rename(void)
{
	MUST(rename("a", "c"));
}

static void do_unlink(void)
{
	MUST(unlink("a"));
}

static void do_readdir(void)
{
	DIR *dir = opendir(".");

	while (dir && readdir(dir))
		;
	closedir(dir);
}

static void do_setxattr(void)
{
	MUST(setxattr("a", "user.colour", "green", 5, 0));
}

static void make_xattr(void)
{
	make_file();
	do_setxattr();
}

static void do_removexattr(void)
{
	MUST(removexattr("a", "user.colour"));
}

static void do_fallocate(void)
{
	int fd = open_file("a", O_WRONLY);

	MUST(fallocate(fd, 0, 0, 8192));
	MUST(close(fd));
}

static void do_copy_file_range(void)
{
	int from = open_file("a", O_RDONLY), to = open_file("b", O_WRONLY);

	MUST(copy_file_range(from, NULL, to, NULL, 100, 0));
	MUST(close(from));
	MUST(close(to));
}

/* Makes the row's file a block device; both are let go of when this process and its device file end. */
static void make_device(void)
{
	int control = open_file("/dev/loop-control", O_RDWR), number, device, file;
	char name[32];

	file_of("a", sizeof(page));
	number = (int)MUST(ioctl(control, LOOP_CTL_GET_FREE));
	snprintf(name, sizeof(name), "/dev/loop%d", number);
	device = open_file(name, O_RDWR);
	file = open_file("a", O_RDWR);
	MUST(ioctl(device, LOOP_CONFIGURE, &(struct loop_config){.fd = (uint32_t)file,
			.info.lo_flags = LO_FLAGS_AUTOCLEAR}));
	MUST(symlink(name, "device"));
	close(file);
	close(control);
}

static char block[sizeof(page)] __attribute__((aligned(4096)));

static void do_device_write(void)
{
	MUST(pwrite(open_file("device", O_WRONLY | O_DIRECT), block, sizeof(block), 0));
}

static void do_device_read(void)
{
	MUST(pread(open_file("device", O_RDONLY | O_DIRECT), block, sizeof(block), 0));
}

#define SYNCED(name) {VEX_SYNC, name, NO_RANGE}

/* A server of version 4 syncs what is to last before it answers; it reads until nothing comes. */
const struct row served_rows[] = {
	{"nfs-create", NULL, do_create, .events = {{VEX_CREATE, "a", NO_RANGE, .mode = S_IFREG | 0640},
		OPENED("a"), SYNCED("a"), {VEX_WRITE, "a", .result = 7, RANGE(0, 7)}, CLOSED("a")}},
	{"nfs-read", make_file, do_read, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 100, NO_RANGE}, {VEX_READ, "a", .result = 0, NO_RANGE},
		CLOSED("a")}},
	{"nfs-truncate", make_file, do_truncate, .events = {{VEX_TRUNCATE, "a", RANGE(0, 10)}}},
	{"nfs-chmod", make_file, do_chmod, .events = {{VEX_CHMOD, "a", NO_RANGE,
		.mode = S_IFREG | 0600}}},
	{"nfs-chown", make_file, do_chown, .events = {{VEX_CHOWN, "a", NO_RANGE}}},
	{"nfs-mkdir", NULL, do_mkdir, .events = {{VEX_MKDIR, "d", NO_RANGE, .mode = S_IFDIR | 0755}}},
	{"nfs-rmdir", make_folder, do_rmdir, .events = {{VEX_RMDIR, "d", NO_RANGE}}},
	{"nfs-mknod", NULL, do_mknod, .events = {{VEX_MKNOD, "p", NO_RANGE, .mode = S_IFIFO | 0640}}},
	{"nfs-symlink", NULL, do_symlink, .events = {{VEX_SYMLINK, "l", "=to/where", NO_RANGE}}},
	{"nfs-link", make_file, do_link, .events = {{VEX_LINK, "a", "b", NO_RANGE}}},
	{"nfs-rename", make_file, do_rename, .ino_of = "c", .events = {{VEX_RENAME, "a", "c", NO_RANGE}}},
	{"nfs-unlink", make_file, do_unlink, .events = {{VEX_DELETE, "a", NO_RANGE}}},
	{"nfs-readdir", make_file, do_readdir, .events = {{VEX_OPEN, "", NO_RANGE},
		{VEX_READDIR, "", NO_RANGE}, {VEX_READDIR, "", NO_RANGE}, {VEX_CLOSE, "", NO_RANGE}}},
	{"nfs-setxattr", make_file, do_setxattr, .events = {{VEX_SETXATTR, "a", NO_RANGE,
		.key = "user.colour", .value = "green"}}},
	{"nfs-removexattr", make_xattr, do_removexattr, .events = {{VEX_REMOVEXATTR, "a", NO_RANGE,
		.key = "user.colour"}}},
	{"nfs-fallocate", make_file, do_fallocate, .events = {OPENED("a"),
		{VEX_FALLOCATE, "a", RANGE(0, 8192)}, CLOSED("a")}},
	{"nfs-copy", make_files, do_copy_file_range, .events = {OPENED("a"), OPENED("b"),
		{VEX_READ, "a", .result = 100, RANGE(0, 100)},
		{VEX_WRITE, "b", .result = 100, RANGE(0, 100)},
		{VEX_COPY_FILE_RANGE, "b", "a", 100, RANGE(0, 100)}, SYNCED("b"), CLOSED("*"),
		CLOSED("*")}},
	{"loop-write", make_device, do_device_write, .by_loop = true,
		.events = {{VEX_WRITE, "a", .result = 4096, RANGE(0, 4096)}}},
	{"loop-read", make_device, do_device_read, .by_loop = true,
		.events = {{VEX_READ, "a", .result = 4096, RANGE(0, 4096)}}},
};
const unsigned served_row_count = sizeof(served_rows) / sizeof(served_rows[0]);
