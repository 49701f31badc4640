/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <string.h>

#include "abi/handshake.h"
#include "control_socket.h"

void config_defaults(struct config *config)
{
	memset(config, 0, sizeof(*config));
	strcpy(config->socket, CONTROL_SOCKET_DEFAULT);
	strcpy(config->data_socket, VEX_SOCKET_DEFAULT);
	strcpy(config->state_dir, CONFIG_STATE_DEFAULT);
	config->history = 100;
	config->history_bytes = 4ull << 30;
	config->log_level = VEX_LOG_INFO;
}

int config_load(struct config *config, const char *file, char *why, size_t cap)
{
	static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
	static const char *const formats[] = {"text", "json", NULL};
	const struct conf_key allow[] = {
		{"users", CONF_USERS, &config->users},
		{"groups", CONF_GROUPS, &config->groups},
		{0},
	};
	const struct conf_key log[] = {
		{"level", CONF_WORD, &config->log_level, .words = levels},
		{"format", CONF_WORD, &config->log_json, .words = formats},
		{0},
	};
	const struct conf_key keys[] = {
		{"socket", CONF_PATH, config->socket, 0, sizeof(config->socket)},
		{"data_socket", CONF_PATH, config->data_socket, 0, sizeof(config->data_socket)},
		{"state_dir", CONF_PATH, config->state_dir, 0, sizeof(config->state_dir)},
		{"rules", CONF_PATHS, &config->rules},
		{"history", CONF_U32, &config->history, 1, CONFIG_HISTORY_MAX},
		{"history_bytes", CONF_U64, &config->history_bytes, 0, UINT64_MAX},
		{"allow", CONF_MAP, .keys = allow},
		{"log", CONF_MAP, .keys = log},
		{0},
	};

	return conf_load(keys, file, why, cap);
}
