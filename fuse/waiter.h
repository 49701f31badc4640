/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests that may wait for long: each has a thread of its own while it does, so that
 * waiting for a lock never keeps the workers from others. Bounded: beyond WAITERS_MAX such a
 * request fails with ENOLCK. A signal to the caller ends its waiting.
 */
#ifndef VEX_FUSE_WAITER_H
#define VEX_FUSE_WAITER_H

#include "mirror.h"

#define WAITERS_MAX 1024u

/** Waits, and returns 0 or an errno; EINTR where a signal came. Runs in the new thread. */
typedef int (*waiter_call)(void *arg);

/** Answers the request, emits its event, and frees arg. Runs in the new thread. */
typedef void (*waiter_done)(fuse_req_t req, void *arg, int err);

/** Once, before threads. 0, or a negative errno. */
int waiter_setup(void);

/** 0, or an errno: then neither function was called, nor will be. */
int waiter_start(fuse_req_t req, waiter_call call, waiter_done done, void *arg);

#endif
