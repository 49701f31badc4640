/* SPDX-License-Identifier: BSD-3-Clause */
/* How many decisions are found in the cache, of a recorded build's events. */
#ifndef VEX_PERF_RULE_RATE_H
#define VEX_PERF_RULE_RATE_H

#include "rule/match.h"

/** Records of a capture, in the order in which they were delivered. */
struct rule_recording {
	struct vex_record **records;
	unsigned count;
};

/** Reads a capture file. 0 or a negative errno, with a log line. */
int rule_recording_read(struct rule_recording *recording, const char *path);
void rule_recording_free(struct rule_recording *recording);

/**
 * Matches all events in bursts of RULE_BURST_MAX against 1,000 mixed rules of paths of theirs,
 * from an empty cache of the data plane's size on. plain: as on a processor without AVX-512. 0 or a
 * negative errno, with a log line.
 */
int rule_rate_measure(
	const struct rule_recording *recording, bool plain, struct rule_worker_counts *counts);

/** Of the recorded build, as it is used here: hits by events. 0 or a negative errno. */
int rule_rate_of_build(double *rate);

#endif
