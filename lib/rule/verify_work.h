/* SPDX-License-Identifier: BSD-3-Clause */
/* What the verifier works on. Private to lib/rule. */
#ifndef VEX_RULE_VERIFY_WORK_H
#define VEX_RULE_VERIFY_WORK_H

#include "rule/image.h"
#include "rule/rule.h"
#include "rule/verify.h"

struct verify {
	const struct rule_image *image;
	uint8_t *starts; /**< bit of each word of NODES: a group begins there */
	enum rule_field_id ids[RULE_IMAGE_FIELDS_MAX];
};

static inline uint64_t verify_count(const struct verify *verify, enum rule_image_part part)
{
	return verify->image->parts[part].count;
}

static inline bool verify_within(const struct verify *verify, enum rule_image_part part,
		uint64_t first, uint64_t count)
{
	uint64_t total = verify_count(verify, part);

	return first <= total && count <= total - first;
}

static inline bool verify_text(const struct verify *verify, const struct rule_image_text *text)
{
	return verify_within(verify, RULE_PART_TEXT, text->offset, text->len);
}

/** Targets, groups, limits, redactions, classes, quotas and programs; fields were looked at. */
bool verify_decisions(const struct verify *verify, const char **why);

#endif
