/* SPDX-License-Identifier: BSD-3-Clause */
/* Events out of JSON, as vexctl tail --json writes them, or as people do. */
#ifndef VEX_CONTROL_CLI_EVENT_JSON_H
#define VEX_CONTROL_CLI_EVENT_JSON_H

#include <jansson.h>

#include "event/event.h"

#define EVENT_JSON_WHY_MAX 200u

/**
 * Reads one JSON value and nothing behind it. A whole number that jansson can't hold becomes a string
 * of its digits, which event_from_json() takes for one. NULL with what is wrong in error.
 */
json_t *event_json_parse(const char *text, size_t len, json_error_t *error);

/**
 * Makes a checked record of an object, to be freed. "type" must be there; what is missing is 0
 * or not there, but start_ns, which is now. NULL with a sentence in why: a key that is unknown, a
 * value of a wrong kind, an event that is too large.
 */
struct vex_record *event_from_json(const json_t *root, char why[EVENT_JSON_WHY_MAX]);

#endif
