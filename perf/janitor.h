/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that must not outlive the benchmark: child processes, mounts and temporary
 * directories. Whatever is still there when the program ends, or is told to end by SIGINT,
 * SIGTERM or SIGHUP, is stopped, unmounted and removed. Children are known by their ids alone
 * and die with the thread that started them, which is to be the main one.
 */
#ifndef VEX_PERF_JANITOR_H
#define VEX_PERF_JANITOR_H

#include <stdbool.h>
#include <sys/types.h>

#define JANITOR_PATH_MAX 256

/** Blocks the signals for all threads and waits for them in one; first thing of main(). */
int janitor_start(void);

/**
 * Starts argv[0] (looked for in PATH) with its output in the file log. Returns its id, or a
 * negative errno with a log line.
 */
pid_t janitor_spawn(const char *const argv[], const char *log);

/** Whether the child still runs. */
bool janitor_alive(pid_t pid);

/** SIGTERM, and SIGKILL after five seconds; waits for the end. pid <= 0 is fine. */
void janitor_stop(pid_t pid);

/** Makes a directory under base; path gets its name. 0 or a negative errno, with a log line. */
int janitor_tempdir(const char *base, char path[JANITOR_PATH_MAX]);

/** Removes such a directory and all below it. An empty path is fine. */
void janitor_remove(const char *path);

/** Remembers that something is to be mounted there; unmounts it. An empty path is fine. */
int janitor_mount(const char *path);
void janitor_unmount(const char *path);

/** Shows the last lines of a child's output on stderr. */
void janitor_show_log(const char *log);

#endif
