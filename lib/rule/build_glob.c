/* SPDX-License-Identifier: BSD-3-Clause */
/* Globs to steps. The loader has refused what does not end, so that each set has its bracket. */
#include "rule/build.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct glob {
	struct build *build;
	const char *at;
	const char *end;
	bool fold;
	uint16_t steps[RULE_VALUE_MAX + 1];
	unsigned count;
	uint8_t (*sets)[32];
	unsigned sets_used;
};

static bool has_bit(const uint8_t *set, unsigned byte)
{
	return set[byte / 8] >> (byte % 8) & 1;
}

static void set_bit(uint8_t *set, unsigned byte)
{
	set[byte / 8] |= (uint8_t)(1u << (byte % 8));
}

static void add_class(uint8_t *set, const char *name, size_t len)
{
	static const struct {
		const char *name;
		int (*has)(int);
	} classes[] = {{"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum},
			{"upper", isupper}, {"lower", islower}, {"space", isspace},
			{"blank", isblank}, {"punct", ispunct}, {"print", isprint},
			{"graph", isgraph}, {"cntrl", iscntrl}, {"xdigit", isxdigit}};
	unsigned byte;
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strlen(classes[i].name) == len && !memcmp(classes[i].name, name, len))
			break;
	for (byte = 0; i < sizeof(classes) / sizeof(classes[0]) && byte < 128; byte++)
		if (classes[i].has((int)byte))
			set_bit(set, byte);
}

/* A member by itself; -1 for a class, which is entered at once. */
static int take_member(struct glob *glob, uint8_t *set)
{
	const char *close;

	if (glob->end - glob->at > 3 && glob->at[0] == '[' && glob->at[1] == ':') {
		close = memmem(glob->at, (size_t)(glob->end - glob->at), ":]", 2);
		if (close) {
			add_class(set, glob->at + 2, (size_t)(close - glob->at) - 2);
			glob->at = close + 2;
			return -1;
		}
	}
	glob->at += *glob->at == '\\' && glob->end - glob->at > 1;
	return (uint8_t)*glob->at++;
}

static void take_range(struct glob *glob, uint8_t *set)
{
	int low = take_member(glob, set);
	int high = low;

	if (glob->end - glob->at > 1 && *glob->at == '-' && glob->at[1] != ']') {
		glob->at++;
		high = take_member(glob, set);
	}
	for (; low >= 0 && low <= high; low++)
		set_bit(set, (unsigned)low);
}

/* Before it is negated: a set has a letter if it has it in either case. */
static void fold_set(uint8_t *set)
{
	unsigned letter;

	for (letter = 'a'; letter <= 'z'; letter++) {
		bool has = has_bit(set, letter) || has_bit(set, letter - 32);

		if (has) {
			set_bit(set, letter);
			set_bit(set, letter - 32);
		}
	}
}

static void take_set(struct glob *glob)
{
	uint8_t *set = glob->sets[glob->sets_used];
	bool negated;
	const char *first;
	unsigned i;

	memset(set, 0, 32);
	glob->at++;
	negated = glob->at < glob->end && (*glob->at == '!' || *glob->at == '^');
	glob->at += negated;
	for (first = glob->at; glob->at < glob->end && (*glob->at != ']' || glob->at == first);)
		take_range(glob, set);
	glob->at += glob->at < glob->end;
	if (glob->fold)
		fold_set(set);
	for (i = 0; negated && i < 32; i++)
		set[i] = (uint8_t)~set[i];
	glob->steps[glob->count++] = (uint16_t)(RULE_GLOB_SET | glob->sets_used++ << 3);
}

static void take_byte(struct glob *glob)
{
	uint8_t byte;
	bool letter;

	glob->at += *glob->at == '\\' && glob->end - glob->at > 1;
	byte = (uint8_t)*glob->at++;
	letter = (byte | 32) >= 'a' && (byte | 32) <= 'z';
	if (glob->fold && letter)
		glob->steps[glob->count++] = (uint16_t)(RULE_GLOB_FOLD | (byte | 32) << 3);
	else
		glob->steps[glob->count++] = (uint16_t)(RULE_GLOB_BYTE | byte << 3);
}

