/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

void compiled_from(struct compiled *compiled, const char *text)
{
	struct rule_source source = {"test", text, strlen(text)};
	struct rule_compile_error why = {"no image"};
	struct rule_diags diags = {0};

	if (rule_set_parse(&source, 1, NULL, &compiled->set, &diags))
		die(diags.count ? diags.items[0].message : "the rules are wrong");
	rule_diags_clear(&diags);
	if (rule_compile(compiled->set, NULL, &compiled->image, &compiled->size, &why))
		die(why.text);
	rule_reader_init(&compiled->reader, compiled->image);
}

void compiled_free(struct compiled *compiled)
{
	rule_set_free(compiled->set);
	free(compiled->image);
}

static const struct rule_image_rule *rule_at(const struct compiled *compiled, uint32_t i)
{
	const struct rule_image_rule *rules = rule_image_part(compiled->image, RULE_PART_RULES);

	if (i >= compiled->image->parts[RULE_PART_RULES].count)
		die("no such rule");
	return &rules[i];
}

const struct rule_image_limit *compiled_limit(const struct compiled *compiled, uint32_t i)
{
	const struct rule_image_limit *limits = rule_image_part(compiled->image, RULE_PART_LIMITS);
	uint32_t index = rule_at(compiled, i)->limit;

	if (index == RULE_IMAGE_NONE)
		die("a rule without a limit");
	return &limits[index];
}

const struct rule_image_redact *compiled_redacts(const struct compiled *compiled, uint32_t i,
		uint32_t *count)
{
	const struct rule_image_redact *redacts =
			rule_image_part(compiled->image, RULE_PART_REDACTS);

	*count = rule_at(compiled, i)->redact_count;
	return &redacts[rule_at(compiled, i)->redact_first];
}

struct vex_record *record_of(const struct vex_event *event)
{
	uint32_t size = vex_event_size(event);
	struct vex_record *record = size ? calloc(1, size) : NULL;

	if (!record)
		die("an event that is no record");
	vex_event_encode(event, record);
	record->size = size;
	if (vex_record_check(record, size) != VEX_CHECK_OK)
		die("a record that is refused");
	return record;
}

uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}
