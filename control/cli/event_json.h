/* SPDX-License-Identifier: BSD-3-Clause */
/* Events out of JSON, as vexctl tail --json writes them, or as people do. */
#ifndef VEX_CONTROL_CLI_EVENT_JSON_H
#define VEX_CONTROL_CLI_EVENT_JSON_H

#include <jansson.h>

#include "event/event.h"

#define EVENT_JSON_WHY_MAX 200u

/**
 * Makes a checked record of an object, to be freed. "type" must be there; what is missing is 0
 * or not there, but start_ns, which is now. NULL with a sentence in why: a key that is unknown, a
 * value of a wrong kind, an event that is too large.
 */
struct vex_record *event_from_json(const json_t *root, char why[EVENT_JSON_WHY_MAX]);

#endif
