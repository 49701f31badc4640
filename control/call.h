/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls: who may make them, what they take, and what is done with them. */
#ifndef VEX_CONTROL_CALL_H
#define VEX_CONTROL_CALL_H

#include "wire/server.h"

/** The server's operations; their context is a struct control. */
extern const struct wire_server_ops control_calls;

#endif
