/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/verify.h"

#include <errno.h>
#include <stdlib.h>

#include "rule/index_key.h"
#include "rule/verify_work.h"

#define ITEM(PART, type) [RULE_PART_##PART] = sizeof(type)
const uint32_t rule_image_item[RULE_PART_COUNT] = {
	ITEM(TEXT, char), ITEM(FIELDS, struct rule_image_field), ITEM(VALUES, uint64_t),
	ITEM(TEXTS, struct rule_image_text), ITEM(TESTS, struct rule_image_test),
	ITEM(NODES, uint32_t), ITEM(INPUTS, uint32_t), ITEM(RULES, struct rule_image_rule),
	ITEM(RULE_INPUTS, uint32_t), ITEM(SLOTS, struct rule_image_slot), ITEM(POSTINGS, uint32_t),
	ITEM(SCANS, struct rule_image_scan), ITEM(PATTERNS, struct rule_image_pattern),
	ITEM(DATABASES, char), ITEM(TARGETS, uint32_t),
	ITEM(DESTINATIONS, struct rule_image_target), ITEM(GROUPS, struct rule_image_group_of),
	ITEM(MEMBERS, struct rule_image_member), ITEM(KEYS, struct rule_image_key),
	ITEM(LIMITS, struct rule_image_limit), ITEM(REDACTS, struct rule_image_redact),
	ITEM(CLASSES, struct rule_image_class), ITEM(QUOTAS, struct rule_image_quota),
	ITEM(PROGRAMS, struct rule_image_program), ITEM(CODE, uint64_t),
	ITEM(SCHEDULES, struct rule_image_schedule), ITEM(WINDOWS, struct rule_image_window),
};
VEX_STATIC_ASSERT(sizeof(struct rule_image_test) == 40 && sizeof(struct rule_image_rule) == 64 &&
				sizeof(struct rule_image_limit) == 64 &&
				sizeof(struct rule_image_redact) == 24 &&
				sizeof(struct rule_image_group_of) == 56 &&
				sizeof(struct rule_image_member) == 24 &&
				sizeof(struct rule_image_quota) == 48 &&
				sizeof(struct rule_image_program) == 32,
		"layout is fixed: bump RULE_IMAGE_VERSION");

static bool check_texts(const struct verify *verify, const char **why)
{
	const struct rule_image_text *texts = rule_image_part(verify->image, RULE_PART_TEXTS);
	uint64_t i;

	*why = "a list of texts is malformed";
	for (i = 0; i < verify_count(verify, RULE_PART_TEXTS); i++)
		if (!verify_text(verify, &texts[i]))
			return false;
	return true;
}

static bool check_header(const struct rule_image *image, size_t size, const char **why)
{
	unsigned part;

	*why = "it is no rule image, or not a whole one";
	if ((uintptr_t)image % 8 || size < sizeof(*image) || image->magic != RULE_IMAGE_MAGIC ||
			image->size != size)
		return false;
	*why = "its checksum is wrong";
	if (XXH3_64bits(&image->size, size - offsetof(struct rule_image, size)) != image->checksum)
		return false;
	*why = "it is of another version";
	if (image->version != RULE_IMAGE_VERSION)
		return false;
	*why = "a part lies outside of it";
	for (part = 0; part < RULE_PART_COUNT; part++) {
		const struct rule_image_span *span = &image->parts[part];

		if (span->offset % 8 || span->offset > size ||
				span->count > (size - span->offset) / rule_image_item[part] ||
				span->count > UINT32_MAX / 2)
			return false;
	}
	return true;
}

static bool is_number(enum rule_field_id id)
{
	switch (rule_fields[id].type) {
	case RULE_UNSIGNED:
	case RULE_SIGNED:
	case RULE_TIME:
	case RULE_FLAGS:
	case RULE_BOOL:
	case RULE_ENUM:
		return true;
	default:
		return false;
	}
}

static bool is_text(enum rule_field_id id)
{
	return rule_fields[id].type == RULE_STRING || rule_fields[id].type == RULE_PATH;
}

