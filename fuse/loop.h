/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The threads that take requests from the kernel and hand them to libfuse.
 *
 * libfuse 3.14 knows an older protocol than today's kernels. What it passes over is done
 * here, on the way in and out: O_TMPFILE arrives as a create, set-id bits that must fall are
 * noted, and the answer to INIT turns on what lies beyond the library.
 */
#ifndef VEX_FUSE_LOOP_H
#define VEX_FUSE_LOOP_H

#include "mirror.h"

/** Largest read, write and directory listing. */
#define LOOP_IO_MAX (1u << 18)

/**
 * Starts a thread, which others join as they are needed, up to mirror.options.threads. The
 * session is mounted. 0, or a negative errno.
 */
int loop_start(void);

/** Called now and then by one thread: where all others are stuck, it starts one more. */
void loop_watch(void);

/** Readable once the kernel has let go of the mount. */
int loop_ended_fd(void);

/** Waits for the threads, up to that long; true where all have ended. */
bool loop_join(unsigned int timeout_ms);

/** The request that this thread works on must take set-id bits off the file. */
bool loop_kills_setid(void);

/** LOOP_IO_MAX bytes of this thread, until its request is done. */
void *loop_buffer(void);

/**
 * Reads for the request that this thread works on, without a copy of its own. Returns what was
 * read, which loop_splice_reply() answers with; or -1 where the caller is to read and answer.
 */
ssize_t loop_splice_begin(int fd, size_t size, off_t off);

/** n: what the other one returned. */
void loop_splice_reply(fuse_req_t req, int fd, size_t n, off_t off);

#endif
