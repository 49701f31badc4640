/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel module's device (abi/tap.h) as a port like any other: its lanes are mapped instead of
 * passed, and its file wakes the worker. Main core only. Functions return 0 or a negative errno,
 * and log why.
 */
#ifndef VEX_DATAPLANE_TAP_H
#define VEX_DATAPLANE_TAP_H

#include "abi/tap.h"
#include "dataplane/options.h"

struct tap;

/** Attaches; from here on events flow. -ENODEV: the module is not loaded; -EBUSY: another reads. */
int tap_open(struct plane *plane, const struct options *options, struct tap **tap);

/** Asks for this from now on; the processes that are left out stay. Where it fails nothing changes. */
int tap_select(struct tap *tap, const struct vex_tap_select *want);

/** Hooks come off, or on again. */
int tap_enable(struct tap *tap, bool enabled);

/**
 * Leaves these processes out from now on, beside our own: what is told to them would make them
 * act again. At most VEX_TAP_EXCLUDED_MAX are; further ones are heard. Cheap where nothing changed.
 */
int tap_exclude(struct tap *tap, const uint32_t *pids, uint32_t count);

/** Shows in the statistics what the module counted, and what it is asked for. */
void tap_count(struct tap *tap);

/** The device's file, as long as the tap is open. */
int tap_device(const struct tap *tap);

/** Ends the flow: what the lanes hold is still delivered. The port then goes as any that drains. */
void tap_stop(struct tap *tap);

/** Frees what is ours; the port was freed. NULL is fine. */
void tap_close(struct tap *tap);

#endif
