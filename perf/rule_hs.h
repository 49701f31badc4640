/* SPDX-License-Identifier: BSD-3-Clause */
/* The peer of matching: one bare scan of a path for all patterns at once. */
#ifndef VEX_PERF_RULE_HS_H
#define VEX_PERF_RULE_HS_H

#include "rule_sets.h"

struct rule_hs;

/** 0, or -EIO with a log line. */
int rule_hs_new(const struct rule_globs *globs, struct rule_hs **out);
void rule_hs_free(struct rule_hs *hs);

/** Scans each path once; how many patterns were found. */
unsigned rule_hs_scan(const struct rule_hs *hs, const struct rule_paths *paths);

#endif
