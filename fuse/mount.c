/* SPDX-License-Identifier: BSD-3-Clause */
#include "mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "inode.h"
#include "loop.h"

#define DEAD_MOUNTS_MAX 16
#define DEPTH_MAX 4096

static int fail(int code, const char *what, const char *path, const char *hint)
{
	vex_error("%s %s: %s", what, path, hint);
	return code;
}

static int name_source(void)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", mirror.source_fd);
	len = readlink(link, mirror.source, sizeof(mirror.source) - 1);
	if (len < 0)
		return -errno;
	mirror.source_len = (size_t)len;
	return 0;
}

static int open_source(void)
{
	const char *path = mirror.options.source;
	struct statvfs fs;
	struct stat st;

	mirror.source_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mirror.source_fd < 0)
		return fail(VEX_EXIT_CONFIG, "SOURCE", path, strerror(errno));
	if (faccessat(mirror.source_fd, ".", R_OK | X_OK, AT_EACCESS) < 0)
		return fail(VEX_EXIT_CONFIG, "SOURCE", path, "you may not read this directory");
	if (fstat(mirror.source_fd, &st) < 0 || fstatvfs(mirror.source_fd, &fs) < 0 ||
			name_source() < 0)
		return fail(VEX_EXIT_FAILED, "SOURCE", path, strerror(errno));
	mirror.source_dev = st.st_dev;
	mirror.mount_flags = fs.f_flag;
	return inode_setup(mirror.source_fd, &st) ? fail(VEX_EXIT_FAILED, "SOURCE", path,
							    "out of memory") : 0;
}

static int run_fusermount(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--", path, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static int unmount(const char *path)
{
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	return errno == EPERM ? run_fusermount(path) : -errno;
}

/* Not stat(2), which the kernel may still answer from its cache. */
static bool is_dead(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTCONN || errno == ECONNABORTED;
	close(fd);
	return false;
}

/* A vex-fuse that was killed leaves a mount behind that answers ENOTCONN to everything. */
static int clear_dead(const char *path, bool *cleared)
{
	for (int i = 0; i < DEAD_MOUNTS_MAX; i++) {
		int error;

		if (!is_dead(path))
			return 0;
		error = unmount(path);
		if (error)
			return fail(VEX_EXIT_FAILED, "MOUNTPOINT", path,
					"a dead mount is in the way and can't be taken off");
		vex_info("took a dead mount off %s", path);
		*cleared = true;
	}
	return 0;
}

/* Works on an empty path as well as on one that can't be entered. */
static char *absolute(const char *path)
{
	char *copy = strdup(path), *copy2 = strdup(path);
	char *result = realpath(path, NULL);
	char *parent;

	if (!result && copy && copy2) {
		parent = realpath(dirname(copy), NULL);
		if (parent && asprintf(&result, "%s/%s", strcmp(parent, "/") ? parent : "",
				basename(copy2)) < 0)
			result = NULL;
		free(parent);
	}
	free(copy);
	free(copy2);
	return result;
}

static bool is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	int entries = 0;

	if (!dir)
		return false;
	while (entries < 3 && readdir(dir))
		entries++;
	closedir(dir);
	return entries < 3;
}

/* Going up from the mount point by descriptors, so that no link deceives. */
static bool is_inside_source(int fd)
{
	struct stat source, st, above;
	bool inside = false;
	int at = dup(fd);

	if (fstat(mirror.source_fd, &source) < 0 || at < 0 || fstat(at, &st) < 0)
		return false;
	for (int i = 0; i < DEPTH_MAX && !inside; i++) {
		int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		inside = st.st_dev == source.st_dev && st.st_ino == source.st_ino;
		if (up < 0 || fstat(up, &above) < 0)
			break;
		close(at);
		at = up;
		if (above.st_ino == st.st_ino && above.st_dev == st.st_dev)
			break;
		st = above;
	}
	close(at);
	return inside;
}

