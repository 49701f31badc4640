/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of a condition as values of a field's type. */
#include <stdio.h>
#include <string.h>

#include "rule/check.h"
#include "rule/suggest.h"

static bool refuse(struct load *load, const struct rule_node *test, const struct word *word,
		const char *expected, const char *suggestion)
{
	const struct rule_field *field = &rule_fields[test->field];
	struct complaint complaint = {.expected = expected, .suggestion = suggestion};

	load_say(load, RULE_ERROR, RULE_DIAG_TYPE, word->pos, &complaint,
			"'%.*s' is no value of %s, which is %s", SHOWN(word->text), field->name,
			field->type == RULE_UNSIGNED || field->type == RULE_SIGNED ? "a number"
			: field->type == RULE_TIME				   ? "a time"
			: field->type == RULE_FLAGS				   ? "a set of flags"
										   : "true or false");
	return false;
}

static bool read_signed(const struct rule_text *text, int64_t *integer)
{
	bool minus = text->len && text->data[0] == '-';
	bool sign = minus || (text->len && text->data[0] == '+');
	uint64_t number;

	if (!number_read(text->data + sign, text->len - sign, &number) || number > INT64_MAX)
		return false;
	*integer = minus ? -(int64_t)number : (int64_t)number;
	return true;
}

static bool read_octal(const struct rule_text *text, uint64_t *number)
{
	size_t i;

	*number = 0;
	for (i = 0; i < text->len; i++) {
		if (text->data[i] < '0' || text->data[i] > '7' || *number > UINT32_MAX)
			return false;
		*number = *number * 8 + (uint64_t)(text->data[i] - '0');
	}
	return text->len > 1 && text->data[0] == '0';
}

/* Begins as an octal number does, and goes on as none: as a decimal one it would mean another. */
static bool is_broken_octal(const struct rule_text *text)
{
	size_t digits = 0;
	bool beyond = false;

	for (; digits < text->len && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++)
		beyond |= text->data[digits] > '7';
	return digits == text->len && text->len > 1 && text->data[0] == '0' && beyond;
}

static void suggest_flag(enum rule_field_id field, const char *name, size_t len, char *out, size_t cap)
{
	struct rule_suggest suggest = rule_suggest_begin(name, len);
	const char *known;
	unsigned i;

	for (i = 0; (known = rule_flag_known(field, i)); i++)
		rule_suggest_offer(&suggest, known, strlen(known));
	snprintf(out, cap, "%s", suggest.best.data ? suggest.best.data : "");
}

/* Names with | between them, or a number. */
static bool read_flags(struct load *load, const struct rule_node *test, const struct word *word,
		uint64_t *number)
{
	const char *at = word->text.data;
	const char *end = at + word->text.len;
	char near[RULE_FIELD_NAME_MAX];

	if (is_broken_octal(&word->text))
		return refuse(load, test, word, "digits from 0 to 7 behind a 0, as in 0644", NULL);
	if (read_octal(&word->text, number) || number_read(at, word->text.len, number)) {
		if (*number <= UINT32_MAX)
			return true;
		return refuse(load, test, word, "a number of 32 bits", NULL);
	}
	for (*number = 0; at <= end; at++) {
		const char *bar = memchr(at, '|', (size_t)(end - at));
		size_t len = (size_t)((bar ? bar : end) - at);
		uint32_t bits = rule_flag_bits(test->field, at, len);

		if (!bits) {
			suggest_flag(test->field, at, len, near, sizeof(near));
			return refuse(load, test, word, test->field == RULE_FIELD_FS_MODE
					? "S_ISUID, S_IWOTH, ..., with | between them, or a number"
					: "O_CREAT, O_TRUNC, ..., with | between them, or a number",
					*near ? near : NULL);
		}
		*number |= bits;
		at += len;
	}
	return true;
}

