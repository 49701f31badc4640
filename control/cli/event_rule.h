/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule that led an event here, by its name, out of the version in vex-control that the event
 * names. For one thread.
 */
#ifndef VEX_CONTROL_CLI_EVENT_RULE_H
#define VEX_CONTROL_CLI_EVENT_RULE_H

#include "event/event.h"
#include "rule/rule.h"

/** Gets the version in force, so that the first event need not wait for it. No matter if it fails. */
void event_rule_begin(void);

/**
 * NULL where no rule matched, or its version can't be had: vex-control is not running, or is that
 * of another data plane. Another version than the last is asked for at most once a second; until
 * then its events have none. Valid until the next call.
 */
const struct rule *event_rule(const struct vex_event *event);

/** Longer ones are cut. */
#define EVENT_OUTPUT_MAX 65536u

/** The output of that rule with the event's values, on the heap; NULL where there is none. */
char *event_rule_output(const struct rule *rule, const struct vex_record *record);

void event_rule_end(void);

#endif
