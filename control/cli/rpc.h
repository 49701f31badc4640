/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls to vex-control, and the check of what a command was given. */
#ifndef VEX_CONTROL_CLI_RPC_H
#define VEX_CONTROL_CLI_RPC_H

#include "wire/client.h"

/** Longer than vex-control waits for the data plane. */
#define RPC_TIMEOUT_MS 10000u

/**
 * Calls and waits. A new reference, or NULL where it failed, with the reason on stderr. params
 * is taken over and may be NULL.
 */
json_t *rpc_call(const char *method, json_t *params);

/** Prints a result as JSON, on one line. */
void rpc_print(const json_t *result);

/** 0, or VEX_EXIT_USAGE with a message where argv holds more than the command's name. */
int rpc_no_arguments(int argc, char **argv);

#endif
