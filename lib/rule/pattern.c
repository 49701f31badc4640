/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a pattern is one: globs and paths by our own rules, regular expressions by Hyperscan's. */
#include <hs/hs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule/check.h"

VEX_STATIC_ASSERT(RULE_REGEX_FLAGS == (HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY),
		"rule.h gives the flags without Hyperscan's header");

/* Longer than any value that is looked at, so that no more than this need be counted. */
#define WIDTH_MAX 65536u

void rule_regex_wrap(struct rule_text pattern, char out[RULE_REGEX_WRAPPED_MAX])
{
	snprintf(out, RULE_REGEX_WRAPPED_MAX, "\\A(?:%.*s)\\z", (int)pattern.len, pattern.data);
}

static bool refuse(struct load *load, const struct word *word, const char *why)
{
	load_say(load, RULE_ERROR, RULE_DIAG_PATTERN, word->pos, NULL, "%s", why);
	return false;
}

static bool examine(struct load *load, const struct word *word, const char *expression)
{
	hs_compile_error_t *error = NULL;
	hs_expr_info_t *info = NULL;
	char why[256];
	bool wide;

	if (hs_expression_info(expression, RULE_REGEX_FLAGS, &info, &error) != HS_SUCCESS) {
		snprintf(why, sizeof(why), "not a regular expression: %s",
				error ? error->message : "refused");
		hs_free_compile_error(error);
		return refuse(load, word, why);
	}
	wide = info->min_width > WIDTH_MAX ||
			(info->max_width != UINT_MAX && info->max_width > WIDTH_MAX);
	free(info);
	return !wide || refuse(load, word, "a regular expression of more than 65536 repetitions");
}

/* Counted repetitions are written out by the compiler: only it knows which are too many. */
static bool compiles(struct load *load, const struct word *word, const char *expression)
{
	hs_compile_error_t *error = NULL;
	hs_database_t *database = NULL;
	char why[256];

	if (!strchr(expression, '{'))
		return true;
	if (hs_compile(expression, RULE_REGEX_FLAGS, HS_MODE_BLOCK, NULL, &database, &error) ==
			HS_SUCCESS) {
		hs_free_database(database);
		return true;
	}
	snprintf(why, sizeof(why), "a regular expression that does not compile: %s",
			error ? error->message : "refused");
	hs_free_compile_error(error);
	return refuse(load, word, why);
}

/* By itself too: what closes a group it did not open would be at home in the wrapping. */
static bool check_regex(struct load *load, const struct word *word)
{
	char wrapped[RULE_REGEX_WRAPPED_MAX];

	rule_regex_wrap(word->text, wrapped);
	return examine(load, word, word->text.data) && examine(load, word, wrapped) &&
			compiles(load, word, wrapped);
}

/* Behind the name of a class of characters, or NULL where it is none. */
static const char *skip_class(const char *at, const char *end)
{
	static const char *const classes[] = {"alpha", "digit", "alnum", "upper", "lower", "space",
			"blank", "punct", "print", "graph", "cntrl", "xdigit"};
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t len = strlen(classes[i]);

		if ((size_t)(end - at) >= len + 4 && !memcmp(at + 2, classes[i], len) &&
				!memcmp(at + 2 + len, ":]", 2))
			return at + len + 4;
	}
	return NULL;
}

/* One character of a set; *byte is -1 for a class. NULL and a reason where it is none. */
static const char *skip_member(const char *at, const char *end, int *byte, const char **why)
{
	*byte = (uint8_t)*at;
	if (*at == '[' && at + 1 < end && at[1] == ':') {
		*byte = -1;
		*why = "a glob with a class of characters that is none";
		return skip_class(at, end);
	}
	if (*at == '[' && at + 1 < end && (at[1] == '.' || at[1] == '=')) {
		*why = "a glob with a collating element, which depends on the language";
		return NULL;
	}
	if (*at != '\\')
		return at + 1;
	*why = "a glob that ends in a backslash";
	if (++at == end)
		return NULL;
	*byte = (uint8_t)*at;
	return at + 1;
}

/* Behind the set that begins at a bracket, or NULL and a reason. */
static const char *skip_set(const char *at, const char *end, const char **why)
{
	const char *first;
	int low;
	int high;

	at++;
	at += at < end && (*at == '!' || *at == '^');
	for (first = at; at && at < end && (*at != ']' || at == first);) {
		at = skip_member(at, end, &low, why);
		if (!at || end - at < 2 || *at != '-' || at[1] == ']')
			continue;
		at = skip_member(at + 1, end, &high, why);
		if (at && (low < 0 || high < 0 || low > high)) {
			*why = "a glob with a range that ends before it begins";
			return NULL;
		}
	}
	if (at == end)
		*why = "a glob with [ but no ] behind it";
	return at && at < end ? at + 1 : NULL;
}

static bool check_glob(struct load *load, const struct word *word, const char *at, const char *end)
{
	const char *why = "not a glob";

	while (at && at < end) {
		if (*at == '[') {
			at = skip_set(at, end, &why);
		} else if (*at == '\\' && at + 1 == end) {
			why = "a glob that ends in a backslash";
			at = NULL;
		} else {
			at += *at == '\\' ? 2 : 1;
		}
	}
	return at || refuse(load, word, why);
}

/* Each component may be a glob, so none may have a set with a slash in it. */
static bool check_paths(struct load *load, const struct word *word)
{
	const char *at = word->text.data;
	const char *end = at + word->text.len;
	bool good = true;

	if (at == end)
		return refuse(load, word, "an empty path");
	while (good && at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));

		good = check_glob(load, word, at, slash ? slash : end);
		at = slash ? slash + 1 : end;
	}
	return good;
}

bool pattern_check(struct load *load, enum rule_op op, const struct word *word)
{
	const char *end = word->text.data + word->text.len;

	if (op == RULE_OP_PMATCH)
		return check_paths(load, word);
	if (op != RULE_OP_REGEX && op != RULE_OP_GLOB && op != RULE_OP_IGLOB)
		return true;
	if (word->text.len > RULE_PATTERN_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, word->pos, NULL,
				"a pattern of more than %u bytes", RULE_PATTERN_MAX);
		return false;
	}
	if (op == RULE_OP_REGEX)
		return check_regex(load, word);
	return check_glob(load, word, word->text.data, end);
}
