/* SPDX-License-Identifier: BSD-3-Clause */
/* The peer of 64 filters: as many programs, compiled by rte_bpf, called one after the other. */
#ifndef VEX_PERF_RULE_BPF_H
#define VEX_PERF_RULE_BPF_H

#include "abi/record.h"

/**
 * Nanoseconds an event of 64 calls: the filters of rule_sets_filters(). What they compare was
 * taken out of the records before and is not counted. 0 or a negative errno, with a log line.
 */
int rule_bpf_measure(const struct vex_record *const *records, unsigned count, double *ns);

#endif
