/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_match.h"

#include <ctype.h>

static uint8_t at(struct vex_bytes text, size_t i)
{
	return ((const uint8_t *)text.data)[i];
}

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static uint8_t upper(uint8_t byte)
{
	return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 'a' + 'A') : byte;
}

/* Whether part stands in text at the offset. */
static bool stands_at(struct vex_bytes text, size_t offset, struct rule_text part, bool fold)
{
	size_t i;

	if (offset > text.len || part.len > text.len - offset)
		return false;
	for (i = 0; i < part.len; i++) {
		uint8_t a = at(text, offset + i);
		uint8_t b = (uint8_t)part.data[i];

		if (fold ? lower(a) != lower(b) : a != b)
			return false;
	}
	return true;
}

bool match_equal(struct vex_bytes text, struct rule_text with)
{
	return text.len == with.len && stands_at(text, 0, with, false);
}

bool match_contains(struct vex_bytes text, struct rule_text part, bool fold)
{
	size_t offset;

	for (offset = 0; offset <= text.len; offset++)
		if (stands_at(text, offset, part, fold))
			return true;
	return false;
}

bool match_starts(struct vex_bytes text, struct rule_text part)
{
	return stands_at(text, 0, part, false);
}

bool match_ends(struct vex_bytes text, struct rule_text part)
{
	return part.len <= text.len && stands_at(text, text.len - part.len, part, false);
}

static bool in_class(const char *name, size_t len, uint8_t byte)
{
	static const struct {
		const char *name;
		int (*has)(int);
	} classes[] = {{"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum},
			{"upper", isupper}, {"lower", islower}, {"space", isspace},
			{"blank", isblank}, {"punct", ispunct}, {"print", isprint},
			{"graph", isgraph}, {"cntrl", iscntrl}, {"xdigit", isxdigit}};
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strlen(classes[i].name) == len && !memcmp(classes[i].name, name, len))
			return byte < 128 && classes[i].has(byte);
	return false;
}

/* Reads a member of a set, one byte or a class; tells whether it is the byte or holds it. */
static size_t member(const char *pattern, uint8_t byte, int *low, bool *has)
{
	const char *end;

	if (pattern[0] == '[' && pattern[1] == ':') {
		end = strstr(pattern, ":]");
		*has = in_class(pattern + 2, (size_t)(end - pattern) - 2, byte);
		*low = -1;
		return (size_t)(end - pattern) + 2;
	}
	*low = (uint8_t)pattern[pattern[0] == '\\'];
	*has = *low == byte;
	return pattern[0] == '\\' ? 2 : 1;
}

/* Whether the set that begins at a bracket holds the byte; *len is the set's. */
static bool set_has(const char *pattern, uint8_t byte, size_t *len)
{
	bool negated = pattern[1] == '!' || pattern[1] == '^';
	size_t first = negated ? 2 : 1;
	size_t i = first;
	bool found = false;
	bool has;
	int low;
	int high;

	while (pattern[i] != ']' || i == first) {
		i += member(pattern + i, byte, &low, &has);
		if (pattern[i] == '-' && pattern[i + 1] != ']') {
			i += 1 + member(pattern + i + 1, byte, &high, &has);
			has = byte >= low && byte <= high;
		}
		found |= has;
	}
	*len = i + 1;
	return found != negated;
}

/* Of one byte, in either case where case does not count: a set may hold the other one. */
static bool set_takes(const char *pattern, uint8_t byte, bool fold, size_t *len)
{
	bool negated = pattern[1] == '!' || pattern[1] == '^';
	bool a = set_has(pattern, fold ? lower(byte) : byte, len);
	bool b = set_has(pattern, fold ? upper(byte) : byte, len);

	return negated ? a && b : a || b;
}

/* The pattern against all of the text, by all the ways that stars leave open. */
static bool glob(const char *pattern, const char *end, struct vex_bytes text, size_t i, bool fold)
{
	const char *star = NULL; /* the last one, and where it may have to take one more */
	size_t from = 0;

	for (;;) {
		size_t len = 1;
		bool good = false;

		if (pattern < end && *pattern == '*') {
			star = pattern++;
			from = i;
			continue;
		}
		if (pattern == end && i == text.len)
			return true;
		if (pattern < end && i < text.len) {
			uint8_t byte = at(text, i);

			if (*pattern == '?') {
				good = true;
			} else if (*pattern == '[') {
				good = set_takes(pattern, byte, fold, &len);
			} else {
				len = *pattern == '\\' ? 2 : 1;
				good = fold ? lower((uint8_t)pattern[len - 1]) == lower(byte)
					    : (uint8_t)pattern[len - 1] == byte;
			}
		}
		if (good) {
			pattern += len;
			i++;
		} else if (star && from < text.len) {
			pattern = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
}

bool match_glob(struct vex_bytes text, struct rule_text pattern, bool fold)
{
	return glob(pattern.data, pattern.data + pattern.len, text, 0, fold);
}

/* The next component from *i on; false where there is none. Slashes in a row count as one. */
static bool component(const char *data, size_t len, size_t *i, struct rule_text *part)
{
	size_t start;

	while (*i < len && data[*i] == '/')
		++*i;
	start = *i;
	while (*i < len && data[*i] != '/')
		++*i;
	*part = (struct rule_text){data + start, *i - start};
	return part->len > 0;
}

bool match_path(struct vex_bytes text, struct rule_text path)
{
	struct rule_text want;
	struct rule_text have;
	size_t i = 0;
	size_t j = 0;

	while (component(path.data, path.len, &i, &want)) {
		if (!component(text.data, text.len, &j, &have))
			return false;
		if (!glob(want.data, want.data + want.len, (struct vex_bytes){have.data, have.len}, 0,
				    false))
			return false;
	}
	return true;
}
