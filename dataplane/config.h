/* SPDX-License-Identifier: BSD-3-Clause */
/* vex-dataplane's configuration: a YAML file, every key of which is optional. */
#ifndef VEX_DATAPLANE_CONFIG_H
#define VEX_DATAPLANE_CONFIG_H

#include "dataplane/options.h"

/**
 * Sets what the file sets and leaves the rest. Returns 0, or -1 with a sentence in why that
 * names file and line.
 */
int config_load(struct options *options, const char *file, char *why, size_t cap);

#endif