static bool check_fields(struct verify *verify, const char **why)
{
	const struct rule_image_field *fields = rule_image_part(verify->image, RULE_PART_FIELDS);
	const char *text = rule_image_part(verify->image, RULE_PART_TEXT);
	uint64_t numbers = 0;
	uint64_t i;

	*why = "it has a field that is not known here";
	if (verify_count(verify, RULE_PART_FIELDS) > RULE_IMAGE_FIELDS_MAX)
		return false;
	for (i = 0; i < verify_count(verify, RULE_PART_FIELDS); i++) {
		if (!verify_text(verify, &fields[i].name))
			return false;
		verify->ids[i] = rule_field_by_name(text + fields[i].name.offset,
				fields[i].name.len);
		if (verify->ids[i] == RULE_FIELD_COUNT || !rule_fields[verify->ids[i]].core)
			return false;
		numbers |= (uint64_t)is_number(verify->ids[i]) << i;
	}
	return !(verify->image->number_keys & ~(numbers & verify->image->repeats));
}

static bool good_steps(const struct verify *verify, const struct rule_image_test *test)
{
	const uint8_t *steps = rule_image_part(verify->image, RULE_PART_TEXT);
	uint16_t step;
	unsigned i;

	if (!verify_within(verify, RULE_PART_TEXT, test->a, test->b) || test->b < 2ull * test->steps)
		return false;
	for (i = 0; i < test->steps; i++) {
		memcpy(&step, steps + test->a + 2 * i, 2);
		if ((step & 7) >= RULE_GLOB_STEP_COUNT)
			return false;
		if ((step & 7) == RULE_GLOB_SET &&
				2ull * test->steps + 32ull * ((step >> 3) + 1ull) > test->b)
			return false;
	}
	return true;
}

static bool good_scan(const struct verify *verify, const struct rule_image_test *test,
		uint64_t index)
{
	const struct rule_image_scan *scan = rule_image_part(verify->image, RULE_PART_SCANS);
	const struct rule_image_pattern *patterns =
			rule_image_part(verify->image, RULE_PART_PATTERNS);

	if (test->scan == RULE_IMAGE_NONE)
		return test->kind != RULE_TEST_REGEX;
	if (test->scan >= verify_count(verify, RULE_PART_SCANS) ||
			test->pattern >= verify_count(verify, RULE_PART_PATTERNS))
		return false;
	scan += test->scan;
	return scan->field == test->field && scan->arg == test->arg &&
			scan->arg_len == test->arg_len && test->pattern >= scan->first &&
			test->pattern - scan->first < scan->count &&
			patterns[test->pattern].test == index;
}

static bool good_values(const struct verify *verify, const struct rule_image_test *test)
{
	bool text = is_text(verify->ids[test->field]);
	bool number = is_number(verify->ids[test->field]);

	switch (test->kind) {
	case RULE_TEST_HAS:
		return true;
	case RULE_TEST_RANGE:
		return number && test->a <= test->b;
	case RULE_TEST_BITS:
		return number;
	case RULE_TEST_SET:
		return number && verify_within(verify, RULE_PART_VALUES, test->a, test->b);
	case RULE_TEST_WORDS:
		return rule_fields[verify->ids[test->field]].type == RULE_ENUM && test->b == 4 &&
				verify_within(verify, RULE_PART_VALUES, test->a, test->b);
	case RULE_TEST_AMONG:
		return text && verify_within(verify, RULE_PART_TEXTS, test->a, test->b);
	case RULE_TEST_ALL:
	case RULE_TEST_ANY:
		return rule_fields[verify->ids[test->field]].type == RULE_STRINGS &&
				verify_within(verify, RULE_PART_TEXTS, test->a, test->b);
	case RULE_TEST_GLOB:
	case RULE_TEST_BELOW_GLOB:
		return text && good_steps(verify, test);
	default:
		return text && verify_within(verify, RULE_PART_TEXT, test->a, test->b);
	}
}

static bool check_tests(const struct verify *verify, const char **why)
{
	const struct rule_image_test *tests = rule_image_part(verify->image, RULE_PART_TESTS);
	uint64_t repeats = 0;
	uint64_t i;

	*why = "a test is malformed";
	for (i = 0; i < verify_count(verify, RULE_PART_TESTS); i++) {
		const struct rule_image_test *test = &tests[i];

		if (test->kind >= RULE_TEST_KIND_COUNT || !good_scan(verify, test, i) ||
				!verify_within(verify, RULE_PART_TEXT, test->arg, test->arg_len))
			return false;
		if (test->kind == RULE_TEST_SCHEDULE || test->kind == RULE_TEST_PROGRAM) {
			if (!verify_within(verify, test->kind == RULE_TEST_PROGRAM ? RULE_PART_PROGRAMS
								: RULE_PART_SCHEDULES,
					    test->a, 1))
				return false;
		} else if (test->field >= verify_count(verify, RULE_PART_FIELDS) ||
				!good_values(verify, test)) {
			return false;
		} else {
			repeats |= (uint64_t)rule_fields[verify->ids[test->field]].repeats
					<< test->field;
		}
	}
	return verify->image->repeats == repeats;
}

