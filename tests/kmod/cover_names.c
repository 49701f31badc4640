/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows on names, attributes, mounts and programs. */
#include "cover_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void do_unlink(void)
{
	MUST(unlink("a"));
}

static void do_rename(void)
{
	MUST(rename("a", "c"));
}

static void do_rename_over(void)
{
	MUST(rename("a", "b"));
}

static void make_file_and_folder(void)
{
	make_file();
	make_folder();
}

static void do_rename_into(void)
{
	MUST(rename("a", "d/e"));
}

static void do_exchange(void)
{
	MUST(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
}

static void do_noreplace(void)
{
	syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "d", 0);
}

static void do_chmod(void)
{
	MUST(chmod("a", 0600));
}

static void do_fchmod(void)
{
	int fd = open_file("a", O_RDONLY);

	MUST(fchmod(fd, 04711));
	close(fd);
}

static void do_chown(void)
{
	MUST(chown("a", 12, 34));
}

static void do_utimens(void)
{
	struct timespec times[2] = {{1, 2}, {3, 4}};

	MUST(utimensat(AT_FDCWD, "a", times, 0));
}

static void do_touch(void)
{
	MUST(utimensat(AT_FDCWD, "a", NULL, 0));
}

static void do_truncate(void)
{
	MUST(truncate("a", 42));
}

static void do_mkdir(void)
{
	MUST(mkdir("d", 0750));
}

static void do_rmdir(void)
{
	MUST(rmdir("d"));
}

static void make_full_folder(void)
{
	make_folder();
	file_of("d/a", 1);
}

static void do_rmdir_full(void)
{
	rmdir("d");
}

static void do_symlink(void)
{
	MUST(symlink("to/nowhere", "l"));
}

static void do_link(void)
{
	MUST(link("a", "b"));
}

static void do_mknod(void)
{
	MUST(mknod("n", S_IFCHR | 0600, 0x103));
}

static void do_mkfifo(void)
{
	MUST(mkfifo("n", 0644));
}

static void do_mknod_file(void)
{
	MUST(mknod("n", S_IFREG | 0644, 0));
}

static void do_setxattr(void)
{
	MUST(setxattr("a", "trusted.colour", "green", 5, XATTR_CREATE));
}

static void make_xattr(void)
{
	make_file();
	do_setxattr();
}

static void do_removexattr(void)
{
	MUST(removexattr("a", "trusted.colour"));
}

static void do_fsetxattr(void)
{
	int fd = open_file("a", O_WRONLY);

	MUST(fsetxattr(fd, "trusted.colour", "red", 3, 0));
	close(fd);
}

static void do_mount(void)
{
	MUST(mount("none", "d", "tmpfs", MS_NOSUID, NULL));
}

static void make_mount(void)
{
	make_folder();
	do_mount();
}

static void do_umount(void)
{
	MUST(umount2("d", 0));
}

static void do_move_mount(void)
{
	int context = (int)MUST(syscall(SYS_fsopen, "tmpfs", 0)), mnt;

	MUST(syscall(SYS_fsconfig, context, 6 /* create */, NULL, NULL, 0));
	mnt = (int)MUST(syscall(SYS_fsmount, context, 0, 0));
	MUST(syscall(SYS_move_mount, mnt, "", AT_FDCWD, "d", 4 /* from an empty path */));
}

static void do_bind(void)
{
	MUST(mount("d", "d", NULL, MS_BIND, NULL));
}

/* A program that ends at once, too small for any library to be looked for. */
static void make_program(void)
{
	static const unsigned char image[] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0,
			1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0,
			0, 0x40, 0, 0, 0, 0, 0, 0x82, 0, 0, 0, 0, 0, 0, 0, 0x82, 0, 0, 0, 0, 0, 0, 0,
			0, 0x10, 0, 0, 0, 0, 0, 0, /* exit(0) */ 0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f,
			5, 0x90};
	int fd = (int)MUST(open("p", O_CREAT | O_WRONLY | O_EXCL, 0755));

	MUST(write(fd, image, sizeof(image)));
	MUST(close(fd));
}

static void do_exec(void)
{
	execl("p", "p", (char *)NULL);
	MUST(-1);
}

static void make_owned(void)
{
	make_file();
	MUST(chmod(".", 0700));
}

static void do_refused_chmod(void)
{
	MUST(chmod(".", 0755));
	MUST(setresuid(99, 99, 99));
	if (!chmod("a", 0777))
		MUST(-1);
}

