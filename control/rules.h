/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules in force: which version they are, the change that is under way, and what the data
 * plane was given. One change at a time; whoever comes meanwhile is told so.
 *
 * A change is read, parsed, compiled and written beside the other versions in a work thread, then
 * handed to the data plane, and only when that has taken it the version gets its name. The number
 * of a version is the generation that events bear. Where anything fails, nothing has changed.
 */
#ifndef VEX_CONTROL_RULES_H
#define VEX_CONTROL_RULES_H

#include "control.h"

/**
 * Opens the store of the configuration's state_dir, and begins to read the newest version. Where
 * the store can't be opened, that is logged, and changes are refused with the reason. -ENOMEM.
 */
int rules_start(struct control *control, struct rules **rules);

/** The loop must run on until what is under way has ended. */
void rules_stop(struct rules *rules);

/** Once nothing is under way any more. NULL is fine. */
void rules_free(struct rules *rules);

/** A data plane was found: it is given what is in force. */
void rules_plane_found(void *rules);

/** Loads the files that the configuration names, where it names any. */
void rules_reload(struct rules *rules);

#endif
