/* SPDX-License-Identifier: BSD-3-Clause */
/* What a program does to a mounted file system, so that its daemon is asked each time. */
#ifndef VEX_PERF_FUSE_LOAD_H
#define VEX_PERF_FUSE_LOAD_H

#include "bench.h"

enum fuse_metric {
	FUSE_CREATE,
	FUSE_STAT,
	FUSE_READ_4K,
	FUSE_WRITE_4K,
	FUSE_UNLINK,
	FUSE_SEQ_READ,
	FUSE_SEQ_WRITE,
	FUSE_METRIC_COUNT,
};

/** Puts the file that is read into the source directory. 0 or a negative errno, logged. */
int fuse_load_prepare(const char *source);

/**
 * All operations once, by one thread, through mount, beneath which source lies. Leaves both as
 * they were. values: operations or bytes a second. 0 or a negative errno, with a log line.
 */
int fuse_load_run(const struct bench_env *env, const char *source, const char *mount,
		double values[FUSE_METRIC_COUNT]);

#endif