static bool good_node(const struct verify *verify, uint32_t node)
{
	uint32_t at = node & ~RULE_NODE_GROUP;

	if (!(node & RULE_NODE_GROUP))
		return node < verify_count(verify, RULE_PART_TESTS);
	return at < verify_count(verify, RULE_PART_NODES) && (verify->starts[at / 8] >> (at % 8) & 1);
}

/* A group's children stand before it, so that no way leads round in circles. */
static bool good_group(const struct verify *verify, const uint32_t *nodes, uint64_t at)
{
	uint32_t kind = nodes[at] & 0xff;
	uint32_t count = nodes[at + 1];
	uint32_t depth = 0;
	uint32_t i;

	if (kind >= RULE_GROUP_COUNT || (kind >= RULE_GROUP_NOT && count != 1))
		return false;
	if (kind == RULE_GROUP_INPUT)
		return nodes[at + 2] < verify_count(verify, RULE_PART_INPUTS) && !(nodes[at] >> 8);
	for (i = 0; i < count; i++) {
		uint32_t child = nodes[at + 2 + i];
		uint32_t below = 0;

		if (!good_node(verify, child))
			return false;
		if (child & RULE_NODE_GROUP)
			below = nodes[child & ~RULE_NODE_GROUP] >> 8;
		depth = below + 1 > depth ? below + 1 : depth;
	}
	return depth == nodes[at] >> 8 && depth <= RULE_IMAGE_DEPTH_MAX;
}

static bool check_nodes(struct verify *verify, const char **why)
{
	const uint32_t *nodes = rule_image_part(verify->image, RULE_PART_NODES);
	const uint32_t *inputs = rule_image_part(verify->image, RULE_PART_INPUTS);
	uint64_t count = verify_count(verify, RULE_PART_NODES);
	uint64_t at = 0;
	uint64_t i;

	*why = "a condition is malformed";
	while (at < count) {
		if (count - at < 2 || nodes[at + 1] > count - at - 2 ||
				!good_group(verify, nodes, at))
			return false;
		verify->starts[at / 8] |= (uint8_t)(1u << (at % 8));
		at += 2 + (uint64_t)nodes[at + 1];
	}
	for (i = 0; i < verify_count(verify, RULE_PART_INPUTS); i++)
		if (!good_node(verify, inputs[i]))
			return false;
	return true;
}

static bool good_rule(const struct verify *verify, const struct rule_image_rule *rule)
{
	if (!verify_text(verify, &rule->name) || rule->qos >= RULE_QOS_COUNT || rule->first > 1 ||
			rule->priority >= RULE_PRIORITY_COUNT || rule->state > RULE_UNSUPPORTED ||
			rule->target_count > RULE_TARGETS_MAX ||
			rule->redact_count > RULE_REDACTIONS_MAX ||
			!verify_within(verify, RULE_PART_TARGETS, rule->target_first,
					rule->target_count) ||
			!verify_within(verify, RULE_PART_REDACTS, rule->redact_first,
					rule->redact_count) ||
			(rule->limit != RULE_IMAGE_NONE &&
					rule->limit >= verify_count(verify, RULE_PART_LIMITS)) ||
			!verify_within(verify, RULE_PART_RULE_INPUTS, rule->input_first, rule->input_count))
		return false;
	if (rule->state != RULE_ACTIVE)
		return rule->cacheable == RULE_IMAGE_NONE && rule->residual == RULE_IMAGE_NONE;
	return good_node(verify, rule->cacheable) &&
			(rule->residual == RULE_IMAGE_NONE || good_node(verify, rule->residual));
}

static bool check_rules(const struct verify *verify, const char **why)
{
	const struct rule_image_rule *rules = rule_image_part(verify->image, RULE_PART_RULES);
	const uint32_t *inputs = rule_image_part(verify->image, RULE_PART_RULE_INPUTS);
	uint64_t claimed = 0;
	uint64_t i;

	*why = "a rule is malformed";
	for (i = 0; i < verify_count(verify, RULE_PART_RULES); i++) {
		if (!good_rule(verify, &rules[i]))
			return false;
		claimed += rules[i].input_count;
	}
	for (i = 0; i < verify_count(verify, RULE_PART_RULE_INPUTS); i++)
		if (inputs[i] >= verify_count(verify, RULE_PART_INPUTS))
			return false;
	return claimed <= verify_count(verify, RULE_PART_RULE_INPUTS);
}

