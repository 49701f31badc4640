/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of rules to sealed images, as vex-control passes them. */
#ifndef VEX_TESTS_SUPPORT_IMAGE_H
#define VEX_TESTS_SUPPORT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/** Compiles a text. The image is to be freed with free(); NULL after saying why on stderr. */
void *image_of(const char *text, size_t *size);

/** The same of a file. */
void *image_of_file(const char *path, size_t *size);

/** Writes an image to a file. 0 or -EIO. */
int image_write(const char *path, const void *image, size_t size);

/** A memfd that holds these bytes, with these seals (F_SEAL_...); or -1. */
int image_pass(const void *image, size_t size, int seals);

/** As it must be. */
#define IMAGE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

#endif
