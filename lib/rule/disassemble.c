/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/disassemble.h"

#include <inttypes.h>

#include "rule/disassemble_work.h"
#include "rule/output.h"
#include "rule/quote.h"

void disassemble_bytes(const struct rule_image *image, uint64_t offset, uint64_t len, FILE *out)
{
	const uint8_t *text = (const uint8_t *)rule_image_part(image, RULE_PART_TEXT) + offset;

	fputc('"', out);
	for (; len; len--, text++)
		fprintf(out, *text < ' ' || *text >= 0x7f ? "\\x%02x"
			     : *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('"', out);
}

void disassemble_argument(const struct rule_image *image, uint64_t offset, uint64_t len, FILE *out)
{
	const char *text = rule_image_part(image, RULE_PART_TEXT);
	const struct rule_text name = {text + offset, len};

	if (!len)
		return;
	fputc('[', out);
	if (quote_is_bare(&name))
		fwrite(name.data, 1, name.len, out);
	else
		disassemble_bytes(image, offset, len, out);
	fputc(']', out);
}

enum rule_field_id disassemble_field(const struct rule_image *image, unsigned index)
{
	const struct rule_image_field *fields = rule_image_part(image, RULE_PART_FIELDS);
	const char *text = rule_image_part(image, RULE_PART_TEXT);

	return rule_field_by_name(text + fields[index].name.offset, fields[index].name.len);
}

static void print_number(enum rule_field_id field, uint64_t number, FILE *out)
{
	bool moved = rule_fields[field].type == RULE_SIGNED;

	rule_number_print(field, moved ? number ^ 1ull << 63 : number, out);
}

static void print_words(const struct rule_image *image, const struct rule_image_test *test,
		enum rule_field_id field, FILE *out)
{
	const uint64_t *bits = (const uint64_t *)rule_image_part(image, RULE_PART_VALUES) + test->a;
	const char *between = " in (";
	unsigned value;

	for (value = 0; value < 256; value++) {
		if (!(bits[value / 64] >> (value % 64) & 1))
			continue;
		fputs(between, out);
		between = ", ";
		if (rule_word_name(field, value))
			fputs(rule_word_name(field, value), out);
		else
			fprintf(out, "%u", value);
	}
	fputs(*between == ' ' ? " in ()" : ")", out);
}

static void print_list(const struct rule_image *image, const struct rule_image_test *test,
		enum rule_field_id field, FILE *out)
{
	const struct rule_image_text *texts = rule_image_part(image, RULE_PART_TEXTS);
	const uint64_t *values = rule_image_part(image, RULE_PART_VALUES);
	uint64_t i;

	fputs(test->kind == RULE_TEST_ANY ? " intersects (" : " in (", out);
	for (i = 0; i < test->b; i++) {
		fputs(i ? ", " : "", out);
		if (test->kind == RULE_TEST_SET)
			print_number(field, values[test->a + i], out);
		else
			disassemble_text(image, &texts[test->a + i], out);
	}
	fputs(")", out);
}

/* The same bound can be told with the number or with its neighbour: people write round ones. */
static bool is_round(enum rule_field_id field, uint64_t number)
{
	if (rule_fields[field].type == RULE_SIGNED)
		return (int64_t)(number ^ 1ull << 63) % 10 == 0;
	return number % 10 == 0 || number % 1024 == 0;
}

static void print_range(const struct rule_image_test *test, enum rule_field_id field, FILE *out)
{
	bool from = is_round(field, test->a);
	bool to = is_round(field, test->b);

	if (test->a == test->b) {
		fputs(" = ", out);
		print_number(field, test->a, out);
		return;
	}
	if (test->a) {
		fputs(from ? " >= " : " > ", out);
		print_number(field, test->a - !from, out);
	}
	if (test->b == UINT64_MAX)
		return;
	if (test->a)
		fprintf(out, " and %s", rule_fields[field].name);
	fputs(to ? " <= " : " < ", out);
	print_number(field, test->b + !to, out);
}

/* Flags by their names, where these are all of the bits. */
static void print_flags(enum rule_field_id field, uint64_t bits, FILE *out)
{
	uint64_t left = bits;
	const char *name;
	uint64_t flag;
	unsigned i;

	for (i = 0; (name = rule_flag_known(field, i)); i++) {
		flag = rule_flag_bits(field, name, strlen(name));
		left &= (flag & bits) == flag ? ~flag : ~0ull;
	}
	if (left) {
		print_number(field, bits, out);
		return;
	}
	left = bits;
	for (i = 0; (name = rule_flag_known(field, i)); i++) {
		flag = rule_flag_bits(field, name, strlen(name));
		if (!flag || (flag & left) != flag)
			continue;
		fprintf(out, "%s%s", left == bits ? "" : "|", name);
		left &= ~flag;
	}
}

static void print_bits(const struct rule_image_test *test, enum rule_field_id field, FILE *out)
{
	if (test->a == test->b) {
		fputs(" contains ", out);
		print_flags(field, test->a, out);
		return;
	}
	fputs(" & ", out);
	print_number(field, test->a, out);
	fputs(" = ", out);
	print_number(field, test->b, out);
}

/* Steps as the glob that they came of; a set by its number. */
static void print_steps(const struct rule_image *image, const struct rule_image_test *test,
		FILE *out)
{
	const uint8_t *steps = (const uint8_t *)rule_image_part(image, RULE_PART_TEXT) + test->a;
	uint16_t step;
	unsigned i;

	fputs(test->kind == RULE_TEST_GLOB ? " glob " : " below glob ", out);
	for (i = 0; i < test->steps; i++) {
		memcpy(&step, steps + 2 * i, sizeof(step));
		if ((step & 7) == RULE_GLOB_SET)
			fprintf(out, "[set %u]", step >> 3);
		else if ((step & 7) == RULE_GLOB_SLASH || (step & 7) == RULE_GLOB_STAR)
			fputc((step & 7) == RULE_GLOB_STAR ? '*' : '/', out);
		else if ((step & 7) == RULE_GLOB_SKIP)
			fputc('?', out);
		else
			fprintf(out, step >> 3 < ' ' || step >> 3 >= 0x7f ? "\\x%02x" : "%c",
					step >> 3);
	}
}

static void print_test(const struct rule_image *image, uint32_t index, FILE *out)
{
	static const char *const names[RULE_TEST_KIND_COUNT] = {
		[RULE_TEST_HAS] = " exists", [RULE_TEST_EQUAL] = " = ",
		[RULE_TEST_STARTS] = " startswith ", [RULE_TEST_ENDS] = " endswith ",
		[RULE_TEST_CONTAINS] = " contains ", [RULE_TEST_ICONTAINS] = " icontains ",
		[RULE_TEST_BELOW] = " below ", [RULE_TEST_REGEX] = " regex ",
	};
	const struct rule_image_test *test =
			(const struct rule_image_test *)rule_image_part(image, RULE_PART_TESTS) + index;
	const struct rule_image_program *programs = rule_image_part(image, RULE_PART_PROGRAMS);
	enum rule_field_id field;

	if (test->kind == RULE_TEST_PROGRAM || test->kind == RULE_TEST_SCHEDULE) {
		fputs(test->kind == RULE_TEST_PROGRAM ? "program " : "schedule ", out);
		if (test->kind == RULE_TEST_PROGRAM)
			disassemble_text(image, &programs[test->a].name, out);
		else
			disassemble_schedule(image, test->a, out);
		return;
	}
	field = disassemble_field(image, test->field);
	fputs(rule_fields[field].name, out);
	disassemble_argument(image, test->arg, test->arg_len, out);
	if (test->kind == RULE_TEST_WORDS)
		print_words(image, test, field, out);
	else if (test->kind == RULE_TEST_RANGE)
		print_range(test, field, out);
	else if (test->kind == RULE_TEST_BITS)
		print_bits(test, field, out);
	else if (test->kind == RULE_TEST_GLOB || test->kind == RULE_TEST_BELOW_GLOB)
		print_steps(image, test, out);
	else if (!names[test->kind])
		print_list(image, test, field, out);
	else
		fputs(names[test->kind], out);
	if (names[test->kind] && test->kind != RULE_TEST_HAS)
		disassemble_bytes(image, test->a, test->b, out);
}

void rule_image_print_node(const struct rule_image *image, uint32_t node, FILE *out)
{
	const uint32_t *words = (const uint32_t *)rule_image_part(image, RULE_PART_NODES) +
			(node & ~RULE_NODE_GROUP);
	uint32_t i;

	if (!(node & RULE_NODE_GROUP)) {
		print_test(image, node, out);
		return;
	}
	switch (words[0] & 0xff) {
	case RULE_GROUP_INPUT:
		fprintf(out, "input %u", words[2]);
		return;
	case RULE_GROUP_NOT:
		fputs("not ", out);
		rule_image_print_node(image, words[2], out);
		return;
	default:
		break;
	}
	if (!words[1])
		fputs((words[0] & 0xff) == RULE_GROUP_AND ? "true" : "false", out);
	for (i = 0; i < words[1]; i++) {
		fputs(!i ? "(" : (words[0] & 0xff) == RULE_GROUP_AND ? " and " : " or ", out);
		rule_image_print_node(image, words[2 + i], out);
	}
	fputs(words[1] ? ")" : "", out);
}

void rule_image_print_rule(const struct rule_image *image, uint64_t index, FILE *out)
{
	const struct rule_image_rule *rules = rule_image_part(image, RULE_PART_RULES);
	const struct rule_image_rule *rule = &rules[index];
	const uint32_t *rule_inputs = rule_image_part(image, RULE_PART_RULE_INPUTS);
	const uint32_t *inputs = rule_image_part(image, RULE_PART_INPUTS);
	uint32_t i;

	fprintf(out, "rule %" PRIu64 " ", index);
	disassemble_text(image, &rule->name, out);
	fprintf(out, " %s, %s%s, %016" PRIx64, rule_state_name((enum rule_state)rule->state),
			rule_qos_name((enum rule_qos)rule->qos), rule->first ? ", first" : "",
			rule->fingerprint);
	disassemble_decision(image, rule, out);
	if (rule->state == RULE_ACTIVE) {
		fputs("\n  cacheable: ", out);
		rule_image_print_node(image, rule->cacheable, out);
	}
	for (i = 0; i < rule->input_count; i++) {
		uint32_t input = rule_inputs[rule->input_first + i];

		fprintf(out, "\n  input %u: ", input);
		rule_image_print_node(image, inputs[input], out);
	}
	if (rule->residual != RULE_IMAGE_NONE) {
		fputs("\n  residual: ", out);
		rule_image_print_node(image, rule->residual, out);
	}
	fputc('\n', out);
}

static void print_scans(const struct rule_image *image, FILE *out)
{
	const struct rule_image_scan *scans = rule_image_part(image, RULE_PART_SCANS);
	const struct rule_image_pattern *patterns = rule_image_part(image, RULE_PART_PATTERNS);
	uint64_t i;
	uint32_t p;

	for (i = 0; i < image->parts[RULE_PART_SCANS].count; i++) {
		fprintf(out, "scan %" PRIu64 " of %s: %u patterns, %" PRIu64 " bytes, %s\n", i,
				rule_fields[disassemble_field(image, scans[i].field)].name, scans[i].count,
				scans[i].len, scans[i].eager ? "for each event" : "when asked");
		for (p = scans[i].first; p < scans[i].first + scans[i].count; p++) {
			if (patterns[p].test == RULE_IMAGE_NONE)
				continue;
			fputs("  ", out);
			print_test(image, patterns[p].test, out);
			fputc('\n', out);
		}
	}
}

void rule_image_print(const struct rule_image *image, FILE *out)
{
	uint64_t i;

	fprintf(out, "image version %u, %" PRIu64 " bytes, checksum %016" PRIx64 "\n", image->version,
			image->size, image->checksum);
	fprintf(out, "%" PRIu64 " rules, %u of them asked of each event, %" PRIu64 " tests\n",
			image->parts[RULE_PART_RULES].count, image->loose_count,
			image->parts[RULE_PART_TESTS].count);
	for (i = 0; i < image->parts[RULE_PART_RULES].count; i++)
		rule_image_print_rule(image, i, out);
	print_scans(image, out);
	disassemble_definitions(image, out);
}
