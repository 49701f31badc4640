/* SPDX-License-Identifier: BSD-3-Clause */
/* What limits and redactions cost an event, by themselves. */
#ifndef VEX_PERF_RULE_LIMITS_H
#define VEX_PERF_RULE_LIMITS_H

#include <stdint.h>

#include "abi/record.h"

/** Nanoseconds an event of a suppression and a rate, each by a key. 0 or a negative errno. */
int rule_limits_measure(const struct vex_record *const *records, unsigned count, double *ns);

/** Nanoseconds an event of two hashes and a mask. 0 or a negative errno. */
int rule_redact_measure(const struct vex_record *const *records, unsigned count, double *ns);

#endif