static bool is_mount_root(int fd)
{
	struct statx stx;

	return statx(fd, "", AT_EMPTY_PATH, STATX_INO, &stx) == 0 &&
			(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Files that came while nothing was mounted must not keep the mirror from coming back. */
static int check_emptiness(int fd, bool cleared)
{
	const char *path = mirror.mountpoint;

	if (is_empty(fd))
		return 0;
	if (!cleared)
		return fail(VEX_EXIT_CONFIG, "MOUNTPOINT", path,
				"is not empty; choose an empty directory");
	vex_warn("MOUNTPOINT %s: is not empty; what was written there while the mirror was away "
		"lies hidden beneath it", path);
	return 0;
}

static int check_mountpoint(bool cleared)
{
	const char *path = mirror.mountpoint;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = 0;

	if (fd < 0)
		return fail(VEX_EXIT_CONFIG, "MOUNTPOINT", path, strerror(errno));
	if (is_mount_root(fd))
		code = fail(VEX_EXIT_CONFIG, "MOUNTPOINT", path,
				"in use: something is mounted there; unmount it first");
	else if (is_inside_source(fd))
		code = fail(VEX_EXIT_CONFIG, "MOUNTPOINT", path,
				"lies inside SOURCE; choose a directory outside of it");
	else
		code = check_emptiness(fd, cleared);
	close(fd);
	return code;
}

int mount_prepare(void)
{
	int code = open_source();
	bool cleared = false;

	if (code)
		return code;
	mirror.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mirror.proc_fd < 0)
		return fail(VEX_EXIT_FAILED, "cannot open", "/proc/self/fd", strerror(errno));
	code = clear_dead(mirror.options.mountpoint, &cleared);
	if (code)
		return code;
	mirror.mountpoint = absolute(mirror.options.mountpoint);
	if (!mirror.mountpoint)
		return fail(VEX_EXIT_CONFIG, "MOUNTPOINT", mirror.options.mountpoint,
				strerror(errno));
	mirror.mountpoint_len = strlen(mirror.mountpoint);
	if (mirror.mountpoint_len > INODE_MOUNTPOINT_MAX)
		return fail(VEX_EXIT_CONFIG, "MOUNTPOINT", "is too long", mirror.mountpoint);
	return check_mountpoint(cleared);
}

static int add(char **options, const char *option)
{
	return fuse_opt_add_opt_escaped(options, option);
}

/* As SOURCE is mounted, so is its mirror. */
static int mount_options(char **options)
{
	char *source = NULL;
	int error = 0;

	if (asprintf(&source, "fsname=%s", mirror.options.source) < 0)
		return -ENOMEM;
	error |= add(options, source);
	free(source);
	error |= add(options, "subtype=vex-fuse");
	if (!mirror.options.private)
		error |= add(options, "default_permissions");
	if (mirror.privileged) {
		if (!mirror.options.private)
			error |= add(options, "allow_other");
		error |= add(options, mirror.mount_flags & ST_NODEV ? "nodev" : "dev");
		error |= add(options, mirror.mount_flags & ST_NOSUID ? "nosuid" : "suid");
	}
	if (mirror.mount_flags & ST_NOEXEC)
		error |= add(options, "noexec");
	if (mirror.options.read_only || (mirror.mount_flags & ST_RDONLY))
		error |= add(options, "ro");
	return error;
}

/* What libfuse and fusermount3 say on stderr goes to said, to be told in one line of ours. */
static int mount_session(char *said, size_t cap)
{
	int text = memfd_create("said", MFD_CLOEXEC);
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	ssize_t len;
	int error;

	if (text >= 0 && saved >= 0)
		dup2(text, STDERR_FILENO);
	error = fuse_session_mount(mirror.session, mirror.mountpoint);
	if (saved >= 0)
		dup2(saved, STDERR_FILENO);
	len = pread(text, said, cap - 1, 0);
	said[len > 0 ? len : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	close(saved);
	close(text);
	return error;
}

/* Of what is mounted there now, without a request to whoever serves it. 0: not known. */
static uint64_t dev_at(const char *path)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0,
			&stx) < 0)
		return 0;
	return makedev(stx.stx_dev_major, stx.stx_dev_minor);
}

int mount_start(void)
{
	char *options = NULL, said[256];
	char *argv[] = {(char *)(uintptr_t)"vex-fuse", (char *)(uintptr_t)"-o", NULL, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	if (mount_options(&options))
		return fail(VEX_EXIT_FAILED, "cannot mount", mirror.mountpoint, "out of memory");
	argv[2] = options;
	mirror.session = fuse_session_new(&args, &mirror_ops, sizeof(mirror_ops), NULL);
	fuse_opt_free_args(&args);
	free(options);
	if (!mirror.session)
		return fail(VEX_EXIT_FAILED, "cannot mount", mirror.mountpoint,
				"libfuse refused the mount options");
	if (mount_session(said, sizeof(said)) == 0) {
		mirror.mount_dev = dev_at(mirror.mountpoint);
		return 0;
	}
	fuse_session_destroy(mirror.session);
	mirror.session = NULL;
	return fail(VEX_EXIT_CONFIG, "cannot mount", mirror.mountpoint,
			access("/dev/fuse", R_OK | W_OK) < 0
			? "/dev/fuse can't be opened: load the module fuse, or ask for permission"
			: said);
}

/* The first request of all: once it is answered, the kernel has set its own limit. */
void mount_tune(void)
{
	char path[64], text[16];
	struct stat st;
	int fd, len;

	if (stat(mirror.mountpoint, &st) < 0)
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", major(st.st_dev),
			minor(st.st_dev));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = snprintf(text, sizeof(text), "%u", LOOP_IO_MAX / 1024);
	if (write(fd, text, (size_t)len) < 0)
		vex_debug("the kernel reads ahead less than it could: %s", strerror(errno));
	close(fd);
}

void mount_stop(void)
{
	uint64_t there = dev_at(mirror.mountpoint); /* 0: nobody can tell, or it is dead */
	int error;

	if (mirror.mount_dev && there && there != mirror.mount_dev) {
		vex_info("this mirror is not at %s any more: what is there is left alone",
				mirror.mountpoint);
		return;
	}
	error = unmount(mirror.mountpoint);
	if (error && error != -EINVAL)
		vex_warn("cannot unmount %s: %s", mirror.mountpoint, strerror(-error));
}
