/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What --where says: conditions, separated by commas, that an event must meet all; each a key
 * and values, separated by bars, of which one suffices.
 *
 *   type=create|rename       types, or categories for all of their types
 *   boundary=kernel|fuse
 *   path=*.csv               globs (glob.h), for either path of the event; one without a slash is
 *                            for the last name in the path
 *   comm=python*             globs
 *   pid=1234
 *   uid=1000|alice           numbers or names of users
 *
 * A backslash takes its meaning from a comma or a bar.
 */
#ifndef VEX_CONTROL_CLI_WHERE_H
#define VEX_CONTROL_CLI_WHERE_H

#include <stdbool.h>

#include "abi/handshake.h"
#include "event/event.h"

#define WHERE_CONDITIONS_MAX 32u
#define WHERE_VALUES_MAX 32u /**< of one condition */
#define WHERE_ERROR_MAX 256u

struct where_condition;

/** All zero is: everything. */
struct where {
	struct vex_filter filter; /**< what of it a subscription can ask for */
	struct where_condition *conditions[WHERE_CONDITIONS_MAX]; /**< the rest */
	unsigned count;
	/** The name of the rule that led an event here, or NULL; to be set where wants_rules is. */
	const char *(*rule_name)(const struct vex_event *event);
	bool wants_rules; /**< a condition asks for it */
};

/**
 * Adds the conditions of one --where. 0; -EINVAL or -ENOMEM with a sentence in error, then where
 * is still to be cleared.
 */
int where_add(struct where *where, const char *text, char error[WHERE_ERROR_MAX]);

/** Frees what where_add() took; where is everything again. */
void where_clear(struct where *where);

/** Whether the event meets every condition. A GAP always does. */
bool where_match(const struct where *where, const struct vex_event *event);

#endif