static bool read_bool(const struct rule_text *text, uint64_t *number)
{
	*number = text->len == 4 && !memcmp(text->data, "true", 4);
	return *number || (text->len == 5 && !memcmp(text->data, "false", 5));
}

static bool read_text(struct load *load, const struct word *word, union rule_value *value)
{
	value->text = load_keep_text(load, word->text);
	return value->text.data;
}

bool value_read(struct load *load, const struct rule_node *test, const struct word *word,
		union rule_value *value)
{
	const struct rule_text *text = &word->text;
	bool duration = test->field == RULE_FIELD_EVENT_DURATION;

	switch (rule_fields[test->field].type) {
	case RULE_UNSIGNED:
		if (duration ? duration_read(text->data, text->len, 1, &value->number)
			     : number_read(text->data, text->len, &value->number))
			return true;
		return refuse(load, test, word, duration
				? "nanoseconds, or a number with ns, us, ms, s, m, h or d"
				: "a number from 0", NULL);
	case RULE_SIGNED:
		return read_signed(text, &value->integer) ||
				refuse(load, test, word, "a number", NULL);
	case RULE_TIME:
		return time_read(text->data, text->len, &value->number) ||
				refuse(load, test, word, "a time such as 2026-01-31T23:59:59Z, "
						"or nanoseconds since 1970", NULL);
	case RULE_FLAGS:
		return read_flags(load, test, word, &value->number);
	case RULE_BOOL:
		return read_bool(text, &value->number) ||
				refuse(load, test, word, "true or false", NULL);
	default:
		return read_text(load, word, value);
	}
}

static bool has_part(enum rule_op op, const char *name, const struct rule_text *part)
{
	size_t len = strlen(name);

	if (part->len > len)
		return false;
	if (op == RULE_OP_STARTSWITH)
		return !memcmp(name, part->data, part->len);
	if (op == RULE_OP_ENDSWITH)
		return !memcmp(name + len - part->len, part->data, part->len);
	return memmem(name, len, part->data, part->len);
}

static bool add_matching(struct load *load, enum rule_field_id field, enum rule_op op,
		const struct word *word, struct rule_words *words)
{
	bool some = false;
	unsigned value;

	for (value = 0; value < 256; value++) {
		const char *name = rule_word_name(field, value);

		if (name && has_part(op, name, &word->text)) {
			rule_words_add(words, value);
			some = true;
		}
	}
	if (!some)
		load_say(load, RULE_WARNING, RULE_DIAG_CONSTANT, word->pos, NULL,
				"no value of %s %s '%.*s'", rule_fields[field].name,
				rule_ops[op].name, SHOWN(word->text));
	return true;
}

static void say_no_word(struct load *load, enum rule_field_id field, const struct word *word)
{
	struct rule_suggest suggest = rule_suggest_begin(word->text.data, word->text.len);
	struct complaint complaint = {NULL, NULL};
	const char *known;
	unsigned i;

	for (i = 0; (known = rule_word_known(field, i)); i++)
		rule_suggest_offer(&suggest, known, strlen(known));
	complaint.suggestion = suggest.best.data;
	if (field != RULE_FIELD_EVT_TYPE && field != RULE_FIELD_EVT_RES)
		complaint.expected = rule_fields[field].text;
	load_say(load, RULE_ERROR, RULE_DIAG_TYPE, word->pos, &complaint,
			"'%.*s' is no value of %s", SHOWN(word->text), rule_fields[field].name);
}

bool value_words(struct load *load, enum rule_field_id field, enum rule_op op,
		const struct word *word, struct rule_words *words, const char **foreign)
{
	if (op == RULE_OP_CONTAINS || op == RULE_OP_STARTSWITH || op == RULE_OP_ENDSWITH)
		return add_matching(load, field, op, word, words);
	switch (rule_word_find(field, word->text.data, word->text.len, words, foreign)) {
	case RULE_WORD_FOUND:
	case RULE_WORD_FOREIGN:
		return true;
	default:
		say_no_word(load, field, word);
		return false;
	}
}
