/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts that are looked for, globs and regular expressions, as Hyperscan reads them. */
#include "rule/build.h"

#include <hs/hs.h>
#include <stdio.h>

static void put(struct build *build, struct build_bytes *out, const char *text)
{
	build_add(build, out, text, strlen(text));
}

static void put_byte(struct build *build, struct build_bytes *out, unsigned byte)
{
	char text[8];

	snprintf(text, sizeof(text), "\\x%02x", byte & 0xff);
	put(build, out, text);
}

static void put_bytes(struct build *build, struct build_bytes *out, const uint8_t *bytes, size_t len)
{
	while (len--)
		put_byte(build, out, *bytes++);
}

static void put_set(struct build *build, struct build_bytes *out, const uint8_t *set)
{
	unsigned byte;
	unsigned last;
	bool any = false;

	put(build, out, "[");
	for (byte = 0; byte < 256; byte++) {
		if (!(set[byte / 8] >> (byte % 8) & 1))
			continue;
		for (last = byte; last < 255 && set[(last + 1) / 8] >> ((last + 1) % 8) & 1; last++)
			;
		put_byte(build, out, byte);
		put(build, out, "-");
		put_byte(build, out, last);
		byte = last;
		any = true;
	}
	put(build, out, any ? "]" : "^\\x00-\\xff]");
}

static uint16_t step_at(const uint8_t *steps, unsigned i)
{
	uint16_t step;

	memcpy(&step, steps + 2 * i, 2);
	return step;
}

static void put_step(struct build *build, struct build_bytes *out, uint16_t step,
		const uint8_t *sets)
{
	switch (step & 7) {
	case RULE_GLOB_FOLD:
		put(build, out, "(?i:");
		put_byte(build, out, step >> 3);
		put(build, out, ")");
		break;
	case RULE_GLOB_SKIP:
	case RULE_GLOB_STAR:
		put(build, out, (step & 7) == RULE_GLOB_SKIP ? "." : ".*");
		break;
	case RULE_GLOB_SET:
		put_set(build, out, sets + 32u * (step >> 3));
		break;
	default:
		put_byte(build, out, step >> 3);
	}
}

/* A star at an end asks for nothing: what stands beside it is looked for anywhere. */
static void put_glob(struct build *build, struct build_bytes *out, const struct rule_image_test *test)
{
	const uint8_t *steps = build->text.bytes.data + test->a;
	unsigned end = test->steps;
	bool front = step_at(steps, 0) == RULE_GLOB_STAR;
	bool back = step_at(steps, end - 1) == RULE_GLOB_STAR;
	unsigned i;

	put(build, out, front ? "" : "\\A");
	for (i = front; i < end - back; i++)
		put_step(build, out, step_at(steps, i), steps + 2 * end);
	put(build, out, back ? "" : "\\z");
}

unsigned build_express(struct build *build, const struct rule_image_test *test,
		struct build_bytes *out)
{
	const uint8_t *text = build->text.bytes.data + test->a;
	char wrapped[RULE_REGEX_WRAPPED_MAX];

	if (test->kind == RULE_TEST_REGEX) {
		rule_regex_wrap((struct rule_text){(const char *)text, test->b}, wrapped);
		put(build, out, wrapped);
	} else if (test->kind == RULE_TEST_GLOB) {
		put_glob(build, out, test);
	} else {
		put(build, out, test->kind == RULE_TEST_STARTS ? "\\A" : "");
		put_bytes(build, out, text, test->b);
		put(build, out, test->kind == RULE_TEST_ENDS ? "\\z" : "");
	}
	build_add(build, out, "", 1);
	return RULE_REGEX_FLAGS | (test->kind == RULE_TEST_ICONTAINS ? HS_FLAG_CASELESS : 0);
}
