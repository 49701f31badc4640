/* SPDX-License-Identifier: BSD-3-Clause */
/* What a test tells of the index: texts that begin or end alike share a key. */
#include "rule/build.h"

#include "rule/index_key.h"

/* Prices say roughly how many events a key lets through that its test does not. */
#define PRICE_EXACT 1u
#define PRICE_DIRECTORY 2u
#define PRICE_FILENAME 4u
#define PRICE_SUFFIX 20u
#define PRICE_NAME 60u

/* What all texts begin or end with that a test takes. */
struct edges {
	char bytes[RULE_VALUE_MAX + 1];
	size_t len;
};

static void of_steps(const struct build *build, const struct rule_image_test *test, bool front,
		struct edges *edges)
{
	const uint8_t *steps = build->text.bytes.data + test->a;
	unsigned i;

	for (i = 0; i < test->steps; i++) {
		unsigned place = front ? i : test->steps - 1u - i;
		uint16_t step;

		memcpy(&step, steps + 2 * place, 2);
		if ((step & 7) != RULE_GLOB_BYTE && (step & 7) != RULE_GLOB_SLASH)
			break;
		edges->bytes[front ? i : RULE_VALUE_MAX - 1 - i] =
				(step & 7) == RULE_GLOB_SLASH ? '/' : (char)(step >> 3);
		edges->len++;
	}
	if (!front)
		memmove(edges->bytes, edges->bytes + RULE_VALUE_MAX - edges->len, edges->len);
}

/* Up to what may mean more than itself, without what that may be of. */
static void of_regex(const char *text, size_t len, struct edges *edges)
{
	if (memchr(text, '|', len))
		return;
	while (edges->len < len && !memchr("\\^$.[]|()?*+{}", text[edges->len], 14)) {
		edges->bytes[edges->len] = text[edges->len];
		edges->len++;
	}
	if (edges->len && edges->len < len && memchr("?*{", text[edges->len], 3))
		edges->len--;
}

static struct build_key subtree(const char *text, size_t len, bool whole, bool second)
{
	const char *end = whole ? text + len : memrchr(text, '/', len);
	struct rule_components walk = {.at = text, .end = end ? end : text};
	struct build_key key = {.second = second};

	while (walk.depth < 255 && rule_components_next(&walk))
		;
	if (!walk.depth)
		return key;
	key.depth = (uint8_t)walk.depth;
	key.price = walk.depth > 3 ? 3 : walk.depth == 3 ? 6 : walk.depth == 2 ? 12 : 40;
	key.hash = rule_key_path(RULE_KEY_SUBTREE + (second ? RULE_KEY_PATH2 : 0), walk.hash);
	return key;
}

static struct build_key ending(const char *text, size_t len, unsigned second)
{
	const char *slash = memrchr(text, '/', len);
	const char *dot = memrchr(text, '.', len);
	const char *end = text + len;

	if (slash)
		return (struct build_key){.price = PRICE_FILENAME,
				.hash = rule_key_bytes(RULE_KEY_FILENAME + second, slash + 1,
						(size_t)(end - slash - 1))};
	if (dot)
		return (struct build_key){.price = PRICE_SUFFIX, .exact = dot == text,
				.hash = rule_key_bytes(RULE_KEY_SUFFIX + second, dot,
						(size_t)(end - dot))};
	return (struct build_key){0};
}

static uint64_t components_hash(const char *text, size_t len)
{
	struct rule_components walk = {.at = text, .end = text + len};

	while (rule_components_next(&walk))
		;
	return walk.hash;
}

/* Of a whole text. */
static struct build_key whole_key(enum rule_field_id field, const char *text, size_t len)
{
	unsigned second = field == RULE_FIELD_FS_PATH2 ? RULE_KEY_PATH2 : 0;
	struct build_key key = {.exact = true};

	switch (field) {
	case RULE_FIELD_FD_NAME:
	case RULE_FIELD_FS_PATH2:
		key.price = PRICE_EXACT;
		key.hash = rule_key_path(RULE_KEY_EXACT + second, components_hash(text, len));
		break;
	case RULE_FIELD_FD_DIRECTORY:
		key.price = PRICE_DIRECTORY;
		key.hash = rule_key_path(RULE_KEY_DIRECTORY, components_hash(text, len));
		break;
	case RULE_FIELD_FD_FILENAME:
		key.price = PRICE_FILENAME;
		key.hash = rule_key_bytes(RULE_KEY_FILENAME, text, len);
		break;
	case RULE_FIELD_PROC_NAME:
		key.price = PRICE_NAME;
		key.hash = rule_key_bytes(RULE_KEY_NAME, text, len);
		break;
	default:
		break;
	}
	return key;
}

/* A directory begins as its path does. */
static struct build_key front_key(enum rule_field_id field, const char *text, size_t len, bool whole)
{
	if (field != RULE_FIELD_FD_NAME && field != RULE_FIELD_FS_PATH2 &&
			field != RULE_FIELD_FD_DIRECTORY)
		return (struct build_key){0};
	return subtree(text, len, whole, field == RULE_FIELD_FS_PATH2);
}

static struct build_key back_key(enum rule_field_id field, const char *text, size_t len)
{
	if (field != RULE_FIELD_FD_NAME && field != RULE_FIELD_FS_PATH2 &&
			field != RULE_FIELD_FD_FILENAME)
		return (struct build_key){0};
	return ending(text, len, field == RULE_FIELD_FS_PATH2 ? RULE_KEY_PATH2 : 0);
}

static struct build_key glob_key(const struct build *build, const struct rule_image_test *test,
		enum rule_field_id field)
{
	struct edges edges = {.len = 0};
	struct build_key front;
	struct build_key back;

	of_steps(build, test, true, &edges);
	front = front_key(field, edges.bytes, edges.len, false);
	if (test->kind == RULE_TEST_BELOW_GLOB)
		return front;
	edges.len = 0;
	of_steps(build, test, false, &edges);
	back = back_key(field, edges.bytes, edges.len);
	back.exact = false;
	return !front.hash || (back.hash && back.price < front.price) ? back : front;
}

struct build_key build_key_of(const struct build *build, const struct rule_image_test *test)
{
	enum rule_field_id field = (enum rule_field_id)build->ids[test->field];
	const char *text = (const char *)build->text.bytes.data + test->a;
	struct edges edges = {.len = 0};
	struct build_key key = {0};

	switch (test->kind) {
	case RULE_TEST_EQUAL:
		return whole_key(field, text, test->b);
	case RULE_TEST_STARTS:
		key = front_key(field, text, test->b, false);
		key.exact = text[test->b - 1] == '/';
		return key;
	case RULE_TEST_BELOW:
		key = front_key(field, text, test->b, true);
		key.exact = true;
		return key;
	case RULE_TEST_ENDS:
		return back_key(field, text, test->b);
	case RULE_TEST_GLOB:
	case RULE_TEST_BELOW_GLOB:
		return glob_key(build, test, field);
	case RULE_TEST_REGEX:
		of_regex(text, test->b, &edges);
		return front_key(field, edges.bytes, edges.len, false);
	default:
		return key;
	}
}