const struct row name_rows[] = {
	{"unlink", make_file, do_unlink, .events = {{VEX_DELETE, "a", NO_RANGE, .mode = S_IFREG | 0640}}},
	{"rename", make_file, do_rename, .ino_of = "c", .events = {{VEX_RENAME, "a", "c", NO_RANGE,
		.mode = S_IFREG | 0640}}},
	{"rename-over", make_files, do_rename_over, .events = {{VEX_RENAME, "a", "b", NO_RANGE}}},
	{"rename-into", make_file_and_folder, do_rename_into, .ino_of = "d/e",
		.events = {{VEX_RENAME, "a", "d/e", NO_RANGE}}},
	{"rename-exchange", make_files, do_exchange, .events = {{VEX_RENAME, "a", "b", .offset = ANY,
		.flags = RENAME_EXCHANGE}}},
	{"rename-refused", make_file_and_folder, do_noreplace, .events = {{VEX_RENAME, "a", "d",
		.result = -21, NO_RANGE}}},
	{"chmod", make_file, do_chmod, .events = {{VEX_CHMOD, "a", NO_RANGE, .mode = S_IFREG | 0600}}},
	{"fchmod", make_file, do_fchmod, .events = {OPENED("a"),
		{VEX_CHMOD, "a", NO_RANGE, .mode = S_IFREG | 04711}, CLOSED("a")}},
	{"chmod-refused", make_owned, do_refused_chmod, .events = {{VEX_CHMOD, "", NO_RANGE},
		{VEX_CHMOD, "a", .result = -1, NO_RANGE}}},
	{"chown", make_file, do_chown, .events = {{VEX_CHOWN, "a", NO_RANGE}}},
	{"utimens", make_file, do_utimens, .events = {{VEX_UTIMENS, "a", NO_RANGE}}},
	{"touch", make_file, do_touch, .events = {{VEX_UTIMENS, "a", NO_RANGE}}},
	{"truncate", make_file, do_truncate, .events = {{VEX_TRUNCATE, "a", RANGE(0, 42)}}},
	{"mkdir", NULL, do_mkdir, .events = {{VEX_MKDIR, "d", NO_RANGE, .mode = S_IFDIR | 0750}}},
	{"rmdir", make_folder, do_rmdir, .events = {{VEX_RMDIR, "d", NO_RANGE, .mode = S_IFDIR | 0755}}},
	{"rmdir-refused", make_full_folder, do_rmdir_full, .events = {{VEX_RMDIR, "d", .result = -39,
		NO_RANGE}}},
	{"symlink", NULL, do_symlink, .events = {{VEX_SYMLINK, "l", "=to/nowhere", NO_RANGE,
		.mode = S_IFLNK | 0777}}},
	{"link", make_file, do_link, .events = {{VEX_LINK, "a", "b", NO_RANGE}}},
	{"mknod", NULL, do_mknod, .events = {{VEX_MKNOD, "n", NO_RANGE, .mode = S_IFCHR | 0600}}},
	{"mkfifo", NULL, do_mkfifo, .events = {{VEX_MKNOD, "n", NO_RANGE, .mode = S_IFIFO | 0644}}},
	{"mknod-file", NULL, do_mknod_file, .events = {{VEX_CREATE, "n", NO_RANGE,
		.mode = S_IFREG | 0644}}},
	{"setxattr", make_file, do_setxattr, .events = {{VEX_SETXATTR, "a", .offset = ANY,
		.flags = XATTR_CREATE, .key = "trusted.colour", .value = "green"}}},
	{"fsetxattr", make_file, do_fsetxattr, .events = {OPENED("a"), {VEX_SETXATTR, "a", NO_RANGE,
		.key = "trusted.colour", .value = "red"}, CLOSED("a")}},
	{"removexattr", make_xattr, do_removexattr, .events = {{VEX_REMOVEXATTR, "a", NO_RANGE,
		.key = "trusted.colour"}}},
	{"exec", make_program, do_exec, .events = {OPENED("p"), {VEX_READ, "p", .result = 130, NO_RANGE},
		{VEX_READ, "p", .result = 56, NO_RANGE}, {VEX_EXEC, "p", NO_RANGE}, CLOSED("p")}},
	{"mount", make_folder, do_mount, .events = {{VEX_MOUNT, "d", "=none", .offset = ANY,
		.flags = MS_NOSUID, .key = "fstype", .value = "tmpfs"}}},
	{"mount-bind", make_folder, do_bind, .events = {{VEX_MOUNT, "d", "=d", .offset = ANY,
		.flags = MS_BIND}}},
	{"move-mount", make_folder, do_move_mount, .events = {{VEX_MOUNT, "d", NO_RANGE}}},
	{"umount", make_mount, do_umount, .own_device = true, .events = {{VEX_UNMOUNT, "d", NO_RANGE}}},
};
const unsigned name_row_count = sizeof(name_rows) / sizeof(name_rows[0]);
