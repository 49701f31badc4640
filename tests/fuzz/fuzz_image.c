/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Images of any bytes, with a checksum that is right: what is accepted can be matched with any
 * record. The input is changes of an image that a compiler made: a place and a byte each, the last
 * ones of the input; what is before them is a record. Databases of Hyperscan are left as they are.
 */
#include "fuzz.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rule/compile.h"
#include "rule/match.h"

#define CHANGES_MAX 16u

static const char rules[] = "- program: p\n  file: p.o\n- group: g\n  members: [a, b]\n"
		"- rule: a\n  condition: fd.name pmatch (/etc, /home/*/x) and not proc.name in (vi, ed)\n"
		"  route: [group:g, drop]\n  match: first\n"
		"- rule: b\n  condition: fd.name regex /a+ or (fs.size > 5 and label in (x, y))\n"
		"  schedule: {days: mon-fri, hours: 08:00-18:00}\n"
		"- rule: c\n  condition: fd.name contains xx and program[p]\n"
		"- rule: d\n  condition: (attr[a] glob \"[a-c]?*\" or user.uid in (1, 5, 7)) and fs.ino > 1\n"
		"- rule: e\n  condition: fs.flags contains O_CREAT and fd.name iglob \"*A?b*\"\n"
		"- group: h\n  members: [a]\n  balance: hash\n  by: [fd.directory, \"attr[k]\"]\n"
		"- class: high\n  overload: block\n- quota: 7\n  rate: 5/s\n- quota: default\n  rate: 1/m\n"
		"- rule: f\n  condition: fd.name = /b\n  route: [boundary:fuse, subscriber:s]\n"
		"  sample: {share: 1/4, by: fs.ino}\n  suppress: {for: 2s, by: [proc.name, \"attr[k]\"]}\n"
		"  rate: {limit: 5/10m, burst: 9}\n  redact: {label: remove, \"attr[k]\": hash}\n";

static struct rule_image *original;
static size_t original_size;

static void make_original(void)
{
	struct rule_source source = {"fuzz", rules, sizeof(rules) - 1};
	struct rule_compile_error why;
	struct rule_diags diags = {0};
	struct rule_set *set;

	MUST(!rule_set_parse(&source, 1, NULL, &set, &diags));
	MUST(!rule_compile(set, NULL, &original, &original_size, &why));
	rule_diags_clear(&diags);
	rule_set_free(set);
}

static void change(struct rule_image *image, const uint8_t *data, size_t count)
{
	uint64_t from = original->parts[RULE_PART_DATABASES].offset;
	uint64_t to = from + original->parts[RULE_PART_DATABASES].count;
	size_t i;

	for (i = 0; i < count; i++, data += 3) {
		size_t place = (size_t)(data[0] | data[1] << 8) % original_size;

		if (place < from || place >= to)
			((uint8_t *)image)[place] = data[2];
	}
	image->checksum = XXH3_64bits(&image->size,
			original_size - offsetof(struct rule_image, size));
}

static void match(const struct rule_matcher *matcher, const struct vex_record *record)
{
	const struct vex_record *burst[3] = {record, record, record};
	struct rule_worker_options options = {.cache_entries = 8, .list_bytes = 4096};
	struct rule_worker *worker;
	unsigned i;

	MUST(!rule_worker_new(matcher, &options, &worker));
	for (i = 1; i <= 3; i++) {
		struct rule_hits hits = rule_match(worker, burst, i);

		MUST(hits.count <= rule_matcher_image(matcher)->parts[RULE_PART_RULES].count);
	}
	rule_worker_free(worker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t changes = size ? data[0] % (CHANGES_MAX + 1) : 0;
	struct rule_matcher *matcher;
	struct vex_record *record;
	struct rule_image *image;
	const char *why;

	if (!original)
		make_original();
	if (size < 1 + changes * 3 + VEX_RECORD_MIN)
		return 0;
	image = aligned_alloc(64, original_size);
	size -= 1 + changes * 3;
	record = malloc(size);
	MUST(image && record);
	memcpy(image, original, original_size);
	memcpy(record, data + 1, size);
	change(image, data + 1 + size, changes);
	if (!rule_matcher_new(image, original_size, &matcher, &why)) {
		if (vex_record_check(record, size) == VEX_CHECK_OK)
			match(matcher, record);
		rule_matcher_free(matcher);
	}
	free(record);
	free(image);
	return 0;
}
