/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that builds and frees rule sets, so that the main core goes on attaching and beating
 * meanwhile. It runs where no worker does. All functions: main core.
 */
#ifndef VEX_DATAPLANE_RULES_THREAD_H
#define VEX_DATAPLANE_RULES_THREAD_H

#include "dataplane/rules.h"

struct rules_thread;

/** 0 or a negative errno. */
int rules_thread_start(struct plane *plane, struct rules_thread **thread);

/** Waits for what it is at; a set that nobody took is freed. NULL is good. */
void rules_thread_stop(struct rules_thread *thread);

/** Readable once a set was built, or could not be. */
int rules_thread_fd(const struct rules_thread *thread);

/**
 * Has a set built, out of fd, which is closed then (-1: none, to unload). -EBUSY where one is
 * being built, or waits to be taken; fd is then left alone.
 */
int rules_thread_build(struct rules_thread *thread, int fd, const struct vex_message *message);

/** What came of it. -EAGAIN: nothing yet. Otherwise as rules_build(). */
int rules_thread_take(struct rules_thread *thread, struct ruleset **set, char *reason);

/** Has a set freed that is not in force any more. NULL is good. */
void rules_thread_retire(struct rules_thread *thread, struct ruleset *set);

#endif
