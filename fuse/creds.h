/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Acting for the caller. The kernel has checked permissions before a request comes here, with
 * all it knows of the caller; what is left is that new files belong to the caller, and that
 * set-id bits fall where the caller may not keep them.
 *
 * Each thread therefore takes on the caller's file-system ids and umask, and keeps its
 * capabilities while it does (SECBIT_NO_SETUID_FIXUP). Ids are changed when they differ from
 * the last caller's, so a single user costs no system call.
 */
#ifndef VEX_FUSE_CREDS_H
#define VEX_FUSE_CREDS_H

#include <stdbool.h>

#include "mirror.h"

/**
 * Once, before threads, and after limits were raised: CAP_SYS_RESOURCE is given up. Sets
 * mirror.privileged. 0, or a negative errno.
 */
int creds_setup(void);

/** Once in each thread that serves requests: gives it a umask of its own. */
int creds_thread(void);

/** Files that this thread makes from now on are the caller's. */
void creds_become(const struct fuse_ctx *ctx);

/** Likewise, for what makes none: the caller's ids decide on space that is kept for others. */
void creds_become_user(const struct fuse_ctx *ctx);

/** Whether writing to this file on behalf of an ordinary caller must take set-id bits off. */
bool creds_kills_setid(int fd);

/**
 * From here to creds_restore() the thread is in the caller's groups alone and has no
 * CAP_FSETID, so that the file system beneath takes set-id bits off as it would for the caller.
 */
void creds_give_up_setid(fuse_req_t req);
void creds_restore(void);

#endif
