/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations of known number, for stress and for measuring. */
#ifndef TESTS_KMOD_WORK_H
#define TESTS_KMOD_WORK_H

#include <stdint.h>

#include "abi/record.h"

struct work_count {
	uint64_t of[VEX_TYPE_LIMIT]; /**< operations that were asked for, by type */
};

/** One round of every kind of operation in this folder, in files of names that begin with tag. */
void work_round(const char *folder, unsigned tag, struct work_count *count);

#endif
