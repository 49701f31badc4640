/* SPDX-License-Identifier: BSD-3-Clause */
/* vex-control's configuration: a YAML file, every key of which is optional. */
#ifndef VEX_CONTROL_CONFIG_H
#define VEX_CONTROL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/log.h"

#define CONFIG_ALLOWED_MAX 64u
#define CONFIG_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

struct config {
	char socket[CONFIG_PATH_MAX];      /**< socket: where vexctl finds us */
	char data_socket[CONFIG_PATH_MAX]; /**< data_socket: where the data plane is found */
	bool log_json;                     /**< log: {format: text | json} */
	enum vex_log_level log_level;      /**< log: {level: error | warning | info | debug} */
	unsigned uid_count; /**< allow: {users: [name or number, ...]} may read */
	unsigned gid_count; /**< allow: {groups: [...]} likewise */
	uid_t uids[CONFIG_ALLOWED_MAX];
	gid_t gids[CONFIG_ALLOWED_MAX];
};

void config_defaults(struct config *config);

/**
 * Sets what the file sets and leaves the rest. Returns 0, or -1 with a sentence in text that
 * names file and line; config is then half changed.
 */
int config_load(struct config *config, const char *file, char *text, size_t cap);

#endif
