/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes in JSON: base64 of RFC 4648, padded. Pure. */
#ifndef VEX_CONTROL_BASE64_H
#define VEX_CONTROL_BASE64_H

#include <stddef.h>

/** To be freed; NULL where memory is short. */
char *base64_encode(const void *data, size_t size);

/** To be freed; NULL where text is none, or memory is short. */
void *base64_decode(const char *text, size_t len, size_t *size);

#endif
