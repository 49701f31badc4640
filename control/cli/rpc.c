/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/rpc.h"

#include "cli/commands.h"

json_t *rpc_call(const char *method, json_t *params)
{
	struct wire_client *client = NULL;
	struct wire_failure failure;
	json_t *result = NULL;

	if (wire_client_open(vexctl.control_socket, RPC_TIMEOUT_MS, &client, &failure) < 0 ||
			wire_client_call(client, method, params, &result, &failure) < 0)
		vex_error("%s", failure.text);
	wire_client_close(client);
	json_decref(params);
	return result;
}

void rpc_print(const json_t *result)
{
	json_dumpf(result, stdout, JSON_COMPACT);
	putchar('\n');
}

int rpc_no_arguments(int argc, char **argv)
{
	if (argc == 1)
		return 0;
	vex_error("%s: '%s' is not expected; try 'vexctl %s --help'", argv[0], argv[1], argv[0]);
	return VEX_EXIT_USAGE;
}
