/* SPDX-License-Identifier: BSD-3-Clause */
/* A rule image as the data plane takes it: in a memfd that nobody can change any more. */
#ifndef VEX_CONTROL_RULES_IMAGE_H
#define VEX_CONTROL_RULES_IMAGE_H

#include "rule/image.h"

/** Mapped; data is NULL where there is none. */
struct rules_image {
	int fd;
	const struct rule_image *data;
	size_t size;
};

/** Copies an image, seals it, and verifies the copy. A negative errno with a sentence in why. */
int rules_image_seal(const void *image, size_t size, struct rules_image *sealed, char *why,
		size_t cap);

void rules_image_free(struct rules_image *image);

#endif
