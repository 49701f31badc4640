/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Redaction of any record that is a good one, by any of some rules at once, into just so much
 * room: what comes out is a good record, and no larger than that. The input: which rules, eight
 * bytes; how much room there is beside the record's own size; the record.
 */
#include "fuzz.h"

#include "rule/compile.h"
#include "rule/redact.h"

#define RULE(key, how)                                                                             \
	"- rule: " key " " how "\n  condition: evt.type = open\n  redact: {" key ": " how "}\n"
#define EACH(key) RULE(key, "hash") RULE(key, "mask") RULE(key, "remove")

static const char text[] = EACH("fd.name") EACH("fd.directory") EACH("fd.filename")
		EACH("fs.path2") EACH("proc.name") EACH("label") EACH("tenant") EACH("proc.pid")
		EACH("user.uid") EACH("fs.ino") EACH("fs.parent2_ino") EACH("vector.k")
		RULE("event.result", "mask") RULE("fs.mode", "remove")
		"- rule: attributes\n  condition: evt.type = open\n"
		"  redact: {\"attr[a]\": hash, \"attr[b]\": mask, \"attr[c]\": remove}\n";

static struct rule_image *image;
static struct rule_reader reader;
static const struct rule_secret secret = {{1, 2, 3}};

static void make_image(void)
{
	struct rule_source source = {"fuzz", text, sizeof(text) - 1};
	struct rule_compile_error why;
	struct rule_diags diags = {0};
	struct rule_set *set;
	size_t size;

	MUST(!rule_set_parse(&source, 1, NULL, &set, &diags));
	MUST(!rule_compile(set, NULL, &image, &size, &why));
	MUST(image->parts[RULE_PART_RULES].count <= 64);
	rule_reader_init(&reader, image);
	rule_diags_clear(&diags);
	rule_set_free(set);
}

static void redact(const struct vex_record *record, uint64_t rules, uint32_t room)
{
	const struct rule_image_rule *rule = rule_image_part(image, RULE_PART_RULES);
	const struct rule_image_redact *redacts = rule_image_part(image, RULE_PART_REDACTS);
	struct vex_record *out = malloc(room);
	struct rule_redaction redaction;
	uint64_t i;
	uint32_t size;

	MUST(out);
	rule_redaction_begin(&redaction, record);
	for (i = 0; i < image->parts[RULE_PART_RULES].count; i++)
		if (rules >> i & 1)
			rule_redaction_add(&redaction, &reader, redacts + rule[i].redact_first,
					rule[i].redact_count);
	size = rule_redaction_write(&redaction, &secret, out, room);
	MUST(size == out->size && size <= room);
	MUST(vex_record_check(out, room) == VEX_CHECK_OK);
	MUST(rules || size == record->size);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	uint64_t rules = input_number(&input, 8);
	uint32_t more = (uint32_t)input_number(&input, 2) & ~7u;
	struct vex_record *record;

	if (!image)
		make_image();
	if (input.left < VEX_RECORD_MIN)
		return 0;
	record = malloc(input.left);
	MUST(record);
	memcpy(record, input.at, input.left);
	if (vex_record_check(record, input.left) == VEX_CHECK_OK)
		redact(record, rules, record->size + more);
	free(record);
	return 0;
}
