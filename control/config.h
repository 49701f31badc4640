/* SPDX-License-Identifier: BSD-3-Clause */
/* vex-control's configuration: a YAML file, every key of which is optional. */
#ifndef VEX_CONTROL_CONFIG_H
#define VEX_CONTROL_CONFIG_H

#include <stdbool.h>
#include <sys/un.h>

#include "base/log.h"
#include "conf/conf.h"

#define CONFIG_STATE_DEFAULT "/var/lib/vexplane"
#define CONFIG_STATE_MAX 200u
#define CONFIG_HISTORY_MAX 10000u
#define CONFIG_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

struct config {
	char socket[CONFIG_PATH_MAX];      /**< socket: where vexctl finds us */
	char data_socket[CONFIG_PATH_MAX]; /**< data_socket: where the data plane is found */
	unsigned log_json;                 /**< log: {format: text | json} */
	unsigned log_level;                /**< log: {level: ...}; enum vex_log_level */
	struct conf_ids users;             /**< allow: {users: [...]} may read, besides root */
	struct conf_ids groups;            /**< allow: {groups: [...]} likewise */
	char state_dir[CONFIG_STATE_MAX];  /**< state_dir: where versions of the rules are kept */
	struct conf_paths rules;           /**< rules: [...] files and folders of rules */
	uint32_t history;                  /**< history: versions that are kept at most */
	uint64_t history_bytes;            /**< history_bytes: and what they take at most */
};

void config_defaults(struct config *config);

/**
 * Sets what the file sets and leaves the rest. Returns 0, or -1 with a sentence in why that
 * names file and line; config is then half changed.
 */
int config_load(struct config *config, const char *file, char *why, size_t cap);

#endif
