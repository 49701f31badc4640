/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether an image may be used. */
#ifndef VEX_RULE_VERIFY_H
#define VEX_RULE_VERIFY_H

#include "rule/image.h"

/**
 * Looks through the whole of an image of size bytes that anyone may have written: its checksum,
 * and that nothing in it leads beyond it or round in circles. It must be aligned to 8 bytes and
 * must not change from then on. Returns 0, -ENOMEM, or -EBADMSG; *why then says what is wrong.
 *
 * Databases of Hyperscan are checked by the checksum and by Hyperscan itself, when they are
 * loaded; nobody can tell what one that was forged on purpose does. Take images from whom you
 * would take rules from.
 */
int rule_image_verify(const void *image, size_t size, const char **why);

#endif
