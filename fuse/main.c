/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vex-fuse: mirrors a directory, and makes an event of each operation on the mirror.
 */
#include "mirror.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "creds.h"
#include "daemon.h"
#include "emit.h"
#include "inode.h"
#include "loop.h"
#include "mount.h"
#include "options.h"
#include "reverse.h"
#include "trim.h"
#include "vex/vex.h"
#include "waiter.h"

/* How long those who still use the mount have, once we are told to end. */
#define GRACE_MS 2000u

struct mirror mirror = {.source_fd = -1, .proc_fd = -1};

static unsigned long long nr_open(void)
{
	FILE *file = fopen("/proc/sys/fs/nr_open", "re");
	unsigned long long most = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &most) != 1)
		most = 0;
	fclose(file);
	return most;
}

/* Each inode that the kernel caches takes a descriptor. Files may have any size. */
static void raise_limits(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit files;

	setrlimit(RLIMIT_FSIZE, &all);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	if (nr_open() > files.rlim_max) {
		struct rlimit most = {nr_open(), nr_open()};

		if (setrlimit(RLIMIT_NOFILE, &most) == 0)
			return;
	}
	setrlimit(RLIMIT_NOFILE, &files);
}

/* In all threads alike; the main thread reads them from the descriptor. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGUSR1);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Until a signal comes, or the mount is taken away. */
static void wait_for_end(int signals)
{
	struct pollfd fds[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = loop_ended_fd(), .events = POLLIN},
	};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		continue;
	if (fds[1].revents)
		vex_info("%s was unmounted", mirror.mountpoint);
	else
		mount_stop();
	if (!loop_join(GRACE_MS))
		vex_warn("%s is still in use; whoever uses it gets errors from now on",
				mirror.mountpoint);
}

static int prepare(void)
{
	int error;

	raise_limits();
	error = creds_setup();
	if (error) {
		vex_error("cannot set up credentials: %s", strerror(-error));
		return VEX_EXIT_FAILED;
	}
	return mount_prepare();
}

static int start_threads(void)
{
	int error = waiter_setup();

	if (!error)
		error = loop_start();
	if (!error)
		error = trim_start();
	if (!error)
		error = reverse_start();
	if (!error)
		return 0;
	vex_error("cannot start threads: %s", strerror(-error));
	return VEX_EXIT_FAILED;
}

static int run(void)
{
	int signals, code;

	mirror.started_ns = vex_now_ns();
	/* A data plane that does not answer is waited for before anyone can wait for the mirror. */
	code = emit_start(mirror.options.threads);
	if (!code)
		code = mount_start();
	if (code)
		return code;
	emit_mount(VEX_MOUNT);
	signals = open_signals();
	code = signals < 0 ? VEX_EXIT_FAILED : start_threads();
	if (code) {
		mount_stop();
		return code;
	}
	mount_tune();
	vex_info("%s is mirrored at %s", mirror.options.source, mirror.mountpoint);
	daemon_ready(0);
	wait_for_end(signals);
	reverse_stop();
	trim_stop();
	emit_stop();
	return VEX_EXIT_OK;
}

int main(int argc, char **argv)
{
	int code;

	vex_log_setup("vex-fuse", VEX_LOG_INFO, false);
	code = options_parse(&mirror.options, argc, argv);
	if (code >= 0)
		return code;
	code = prepare();
	if (!code && mirror.options.daemon)
		code = daemon_start();
	if (!code)
		code = run();
	daemon_ready(code);
	/* Threads that wait for locks may be left: the process ends with all it holds. */
	_exit(code);
}
