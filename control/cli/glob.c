/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/glob.h"

/* Where to go on when what follows a star did not match. */
struct retry {
	const char *pattern; /* behind the star; NULL: there was none */
	const char *text;    /* the first byte that the star did not take yet */
	bool whole_names;    /* it takes directories, not bytes */
};

struct matcher {
	const char *begin; /* of the pattern */
	const char *pattern;
	const char *text;
	const char *end;
	struct retry star;
	struct retry stars;
};

/* Matches c with the set behind "["; *end is behind "]", or NULL where it is never closed. */
static bool match_set(const char *set, unsigned char c, const char **end)
{
	bool negated = *set == '!' || *set == '^';
	const char *first = set + negated;
	const char *p = first;
	bool found = false;

	for (; *p && (*p != ']' || p == first); p++) {
		unsigned char low;
		unsigned char high;

		p += *p == '\\' && p[1];
		low = high = (unsigned char)*p;
		if (p[1] == '-' && p[2] && p[2] != ']') {
			p += 2;
			p += *p == '\\' && p[1];
			high = (unsigned char)*p;
		}
		found |= c >= low && c <= high;
	}
	*end = *p ? p + 1 : NULL;
	return found != negated;
}

/* Matches one byte of the text with what stands in the pattern, which is no star. */
static bool match_one(struct matcher *m)
{
	const char *p = m->pattern;
	char c = *m->text;
	const char *end;
	bool found;

	if (*p == '?') {
		m->pattern++;
		return c != '/';
	}
	if (*p == '[') {
		found = match_set(p + 1, (unsigned char)c, &end);
		if (end) {
			m->pattern = end;
			return found && c != '/';
		}
	}
	p += *p == '\\' && p[1];
	m->pattern = p + 1;
	return *p == c;
}

static void take_star(struct matcher *m)
{
	bool name = m->pattern == m->begin || m->pattern[-1] == '/';
	struct retry *retry = &m->star;

	m->pattern++;
	if (*m->pattern == '*') {
		while (*m->pattern == '*')
			m->pattern++;
		m->star.pattern = NULL;
		retry = &m->stars;
		retry->whole_names = name && *m->pattern == '/';
		m->pattern += retry->whole_names;
	}
	retry->pattern = m->pattern;
	retry->text = m->text;
}

/* Lets the last star take more; where it can't, the last double star. */
static bool go_back(struct matcher *m)
{
	struct retry *retry = &m->star;

	if (!retry->pattern || retry->text == m->end || *retry->text == '/') {
		m->star.pattern = NULL;
		retry = &m->stars;
		if (!retry->pattern || retry->text == m->end)
			return false;
		while (retry->whole_names && *retry->text != '/')
			if (++retry->text == m->end)
				return false;
	}
	m->text = ++retry->text;
	m->pattern = retry->pattern;
	return true;
}

bool glob_match(const char *pattern, const char *text, size_t len)
{
	struct matcher m = {
		.begin = pattern,
		.pattern = pattern,
		.text = text,
		.end = text + len,
	};

	for (;;) {
		if (*m.pattern == '*') {
			take_star(&m);
		} else if (m.text == m.end) {
			if (!*m.pattern)
				return true;
			if (!go_back(&m))
				return false;
		} else if (*m.pattern && match_one(&m)) {
			m.text++;
		} else if (!go_back(&m)) {
			return false;
		}
	}
}

bool glob_is_closed(const char *pattern)
{
	while (pattern && *pattern) {
		if (*pattern == '[') {
			match_set(pattern + 1, 0, &pattern);
			continue;
		}
		pattern += *pattern == '\\' && pattern[1];
		pattern++;
	}
	return pattern != NULL;
}
