/* SPDX-License-Identifier: BSD-3-Clause */
/* Random sets of rules, as text. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule/field.h"
#include "support/rule_draw.h"

static void __attribute__((format(printf, 2, 3))) put(struct rule_random *random,
		const char *format, ...)
{
	va_list args;
	int n;

	if (random->cap - random->len < 8192) {
		random->cap = random->cap * 2 + 65536;
		random->text = realloc(random->text, random->cap);
		if (!random->text)
			abort();
	}
	va_start(args, format);
	n = vsnprintf(random->text + random->len, random->cap - random->len, format, args);
	va_end(args);
	random->len += (size_t)n;
}

/* In double quotes within the single quotes of YAML. */
static void put_quoted(struct rule_random *random, const char *text, size_t len)
{
	size_t i;

	put(random, "\"");
	for (i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text[i];

		if (c < ' ' || c >= 0x7f)
			put(random, "\\x%02x", c);
		else if (c == '"' || c == '\\')
			put(random, "\\%c", c);
		else
			put(random, c == '\'' ? "''" : "%c", c);
	}
	put(random, "\"");
}

static void swap_case(struct rule_random *random, char *text)
{
	for (; *text; text++)
		if (((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')) &&
				chance(random, 30))
			*text ^= 0x20;
}

/* A text that a field may have. */
static void draw_text(struct rule_random *random, enum rule_field_id field, char *out, size_t cap)
{
	static const char *const values[] = {"", "text/plain", "42", "text/", "html", "a"};
	const char *path = draw_path(random);
	const char *slash = strrchr(path, '/');

	if (field == RULE_FIELD_PROC_NAME || field == RULE_FIELD_LABEL)
		snprintf(out, cap, "%s", draw_name(random));
	else if (field == RULE_FIELD_ATTR)
		snprintf(out, cap, "%s", values[draw(random, 6)]);
	else if (field == RULE_FIELD_FD_FILENAME)
		snprintf(out, cap, "%s", slash ? slash + 1 : path);
	else if (field == RULE_FIELD_FD_DIRECTORY && slash)
		snprintf(out, cap, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	else
		snprintf(out, cap, "%s", path);
}

/* The first directories of a path, a component of them a glob at times. */
static void make_prefix(struct rule_random *random, char *text)
{
	size_t parts = 1 + draw(random, 5);
	char *at = text + 1;
	char *end;

	while (parts-- && (end = strchr(at, '/'))) {
		if (!parts)
			*end = '\0';
		at = end + 1;
	}
	at = strrchr(text, '/');
	if (at && at[1] && chance(random, 20))
		strcpy(at + 1 + draw(random, strlen(at + 1)), "*");
	else if (chance(random, 10))
		strcat(text, "/");
}

static void make_glob(struct rule_random *random, const char *text, char *out, size_t cap)
{
	static const char *const sets[] = {"[a-z]", "[!x]", "[[:alnum:]]", "[^/]", "[]a-]", "[A-Z.]"};
	size_t n = 0;

	while (*text && n + 24 < cap) {
		size_t skip = 1 + draw(random, 6);

		if (chance(random, 8)) {
			out[n++] = '*';
			text += skip < strlen(text) ? skip : strlen(text);
		} else if (chance(random, 4)) {
			out[n++] = '?';
			text++;
		} else if (chance(random, 3)) {
			n += (size_t)sprintf(out + n, "%s", sets[draw(random, 6)]);
			text++;
		} else {
			if (strchr("*?[\\", *text))
				out[n++] = '\\';
			out[n++] = *text++;
		}
	}
	out[n] = '\0';
}

static void make_regex(struct rule_random *random, const char *text, char *out, size_t cap)
{
	static const char *const parts[] = {".", "[a-z]+", "\\w*", "[^/]*", "(?:a|b|.)", "\\S?",
			"[[:alpha:]]", ".{1,3}"};
	size_t n = 0;

	if (chance(random, 10))
		out[n++] = '^';
	while (*text && n + 24 < cap) {
		size_t skip = 1 + draw(random, 4);

		if (chance(random, 7)) {
			n += (size_t)sprintf(out + n, "%s", parts[draw(random, 8)]);
			text += skip < strlen(text) ? skip : strlen(text);
		} else if (chance(random, 3)) {
			n += (size_t)sprintf(out + n, ".*");
			break;
		} else {
			if (strchr("\\^$.[|()?*+{}", *text))
				out[n++] = '\\';
			out[n++] = *text++;
		}
	}
	out[n] = '\0';
}

/* What an operator compares a text with. */
static void put_pattern(struct rule_random *random, enum rule_field_id field, enum rule_op op)
{
	char text[1200];
	char made[900];
	size_t len;

	draw_text(random, field, text, sizeof(text) - 4);
	text[700] = '\0';
	len = strlen(text);
	if (op == RULE_OP_ICONTAINS || op == RULE_OP_IGLOB)
		swap_case(random, text);
	if (op == RULE_OP_GLOB || op == RULE_OP_IGLOB) {
		make_glob(random, text, made, sizeof(made));
		put_quoted(random, made, strlen(made));
	} else if (op == RULE_OP_REGEX) {
		make_regex(random, text, made, sizeof(made));
		put_quoted(random, made, strlen(made));
	} else if (op == RULE_OP_STARTSWITH) {
		put_quoted(random, text, draw(random, len + 1));
	} else if (op == RULE_OP_ENDSWITH) {
		size_t from = len - draw(random, len < 8 ? len + 1 : 8);

		put_quoted(random, text + from, len - from);
	} else if (op == RULE_OP_CONTAINS || op == RULE_OP_ICONTAINS) {
		size_t from = draw(random, len + 1);

		put_quoted(random, text + from, draw(random, len - from + 1) % 12);
	} else {
		put_quoted(random, text, len);
	}
}

static void put_path_value(struct rule_random *random)
{
	char text[1200];

	snprintf(text, sizeof(text) - 4, "%s", draw_path(random));
	if (strpbrk(text, "[\\"))
		strcpy(text, "/usr");
	make_prefix(random, text);
	put_quoted(random, text, strlen(text));
}

static void put_number(struct rule_random *random, enum rule_field_id field)
{
	switch (rule_fields[field].type) {
	case RULE_TIME:
		put(random, "%" PRIu64, draw_time(random));
		break;
	case RULE_BOOL:
		put(random, chance(random, 50) ? "true" : "false");
		break;
	case RULE_SIGNED:
		put(random, "%d", chance(random, 50) ? -(int)draw(random, 40)
						      : (int)draw(random, 3) * 2048);
		break;
	case RULE_FLAGS:
		put(random, "%u", (unsigned)(chance(random, 50) ? 1u << draw(random, 16)
								: draw(random, 0200000)));
		break;
	default:
		put(random, "%" PRIu64, draw_number(random));
		break;
	}
}

static void put_word(struct rule_random *random, enum rule_field_id field)
{
	unsigned known = 0;

	while (rule_word_known(field, known))
		known++;
	put(random, "%s", rule_word_known(field, (unsigned)draw(random, known)));
}

static void put_value(struct rule_random *random, enum rule_field_id field, enum rule_op op)
{
	enum rule_type type = rule_fields[field].type;

	if (op == RULE_OP_PMATCH)
		put_path_value(random);
	else if (type == RULE_ENUM)
		put_word(random, field);
	else if (type == RULE_STRING || type == RULE_PATH || type == RULE_STRINGS)
		put_pattern(random, field, op);
	else
		put_number(random, field);
}

static void put_list(struct rule_random *random, enum rule_field_id field, enum rule_op op)
{
	size_t count = draw(random, 5);
	size_t i;

	put(random, " (");
	for (i = 0; i <= count; i++) {
		put(random, i ? ", " : "");
		put_value(random, field, op);
	}
	put(random, ")");
}

/* Lists of a set hold names of processes. */
static bool put_named_list(struct rule_random *random, enum rule_field_id field)
{
	if (!random->lists || (field != RULE_FIELD_PROC_NAME && field != RULE_FIELD_LABEL) ||
			chance(random, 50))
		return false;
	put(random, chance(random, 50) ? " list%u" : " (list%u)",
			(unsigned)draw(random, random->lists));
	return true;
}

static enum rule_field_id draw_field(struct rule_random *random)
{
	static const enum rule_field_id often[] = {RULE_FIELD_FD_NAME, RULE_FIELD_FD_NAME,
			RULE_FIELD_EVT_TYPE, RULE_FIELD_PROC_NAME, RULE_FIELD_FD_DIRECTORY,
			RULE_FIELD_FD_FILENAME, RULE_FIELD_FS_PATH2, RULE_FIELD_USER_UID};

	if (chance(random, 60))
		return often[draw(random, sizeof(often) / sizeof(often[0]))];
	return (enum rule_field_id)draw(random, RULE_FIELD_COUNT);
}

static void put_test(struct rule_random *random)
{
	enum rule_field_id field = draw_field(random);
	enum rule_op op;

	do
		op = (enum rule_op)draw(random, RULE_OP_COUNT);
	while (!(rule_ops[op].types & 1u << rule_fields[field].type));
	if (chance(random, 1) && chance(random, 30)) {
		put(random, "container.id = host");
		return;
	}
	if (field == RULE_FIELD_FD_NUM) { /* more than this would be unsupported */
		put(random, chance(random, 50) ? "fd.num >= 0" : "fd.num = -1");
		return;
	}
	put(random, "%s%s %s", rule_fields[field].name,
			field != RULE_FIELD_ATTR	   ? ""
			: chance(random, 70)		   ? "[mime]"
							   : "[\"x y\"]",
			rule_ops[op].name);
	if (rule_ops[op].values == RULE_VALUES_LIST) {
		if (op == RULE_OP_PMATCH || !put_named_list(random, field))
			put_list(random, field, op);
	} else if (rule_ops[op].values == RULE_VALUES_ONE) {
		put(random, " ");
		put_value(random, field, op);
	}
}

static void put_condition(struct rule_random *random, unsigned depth)
{
	size_t parts = 1 + draw(random, 3);
	bool all = chance(random, 50);
	size_t i;

	if (!depth || chance(random, 25)) {
		if (random->macros && chance(random, 20))
			put(random, "macro%u", (unsigned)draw(random, random->macros));
		else
			put_test(random);
		return;
	}
	for (i = 0; i <= parts; i++) {
		put(random, !i ? "" : all ? " and " : " or ");
		put(random, chance(random, 20) ? "not (" : "(");
		put_condition(random, depth - 1);
		put(random, ")");
	}
}

static void put_macro(struct rule_random *random)
{
	put(random, "- macro: macro%u\n  condition: '", random->macros);
	put_condition(random, 2);
	put(random, "'\n");
	random->macros++; /* from now on it can be named */
}

static void put_list_definition(struct rule_random *random)
{
	size_t count = draw(random, 5);
	size_t i;

	put(random, "- list: list%u\n  items: [", random->lists);
	for (i = 0; i <= count; i++)
		put(random, "%s\"%s\"", i ? ", " : "", draw_name(random));
	if (random->lists && chance(random, 50))
		put(random, ", list%u", (unsigned)draw(random, random->lists));
	put(random, "]\n");
	random->lists++;
}

static void put_schedule(struct rule_random *random)
{
	static const char *const days[] = {"mon-fri", "sat", "sun-tue", "[mon, wed]"};
	static const char *const hours[] = {"08:00-18:00", "22:00-06:00", "[00:00-00:01, 12:00-24:00]"};

	put(random, "  schedule: {days: %s, hours: %s, offset: \"%c%02u:30\"}\n",
			days[draw(random, 4)], hours[draw(random, 3)], chance(random, 50) ? '+' : '-',
			(unsigned)draw(random, 13));
}

static void put_rule(struct rule_random *random, uint32_t number)
{
	put(random, "- rule: rule%u\n  condition: '", number);
	put_condition(random, 3);
	put(random, "'\n");
	if (chance(random, 5))
		put_schedule(random);
	if (chance(random, 10))
		put(random, "  match: first\n");
	if (chance(random, 3))
		put(random, "  enabled: false\n");
	if (chance(random, 5)) {
		put(random, "- rule: rule%u\n  append: true\n  condition: '%s ", number,
				chance(random, 50) ? "and" : "or");
		put_condition(random, 1);
		put(random, "'\n");
	}
}

const char *rule_random_set(struct rule_random *random, uint32_t rules, size_t *len)
{
	size_t lists = draw(random, 4);
	size_t macros = draw(random, 6);
	uint32_t i;

	random->len = 0;
	random->lists = 0;
	random->macros = 0;
	put(random, "# random\n");
	while (lists--)
		put_list_definition(random);
	while (macros--)
		put_macro(random);
	for (i = 0; i < rules; i++)
		put_rule(random, i);
	*len = random->len;
	return random->text;
}
