/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers to large reads, spliced: pages of the file beneath go into a pipe of this thread by
 * reference, and out of it to the kernel with one copy instead of two.
 */
#ifndef VEX_FUSE_SPLICE_H
#define VEX_FUSE_SPLICE_H

#include "mirror.h"

/** Below it, two system calls more cost as much as the copy. */
#define SPLICE_MIN (64u << 10)

/** A thread's pipe; none held: {-1, -1}. */
struct splice_pipe {
	int in;
	int out;
	size_t room; /**< bytes of a file that fit behind the answer's header, wherever they begin */
};

/** Without a pipe, or with a small one, reads are copied: no error. */
void splice_open(struct splice_pipe *pipe);
void splice_close(struct splice_pipe *pipe);

/**
 * Answers a read of size bytes at off. Returns what was read, or -1 where nothing was answered:
 * too little is there, or what lies beneath can't splice; then the caller reads and answers.
 * device is the session's descriptor, unique the request's number.
 */
ssize_t splice_reply(struct splice_pipe *pipe, int device, uint64_t unique, int fd, size_t size,
		off_t off);

#endif
