/* SPDX-License-Identifier: BSD-3-Clause */
/* kmod/record.c as it stands, in user space, where sanitizers look at it. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi/record.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

bool tap_record_valid(const struct vex_record *record, u32 available);

#include "../../kmod/record.c"
