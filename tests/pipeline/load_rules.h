/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts rules in force, from their text. */
#ifndef VEX_TESTS_LOAD_RULES_H
#define VEX_TESTS_LOAD_RULES_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/rules.h"
#include "fixture.h"
#include "support/image.h"

/* Of the set in force. */
static uint64_t rules_generation;

static inline void load_rules(const char *text)
{
	struct vex_message message = {.type = VEX_MESSAGE_RULES};
	char reason[VEX_REASON_MAX];
	void *image = image_of(text, &message.rules.size);
	int fd = image ? image_pass(image, message.rules.size, IMAGE_SEALS) : -1;

	CU_ASSERT_FATAL(fd >= 0);
	message.rules.generation = ++rules_generation;
	CU_ASSERT_EQUAL_FATAL(rules_load(plane, fd, &message, reason), 0);
	CU_ASSERT_EQUAL(message.done.generation, rules_generation);
	close(fd);
	free(image);
}

static inline void unload_rules(void)
{
	struct vex_message message = {.type = VEX_MESSAGE_RULES};
	char reason[VEX_REASON_MAX];

	CU_ASSERT_EQUAL(rules_load(plane, -1, &message, reason), 0);
}

#endif
