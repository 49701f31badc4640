/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of texts mean. */
#include "rule/match_work.h"

#include <string.h>

static bool same(const char *a, const char *b, size_t len)
{
	return !len || !memcmp(a, b, len);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

/* part is in lower case, and not empty. */
static bool icontains(const char *text, size_t len, const char *part, size_t part_len)
{
	size_t at;
	size_t i;

	for (at = 0; at + part_len <= len; at++) {
		for (i = 0; i < part_len && lower(text[at + i]) == part[i]; i++)
			;
		if (i == part_len)
			return true;
	}
	return false;
}

bool match_among(const struct rule_matcher *matcher, const struct rule_image_test *test,
		struct vex_bytes text)
{
	const struct rule_image_text *texts = matcher->texts + test->a;
	uint64_t low = 0;
	uint64_t high = test->b;

	while (low < high) {
		uint64_t middle = (low + high) / 2;
		const struct rule_image_text *with = &texts[middle];
		int order = with->len < text.len ? -1 : with->len > text.len;

		if (!order && text.len)
			order = memcmp(matcher->text + with->offset, text.data, text.len);
		if (!order)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

struct steps {
	const uint8_t *at;
	unsigned from;
	unsigned to;
	const uint8_t *sets;
};

static uint16_t step_at(const struct steps *steps, unsigned i)
{
	uint16_t step;

	memcpy(&step, steps->at + 2 * i, sizeof(step));
	return step;
}

static bool takes(const struct steps *steps, uint16_t step, uint8_t byte)
{
	const uint8_t *set = steps->sets + 32u * (step >> 3);

	switch (step & 7) {
	case RULE_GLOB_BYTE:
		return byte == step >> 3;
	case RULE_GLOB_FOLD:
		return (uint8_t)lower((char)byte) == step >> 3;
	case RULE_GLOB_SKIP:
		return true;
	case RULE_GLOB_SET:
		return set[byte / 8] >> (byte % 8) & 1;
	default:
		return false;
	}
}

/* All of the text; where a step fails the last star takes one byte more. */
static bool glob(const struct steps *steps, const char *text, size_t len)
{
	unsigned step = steps->from;
	unsigned star = 0;
	bool starred = false;
	size_t from = 0;
	size_t i = 0;

	for (;;) {
		uint16_t now = step < steps->to ? step_at(steps, step) : RULE_GLOB_SLASH;

		if (step == steps->to && i == len)
			return true;
		if (step < steps->to && (now & 7) == RULE_GLOB_STAR) {
			star = ++step;
			starred = true;
			from = i;
		} else if (step < steps->to && i < len && takes(steps, now, (uint8_t)text[i])) {
			step++;
			i++;
		} else if (starred && from < len) {
			step = star;
			i = ++from;
		} else {
			return false;
		}
	}
}

/* The next component of a path, from *at on; false where there is none. */
static bool component(const char **at, const char *end, const char **start)
{
	while (*at < end && **at == '/')
		++*at;
	*start = *at;
	while (*at < end && **at != '/')
		++*at;
	return *at > *start;
}

static bool below_glob(struct steps *steps, const char *text, size_t len)
{
	const char *end = text + len;
	const char *start;
	unsigned last = steps->to;

	for (steps->to = steps->from; steps->from < last; steps->from = ++steps->to) {
		while (steps->to < last && (step_at(steps, steps->to) & 7) != RULE_GLOB_SLASH)
			steps->to++;
		if (!component(&text, end, &start) || !glob(steps, start, (size_t)(text - start)))
			return false;
	}
	return true;
}

/* Most texts are written as the path is, with one slash each time and one at the front. */
static bool plainly_below(const char *path, size_t path_len, const char *text, size_t len)
{
	return len > path_len && text[0] == '/' && same(text + 1, path, path_len) &&
			(len == path_len + 1 || text[path_len + 1] == '/');
}

static bool below(const char *path, size_t path_len, const char *text, size_t len)
{
	const char *path_end = path + path_len;
	const char *end = text + len;
	const char *want;
	const char *have;

	if (plainly_below(path, path_len, text, len))
		return true;
	while (component(&path, path_end, &want)) {
		size_t size = (size_t)(path - want);

		if (!component(&text, end, &have) || (size_t)(text - have) != size ||
				memcmp(want, have, size))
			return false;
	}
	return true;
}

static bool globs(const struct rule_matcher *matcher, const struct rule_image_test *test,
		struct vex_bytes text)
{
	const uint8_t *at = (const uint8_t *)matcher->text + test->a;
	struct steps steps = {.at = at, .to = test->steps, .sets = at + 2u * test->steps};

	if (test->kind == RULE_TEST_BELOW_GLOB)
		return below_glob(&steps, text.data, text.len);
	return glob(&steps, text.data, text.len);
}

bool match_text(const struct rule_matcher *matcher, const struct rule_image_test *test,
		struct vex_bytes text)
{
	const char *with = matcher->text + test->a;
	const char *data = text.len ? text.data : "";
	size_t len = test->b;

	text.data = data;
	switch (test->kind) {
	case RULE_TEST_EQUAL:
		return text.len == len && same(data, with, len);
	case RULE_TEST_STARTS:
		return text.len >= len && same(data, with, len);
	case RULE_TEST_ENDS:
		return text.len >= len && same(data + text.len - len, with, len);
	case RULE_TEST_CONTAINS:
		return memmem(data, text.len, with, len) != NULL;
	case RULE_TEST_ICONTAINS:
		return icontains(data, text.len, with, len);
	case RULE_TEST_AMONG:
		return match_among(matcher, test, text);
	case RULE_TEST_BELOW:
		return below(with, len, data, text.len);
	default:
		return globs(matcher, test, text);
	}
}
