/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vex-dataplane's own options: what stands behind "--" on its command line, over what stands in
 * its configuration file, over the defaults.
 */
#ifndef VEX_DATAPLANE_OPTIONS_H
#define VEX_DATAPLANE_OPTIONS_H

#include "abi/tap.h"
#include "base/log.h"
#include "dataplane/plane.h"
#include "dataplane/server.h"

/** The default, and only while a rule set is loaded. */
#define OPTIONS_BACKLOG_UNSAID UINT32_MAX
#define OPTIONS_RETURN_RATE_MAX 10000000u
#define OPTIONS_RULES_WAIT_MAX 600000u

struct options {
	char socket[108];
	const char *config; /**< path, or NULL */
	bool check_config;
	bool allow_anyone; /* by option, whatever the file says */
	bool log_json;
	enum vex_log_level log_level;
	enum idle_strategy idle;
	uint32_t spin_us; /**< empty rounds before a worker sleeps; 0 to 1,000,000 */
	uint32_t settle_ms; /* lanes that outlived a data plane wait so long for subscribers */
	uint32_t rules_wait_ms; /* no lane is polled before rules come, or so much time is over */
	uint32_t node;
	uint64_t ring_max;
	uint64_t lane_memory;
	char kernel_tap[108]; /**< path of the module's device; empty: none */
	uint64_t kernel_ring;
	uint32_t kernel_return_rate; /**< events a second */
	struct vex_tap_select kernel_select; /**< all zero: everything */
	char rules_image[4096]; /**< path; empty: none */
	struct plane_sizes sizes;
	uint32_t backlog; /* events; or OPTIONS_BACKLOG_UNSAID */
	struct access access;
};

void options_defaults(struct options *options);

/**
 * Reads argv[1] to argv[argc - 1], and the file that --config names. Returns -1 to go on, or
 * the exit code: VEX_EXIT_OK after --help or --version, VEX_EXIT_USAGE or VEX_EXIT_CONFIG after
 * one clear line on stderr.
 */
int options_parse(struct options *options, int argc, char **argv);

/**
 * Reads the file of the given options anew: who may attach, and what of the kernel is selected, are
 * right in fresh then. Returns 0, or -1 with a sentence in why.
 */
int options_reload(const struct options *options, struct options *fresh, char *why, size_t cap);

void options_usage(void);
void options_version(void);

#endif
