/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of the kernel's operations is wanted (abi/tap.h), by words, as vexctl, the control protocol
 * and configuration files have them: lists of values by key. A selection of all zero is everything.
 *
 *   type     of event, or a category: create, file
 *   path     a folder, and what is in it: /srv
 *   device   8:1, or a path: the device that it is on
 *   uid      a user's name or number
 *   pid      a process and its children
 *   cgroup   its folder, or that folder's inode; and those beneath
 *
 * Users, devices and cgroups are looked up at once. Not thread-safe for that.
 */
#ifndef VEX_TAP_SELECT_H
#define VEX_TAP_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/tap.h"

#define VEX_SELECT_VALUE_MAX VEX_TAP_PREFIX_LEN

/** The keys, in the order above; ends in NULL. */
extern const char *const vex_select_keys[];

/** Adds a value. 0, or -1 with a sentence in why. */
int vex_select_add(struct vex_tap_select *select, const char *key, const char *value, char *why,
		size_t cap);

/** The value number index of a key, into out (VEX_SELECT_VALUE_MAX bytes); false beyond the last. */
bool vex_select_value(const struct vex_tap_select *select, const char *key, unsigned index,
		char *out);

#endif
