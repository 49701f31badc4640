/* SPDX-License-Identifier: BSD-3-Clause */
/* What a test tells of the index: texts that begin or end alike share a key. */
#include "rule/build.h"

#include <ctype.h>

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

/* The byte that stands for itself alone at the front, or -1; *len are those that write it. */
static int plain_byte(const char *text, const char *end, size_t *len)
{
	*len = 1 + (*text == '\\');
	if (*text == '\\')
		return end - text > 1 && ispunct((unsigned char)text[1]) ? text[1] : -1;
	return memchr("^$.[]|()?*+{}", *text, 13) ? -1 : *text;
}

/* Up to what may mean more than itself, without what that may be of. It is held to the whole. */
static void of_regex(const char *text, size_t len, struct edges *edges)
{
	const char *end = text + len;
	size_t size;

	if (memchr(text, '|', len))
		return;
	for (text += len && *text == '^'; text < end; text += size) {
		int byte = plain_byte(text, end, &size);

		if (byte < 0)
			break;
		edges->bytes[edges->len++] = (char)byte;
	}
	if (edges->len && text < end && memchr("?*{", *text, 3))
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
	key.kind = RULE_KEY_SUBTREE + (second ? RULE_KEY_PATH2 : 0);
	key.hash = rule_key_path(key.kind, walk.hash);
	return key;
}

static struct build_key of_bytes(unsigned kind, uint32_t price, const char *text, size_t len)
{
	return (struct build_key){.kind = (uint8_t)kind, .price = price,
			.hash = rule_key_bytes(kind, text, len)};
}

static struct build_key ending(const char *text, size_t len, unsigned second)
{
	const char *slash = memrchr(text, '/', len);
	const char *dot = memrchr(text, '.', len);
	const char *end = text + len;
	struct build_key key = {0};

	if (slash)
		return of_bytes(RULE_KEY_FILENAME + second, PRICE_FILENAME, slash + 1,
				(size_t)(end - slash - 1));
	if (dot)
		key = of_bytes(RULE_KEY_SUFFIX + second, PRICE_SUFFIX, dot, (size_t)(end - dot));
	key.exact = dot == text;
	return key;
}

static struct build_key of_path(unsigned kind, uint32_t price, const char *text, size_t len)
{
	struct rule_components walk = {.at = text, .end = text + len};

	while (rule_components_next(&walk))
		;
	return (struct build_key){.kind = (uint8_t)kind, .price = price,
			.hash = rule_key_path(kind, walk.hash)};
}

/* Of a whole text. */
static struct build_key whole_key(enum rule_field_id field, const char *text, size_t len)
{
	struct build_key key = {0};

	switch (field) {
	case RULE_FIELD_FD_NAME:
		key = of_path(RULE_KEY_EXACT, PRICE_EXACT, text, len);
		break;
	case RULE_FIELD_FS_PATH2:
		key = of_path(RULE_KEY_EXACT + RULE_KEY_PATH2, PRICE_EXACT, text, len);
		break;
	case RULE_FIELD_FD_DIRECTORY:
		key = of_path(RULE_KEY_DIRECTORY, PRICE_DIRECTORY, text, len);
		break;
	case RULE_FIELD_FD_FILENAME:
		key = of_bytes(RULE_KEY_FILENAME, PRICE_FILENAME, text, len);
		break;
	case RULE_FIELD_PROC_NAME:
		key = of_bytes(RULE_KEY_NAME, PRICE_NAME, text, len);
		break;
	default:
		break;
	}
	key.exact = true;
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
