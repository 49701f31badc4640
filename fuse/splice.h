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
 * Takes size bytes at off into the pipe, as the answer to the request of this number. Returns
 * what was read, or -1 where too little is there, or what lies beneath can't splice.
 */
ssize_t splice_begin(struct splice_pipe *pipe, uint64_t unique, int fd, size_t size, off_t off);

/**
 * Gives the answer, of size bytes of the file, to the session's descriptor. False where that did
 * not take it: the caller is to read again and answer.
 */
bool splice_reply(struct splice_pipe *pipe, int device, size_t size);

#endif
