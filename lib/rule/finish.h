/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VEX_RULE_FINISH_H
#define VEX_RULE_FINISH_H

#include "rule/load.h"

/** Makes the set out of all definitions: checks macros and rules. What is wrong is said. */
void finish_set(struct load *load);

#endif
