/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's reverse lane: a subscription of our own, under the name "kernel", to what rules
 * lead to boundary:kernel. Workers write to its lanes as to any other's; a thread of its own
 * takes the events out and writes them to the module's device. Where the module limits their rate
 * they wait in the lanes, and what finds no room there fares as its class says. What the kernel
 * has seen itself is not asked for, so that there is no echo.
 */
#ifndef VEX_DATAPLANE_REVERSE_H
#define VEX_DATAPLANE_REVERSE_H

#include <stdint.h>

struct reverse;

/**
 * Begins to attach at the data plane's own socket, which must be served meanwhile. The module
 * takes so many records a second (0: its default), and raises fsnotify for them. The device
 * stays the caller's. 0 or a negative errno; main core.
 */
int reverse_open(int device, const char *socket, uint32_t rate, struct reverse **reverse);

/** 1 once it is attached, 0 while it is not yet, a negative errno where it can't be; logged. */
int reverse_attached(const struct reverse *reverse);

/** Before the socket is closed: what its lanes hold is then sent, but not waited for. */
void reverse_stop(struct reverse *reverse);

/** After the socket was closed. NULL is fine. */
void reverse_close(struct reverse *reverse);

#endif