static bool check_index(const struct verify *verify, const char **why)
{
	const struct rule_image_rule *rules = rule_image_part(verify->image, RULE_PART_RULES);
	const struct rule_image_slot *slots = rule_image_part(verify->image, RULE_PART_SLOTS);
	const uint32_t *postings = rule_image_part(verify->image, RULE_PART_POSTINGS);
	uint64_t count = verify_count(verify, RULE_PART_SLOTS);
	bool empty = false;
	uint64_t i;

	*why = "its index is malformed";
	if (!count || (count & (count - 1)) || !verify_within(verify, RULE_PART_POSTINGS,
			verify->image->loose_first, verify->image->loose_count))
		return false;
	for (i = 0; i < count; i++) {
		empty |= !slots[i].count;
		if (!verify_within(verify, RULE_PART_POSTINGS, slots[i].first, slots[i].count))
			return false;
	}
	for (i = 0; i < verify_count(verify, RULE_PART_POSTINGS); i++)
		if (postings[i] >= verify_count(verify, RULE_PART_RULES) ||
				rules[postings[i]].state != RULE_ACTIVE)
			return false;
	return empty;
}

static bool check_scans(const struct verify *verify, const char **why)
{
	const struct rule_image_scan *scans = rule_image_part(verify->image, RULE_PART_SCANS);
	const struct rule_image_pattern *patterns =
			rule_image_part(verify->image, RULE_PART_PATTERNS);
	uint64_t i;

	*why = "a scan is malformed";
	for (i = 0; i < verify_count(verify, RULE_PART_SCANS); i++)
		if (!verify_within(verify, RULE_PART_DATABASES, scans[i].offset, scans[i].len) ||
				!verify_within(verify, RULE_PART_PATTERNS, scans[i].first, scans[i].count) ||
				!verify_within(verify, RULE_PART_TEXT, scans[i].arg, scans[i].arg_len) ||
				scans[i].field >= verify_count(verify, RULE_PART_FIELDS) ||
				!is_text(verify->ids[scans[i].field]))
			return false;
	for (i = 0; i < verify_count(verify, RULE_PART_PATTERNS); i++)
		if ((patterns[i].test != RULE_IMAGE_NONE &&
				    patterns[i].test >= verify_count(verify, RULE_PART_TESTS)) ||
				!verify_within(verify, RULE_PART_POSTINGS, patterns[i].first,
						patterns[i].count))
			return false;
	return true;
}

static bool check_schedules(const struct verify *verify, const char **why)
{
	const struct rule_image_schedule *schedules =
			rule_image_part(verify->image, RULE_PART_SCHEDULES);
	const struct rule_image_window *windows = rule_image_part(verify->image, RULE_PART_WINDOWS);
	uint64_t i;

	*why = "a schedule is malformed";
	for (i = 0; i < verify_count(verify, RULE_PART_SCHEDULES); i++)
		if (!verify_within(verify, RULE_PART_WINDOWS, schedules[i].first,
				    schedules[i].count) ||
				schedules[i].offset_minutes < -2880 || schedules[i].offset_minutes > 2880)
			return false;
	for (i = 0; i < verify_count(verify, RULE_PART_WINDOWS); i++)
		if (windows[i].from >= 1440 || windows[i].to > 1440 || windows[i].days > 127)
			return false;
	return true;
}

int rule_image_verify(const void *data, size_t size, const char **why)
{
	struct verify verify = {.image = data};
	bool good;

	if (!check_header(data, size, why))
		return -EBADMSG;
	verify.starts = calloc(1, verify_count(&verify, RULE_PART_NODES) / 8 + 1);
	if (!verify.starts)
		return -ENOMEM;
	good = check_texts(&verify, why) &&
			check_fields(&verify, why) && check_tests(&verify, why) &&
			check_nodes(&verify, why) && check_rules(&verify, why) &&
			check_index(&verify, why) && check_scans(&verify, why) &&
			check_schedules(&verify, why) && verify_decisions(&verify, why);
	free(verify.starts);
	return good ? 0 : -EBADMSG;
}
