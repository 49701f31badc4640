/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who asks: the kernel names a thread, /proc knows the rest. A bounded cache keeps what was
 * read; an entry is used without another look for CALLER_TRUST_NS, then asked whether its
 * thread still lives and still bears its name. Thread-safe.
 */
#ifndef VEX_FUSE_CALLER_H
#define VEX_FUSE_CALLER_H

#include <stdint.h>
#include <sys/types.h>

#define CALLER_TRUST_NS 300000u /* a program takes longer to become another by exec */

struct caller {
	uint32_t tid;
	uint32_t pid;  /**< of the process; tid where the thread is gone already */
	uint32_t ppid; /**< 0: not known */
	uint32_t uid;
	uint32_t gid;
	uint32_t comm_len;
	char comm[16];
};

/** tid 0 (the kernel's own requests) leaves all but uid and gid zero. */
void caller_find(pid_t tid, uid_t uid, gid_t gid, uint64_t now_ns, struct caller *caller);

void caller_teardown(void);

#endif
