/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads on a processor of their own; the calling thread's own affinity stays as it is. */
#ifndef VEX_PERF_PINNED_H
#define VEX_PERF_PINNED_H

#include <pthread.h>

/** Starts a thread on this processor. 0 or a negative errno, with a log line. */
int pinned_start(pthread_t *thread, int cpu, void *(*fn)(void *), void *arg);

/** Runs fn on this processor, waits for it, and returns what it returned. */
int pinned_run(int cpu, int (*fn)(void *), void *arg);

/** The first two processors that this process may use; -ENODEV with a log line if just one. */
int pinned_pick(int cpu[2]);

#endif
