/* SPDX-License-Identifier: BSD-3-Clause */
/* All parts of an image as one block. */
#include "rule/build.h"

#include <errno.h>
#include <stdlib.h>

#include "rule/index_key.h"

static const struct build_bytes *bytes_of(const struct build *build, enum rule_image_part part)
{
	const struct build_bytes *const all[RULE_PART_COUNT] = {
		[RULE_PART_TEXT] = &build->text.bytes,
		[RULE_PART_FIELDS] = &build->field_names,
		[RULE_PART_VALUES] = &build->values.bytes,
		[RULE_PART_TEXTS] = &build->texts.bytes,
		[RULE_PART_TESTS] = &build->tests.bytes,
		[RULE_PART_NODES] = &build->nodes.bytes,
		[RULE_PART_INPUTS] = &build->inputs.bytes,
		[RULE_PART_RULES] = &build->rules,
		[RULE_PART_RULE_INPUTS] = &build->rule_inputs,
		[RULE_PART_SLOTS] = &build->slots,
		[RULE_PART_POSTINGS] = &build->postings,
		[RULE_PART_SCANS] = &build->scans,
		[RULE_PART_PATTERNS] = &build->patterns,
		[RULE_PART_DATABASES] = &build->databases,
		[RULE_PART_TARGETS] = &build->targets.bytes,
		[RULE_PART_DESTINATIONS] = &build->destinations.bytes,
		[RULE_PART_GROUPS] = &build->groups,
		[RULE_PART_MEMBERS] = &build->members,
		[RULE_PART_KEYS] = &build->keys.bytes,
		[RULE_PART_LIMITS] = &build->limits.bytes,
		[RULE_PART_REDACTS] = &build->redacts.bytes,
		[RULE_PART_CLASSES] = &build->classes,
		[RULE_PART_QUOTAS] = &build->quotas,
		[RULE_PART_PROGRAMS] = &build->programs,
		[RULE_PART_CODE] = &build->code,
		[RULE_PART_SCHEDULES] = &build->schedules,
		[RULE_PART_WINDOWS] = &build->windows,
	};

	return all[part];
}

struct rule_image *build_image(struct build *build, size_t *size)
{
	struct rule_image *image;
	uint64_t offset = (sizeof(*image) + 63) & ~63ull;
	unsigned part;

	build->head.magic = RULE_IMAGE_MAGIC;
	build->head.version = RULE_IMAGE_VERSION;
	for (part = 0; part < RULE_PART_COUNT; part++) {
		build->head.parts[part].offset = offset;
		build->head.parts[part].count =
				bytes_of(build, part)->len / rule_image_item[part];
		offset = (offset + bytes_of(build, part)->len + 63) & ~63ull;
	}
	build->head.size = offset;
	image = aligned_alloc(64, offset);
	if (!image) {
		build->error = -ENOMEM;
		return NULL;
	}
	memset(image, 0, offset);
	*image = build->head;
	for (part = 0; part < RULE_PART_COUNT; part++)
		if (bytes_of(build, part)->len)
			memcpy((uint8_t *)image + image->parts[part].offset,
					bytes_of(build, part)->data, bytes_of(build, part)->len);
	image->checksum = XXH3_64bits(&image->size, offset - offsetof(struct rule_image, size));
	*size = offset;
	return image;
}