static void take_step(struct glob *glob)
{
	bool star = glob->count && glob->steps[glob->count - 1] == RULE_GLOB_STAR;

	if (*glob->at == '[') {
		take_set(glob);
	} else if (*glob->at == '*') {
		glob->at++;
		if (!star)
			glob->steps[glob->count++] = RULE_GLOB_STAR;
	} else if (*glob->at == '?') {
		glob->at++;
		glob->steps[glob->count++] = RULE_GLOB_SKIP;
	} else {
		take_byte(glob);
	}
}

/* Slashes in a row are one, and at the ends none. */
static void take_slashes(struct glob *glob)
{
	while (glob->at < glob->end && *glob->at == '/')
		glob->at++;
	if (glob->count && glob->at < glob->end)
		glob->steps[glob->count++] = RULE_GLOB_SLASH;
}

/* The steps from the first one to the last one as they are, where each is a byte. */
static bool all_bytes(const struct glob *glob, unsigned from, unsigned to, char *out)
{
	unsigned i;

	for (i = from; i < to; i++) {
		if ((glob->steps[i] & 7) == RULE_GLOB_SLASH)
			out[i - from] = '/';
		else if ((glob->steps[i] & 7) == RULE_GLOB_BYTE)
			out[i - from] = (char)(glob->steps[i] >> 3);
		else
			return false;
	}
	return true;
}

/* What needs no steps: a whole text, or one between stars. */
static bool simple(struct glob *glob, bool paths, struct rule_image_test *test)
{
	bool front = glob->count && glob->steps[0] == RULE_GLOB_STAR;
	bool back = glob->count > front && glob->steps[glob->count - 1] == RULE_GLOB_STAR;
	unsigned len = glob->count - front - back;
	struct rule_image_text text;
	char bytes[RULE_VALUE_MAX + 1];

	if ((paths && (front || back)) || !all_bytes(glob, front, front + len, bytes))
		return false;
	text = build_text(glob->build, bytes, len);
	test->kind = paths ? RULE_TEST_BELOW
		     : front && back ? RULE_TEST_CONTAINS
		     : front	     ? RULE_TEST_ENDS
		     : back	     ? RULE_TEST_STARTS
				     : RULE_TEST_EQUAL;
	if (!len && (front || back || paths))
		test->kind = RULE_TEST_HAS;
	test->a = test->kind == RULE_TEST_HAS ? 0 : text.offset;
	test->b = text.len;
	return true;
}

static void finish(struct glob *glob, bool paths, struct rule_image_test *test)
{
	struct build_bytes bytes = {0};
	struct rule_image_text text;

	if (simple(glob, paths, test))
		return;
	build_add(glob->build, &bytes, glob->steps, glob->count * sizeof(glob->steps[0]));
	build_add(glob->build, &bytes, glob->sets, glob->sets_used * sizeof(glob->sets[0]));
	text = build_text(glob->build, (char *)bytes.data, bytes.len);
	free(bytes.data);
	test->kind = paths ? RULE_TEST_BELOW_GLOB : RULE_TEST_GLOB;
	test->steps = (uint16_t)glob->count;
	test->a = text.offset;
	test->b = text.len;
}

void build_glob(struct build *build, struct rule_text pattern, bool fold, bool paths,
		struct rule_image_test *test)
{
	struct glob glob = {.build = build, .at = pattern.data, .end = pattern.data + pattern.len,
			.fold = fold};

	glob.sets = malloc((pattern.len / 3 + 1) * sizeof(*glob.sets));
	if (!glob.sets) {
		build->error = -ENOMEM;
		return;
	}
	while (glob.at < glob.end && glob.count < RULE_VALUE_MAX) {
		if (paths && *glob.at == '/')
			take_slashes(&glob);
		else
			take_step(&glob);
	}
	finish(&glob, paths, test);
	free(glob.sets);
}
