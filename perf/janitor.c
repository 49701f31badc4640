/* SPDX-License-Identifier: BSD-3-Clause */
#include "janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define THINGS_MAX 16
#define STOP_WAIT_MS 5000
#define LOG_TAIL 1500

static struct {
	pthread_mutex_t lock;
	pid_t child[THINGS_MAX];
	char dir[THINGS_MAX][JANITOR_PATH_MAX];
	char mount[THINGS_MAX][JANITOR_PATH_MAX];
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int path_find(char paths[][JANITOR_PATH_MAX], const char *path)
{
	for (int i = 0; i < THINGS_MAX; i++)
		if (!strcmp(paths[i], path))
			return i;
	return -ENOSPC;
}

static int path_keep(char paths[][JANITOR_PATH_MAX], const char *path)
{
	int i = path_find(paths, "");

	if (i >= 0)
		snprintf(paths[i], JANITOR_PATH_MAX, "%s", path);
	return i < 0 ? i : 0;
}

/* 1 once it ended, whether anyone waited for it or not. */
static int child_ended(pid_t pid, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	int ended;

	if (poll_fd.fd < 0)
		return 1;
	ended = poll(&poll_fd, 1, timeout_ms) == 1;
	close(poll_fd.fd);
	return ended;
}

static void child_stop(pid_t *slot)
{
	pid_t pid = *slot;

	kill(pid, SIGTERM);
	if (!child_ended(pid, STOP_WAIT_MS)) {
		vex_warn("process %d did not stop in %d s and was killed", pid, STOP_WAIT_MS / 1000);
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	*slot = 0;
}

/* Lazily: a mount whose daemon is gone must not hold us. Not mounted is as good. */
static void mount_drop(char *slot)
{
	umount2(slot, MNT_DETACH | UMOUNT_NOFOLLOW);
	slot[0] = '\0';
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void dir_drop(char *slot)
{
	if (nftw(slot, entry_remove, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT))
		vex_warn("%s could not be removed: %s", slot, strerror(errno));
	slot[0] = '\0';
}

static void drop_all(void)
{
	pthread_mutex_lock(&kept.lock);
	for (int i = 0; i < THINGS_MAX; i++)
		if (kept.child[i])
			child_stop(&kept.child[i]);
	for (int i = 0; i < THINGS_MAX; i++)
		if (kept.mount[i][0])
			mount_drop(kept.mount[i]);
	for (int i = 0; i < THINGS_MAX; i++)
		if (kept.dir[i][0])
			dir_drop(kept.dir[i]);
	pthread_mutex_unlock(&kept.lock);
}

static void signals_of_end(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

static void *wait_for_end(void *arg)
{
	sigset_t set;
	int signal;

	(void)arg;
	signals_of_end(&set);
	if (sigwait(&set, &signal))
		return NULL;
	vex_info("stopped by %s: cleaning up", strsignal(signal));
	drop_all();
	_exit(128 + signal);
}

int janitor_start(void)
{
	pthread_t thread;
	sigset_t set;
	int error;

	signals_of_end(&set);
	error = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (!error)
		error = pthread_create(&thread, NULL, wait_for_end, NULL);
	if (error)
		return -error;
	pthread_detach(thread);
	return atexit(drop_all) ? -ENOMEM : 0;
}

/* In the child, between fork and exec: only what is safe there. */
static void become(const char *const argv[], int log_fd, pid_t parent)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || null_fd < 0)
		_exit(127);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null_fd, STDIN_FILENO);
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "can't run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

pid_t janitor_spawn(const char *const argv[], const char *log)
{
	int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid_t parent = getpid();
	pid_t pid = -ENOSPC;
	int slot = 0;

	if (log_fd < 0) {
		vex_error("can't write %s: %s", log, strerror(errno));
		return -errno;
	}
	pthread_mutex_lock(&kept.lock);
	while (slot < THINGS_MAX && kept.child[slot])
		slot++;
	if (slot < THINGS_MAX) {
		pid = fork();
		if (!pid)
			become(argv, log_fd, parent);
		if (pid > 0)
			kept.child[slot] = pid;
	}
	pthread_mutex_unlock(&kept.lock);
	close(log_fd);
	if (pid < 0)
		vex_error("can't start %s: no room for a further process", argv[0]);
	return pid < 0 ? -EAGAIN : pid;
}

bool janitor_alive(pid_t pid)
{
	return !child_ended(pid, 0);
}

void janitor_stop(pid_t pid)
{
	pthread_mutex_lock(&kept.lock);
	for (int i = 0; i < THINGS_MAX; i++)
		if (pid > 0 && kept.child[i] == pid)
			child_stop(&kept.child[i]);
	pthread_mutex_unlock(&kept.lock);
}

int janitor_tempdir(const char *base, char path[JANITOR_PATH_MAX])
{
	int error = 0;

	snprintf(path, JANITOR_PATH_MAX, "%s/vex-bench-XXXXXX", base);
	pthread_mutex_lock(&kept.lock);
	if (!mkdtemp(path))
		error = -errno;
	else
		error = path_keep(kept.dir, path);
	pthread_mutex_unlock(&kept.lock);
	if (error) {
		vex_error("can't make a directory in %s: %s", base, strerror(-error));
		path[0] = '\0';
	}
	return error;
}

void janitor_remove(const char *path)
{
	int i;

	pthread_mutex_lock(&kept.lock);
	i = path[0] ? path_find(kept.dir, path) : -ENOENT;
	if (i >= 0)
		dir_drop(kept.dir[i]);
	pthread_mutex_unlock(&kept.lock);
}

int janitor_mount(const char *path)
{
	int error;

	pthread_mutex_lock(&kept.lock);
	error = path_keep(kept.mount, path);
	pthread_mutex_unlock(&kept.lock);
	return error;
}

void janitor_unmount(const char *path)
{
	int i;

	pthread_mutex_lock(&kept.lock);
	i = path[0] ? path_find(kept.mount, path) : -ENOENT;
	if (i >= 0)
		mount_drop(kept.mount[i]);
	pthread_mutex_unlock(&kept.lock);
}

void janitor_show_log(const char *log)
{
	char text[LOG_TAIL + 1];
	ssize_t length;
	off_t end;
	int fd = open(log, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	end = lseek(fd, 0, SEEK_END);
	length = pread(fd, text, LOG_TAIL, end > LOG_TAIL ? end - LOG_TAIL : 0);
	close(fd);
	if (length > 0)
		fprintf(stderr, "%.*s\n", (int)length, text);
}
