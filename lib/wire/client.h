/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calling side of the control protocol: blocking, one call at a time, with a bound on how
 * long each takes. A client belongs to one thread at a time.
 */
#ifndef VEX_WIRE_CLIENT_H
#define VEX_WIRE_CLIENT_H

#include "wire/message.h"

struct wire_client;

/**
 * Connects to the unix socket at path; each call may then take timeout_ms. Returns 0, or a
 * negative errno (-ENOENT, -ECONNREFUSED: nobody is there; -EACCES: not allowed) with a
 * sentence in failure. wire_client_close() accepts NULL.
 */
int wire_client_open(const char *path, unsigned timeout_ms, struct wire_client **client,
		struct wire_failure *failure);
void wire_client_close(struct wire_client *client);

/**
 * Calls method and waits for the answer. params is borrowed and may be NULL. Returns 0 with
 * *result, a new reference; -EREMOTEIO where the other side answered with a failure; another
 * negative errno where no answer came (-ETIMEDOUT, -ECONNRESET, -EBADMSG). failure is filled
 * in each of these cases.
 */
int wire_client_call(struct wire_client *client, const char *method, json_t *params,
		json_t **result, struct wire_failure *failure);

/**
 * The same in two steps, for calls that take long: sends the request and size bytes behind it,
 * which may be none; then waits. Both are borrowed. Returns 0 or a negative errno with failure.
 */
int wire_client_begin(struct wire_client *client, const char *method, json_t *params,
		const void *bytes, size_t size, struct wire_failure *failure);

/** As wire_client_call(). After -ETIMEDOUT the answer may be waited for again. */
int wire_client_wait(struct wire_client *client, unsigned timeout_ms, json_t **result,
		struct wire_failure *failure);

#endif
