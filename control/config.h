/* SPDX-License-Identifier: BSD-3-Clause */
/* vex-control's configuration: a YAML file, every key of which is optional. */
#ifndef VEX_CONTROL_CONFIG_H
#define VEX_CONTROL_CONFIG_H

#include <stdbool.h>
#include <sys/un.h>

#include "base/log.h"
#include "conf/conf.h"

#define CONFIG_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

struct config {
	char socket[CONFIG_PATH_MAX];      /**< socket: where vexctl finds us */
	char data_socket[CONFIG_PATH_MAX]; /**< data_socket: where the data plane is found */
	unsigned log_json;                 /**< log: {format: text | json} */
	unsigned log_level;                /**< log: {level: ...}; enum vex_log_level */
	struct conf_ids users;             /**< allow: {users: [...]} may read, besides root */
	struct conf_ids groups;            /**< allow: {groups: [...]} likewise */
};

void config_defaults(struct config *config);

/**
 * Sets what the file sets and leaves the rest. Returns 0, or -1 with a sentence in why that
 * names file and line; config is then half changed.
 */
int config_load(struct config *config, const char *file, char *why, size_t cap);

#endif
