/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/output.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "event/format.h"
#include "rule/check.h"
#include "rule/place.h"
#include "rule/quote.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes of the name that begins there; a full stop behind it ends a sentence. */
static size_t name_length(const char *at, const char *end)
{
	size_t len = 0;

	while (at + len < end && (is_letter(at[len]) || (at[len] >= '0' && at[len] <= '9') ||
			at[len] == '_' || at[len] == '.'))
		len++;
	while (len && at[len - 1] == '.')
		len--;
	return len;
}

/* Other fields have no brackets: what stands behind them there is text. */
static bool takes_brackets(const struct rule_text *name)
{
	enum rule_field_id id = rule_field_by_name(name->data, name->len);

	return id == RULE_FIELD_ATTR ||
			(id == RULE_FIELD_COUNT && rule_field_foreign(name->data, name->len));
}

bool rule_output_next(const char **at, const char *end, struct rule_text *literal,
		struct rule_output_field *field)
{
	const char *percent = *at;
	size_t brackets = 0;

	while (percent < end && (*percent != '%' || percent + 1 == end || !is_letter(percent[1])))
		percent++;
	*literal = (struct rule_text){*at, (size_t)(percent - *at)};
	*at = percent;
	if (percent == end)
		return false;
	field->name = (struct rule_text){percent + 1, name_length(percent + 1, end)};
	field->argument = (struct rule_text){NULL, 0};
	*at += 1 + field->name.len;
	if (takes_brackets(&field->name))
		brackets = quote_bracket(*at, end);
	if (brackets)
		field->argument = (struct rule_text){*at + 1, brackets - 2};
	*at += brackets;
	return true;
}

bool rule_output_argument(const struct rule_output_field *field,
		char room[RULE_OUTPUT_ARGUMENT_MAX], struct rule_text *name)
{
	const struct rule_text *text = &field->argument;
	ssize_t len;

	*name = *text;
	if (!text->len || text->len > RULE_OUTPUT_ARGUMENT_MAX + 2)
		return false;
	if (quote_is_quoted(text)) {
		len = quote_read(text->data + 1, text->len - 2, room);
		*name = (struct rule_text){room, len > 0 ? (size_t)len : 0};
	}
	return name->len && name->len <= RULE_NAME_MAX;
}

static void print_bytes(struct vex_bytes bytes, FILE *out)
{
	size_t cap = bytes.len * 4 + 1;
	char *text = malloc(cap);
	ssize_t len = text ? vex_format_bytes(bytes, text, cap) : -1;

	if (len > 0)
		fwrite(text, 1, (size_t)len, out);
	free(text);
}

/* UTC, to the nanosecond. */
static void print_time(uint64_t ns, FILE *out)
{
	time_t seconds = (time_t)(ns / 1000000000u);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(out, "%s.%09uZ", text, (unsigned)(ns % 1000000000u));
}

void rule_number_print(enum rule_field_id field, uint64_t number, FILE *out)
{
	const char *word = NULL;

	switch (rule_fields[field].type) {
	case RULE_ENUM:
		word = rule_word_name(field, (unsigned)number);
		break;
	case RULE_SIGNED:
		fprintf(out, "%" PRId64, (int64_t)number);
		return;
	case RULE_TIME:
		print_time(number, out);
		return;
	case RULE_FLAGS:
		fprintf(out, "%#" PRIo64, number);
		return;
	default:
		break;
	}
	if (word)
		fputs(word, out);
	else
		fprintf(out, "%" PRIu64, number);
}

static bool print_labels(const struct vex_record *record, FILE *out)
{
	struct vex_event_space space;
	struct vex_event event;
	uint32_t i;

	vex_event_decode(record, &event, &space);
	for (i = 0; i < event.label_count; i++) {
		fputs(i ? "," : "", out);
		print_bytes(event.labels[i], out);
	}
	return event.label_count;
}

static bool print_core(const struct vex_record *record, enum rule_field_id field,
		struct rule_text argument, FILE *out)
{
	struct vex_bytes name = {argument.data, argument.len};
	struct rule_datum datum;

	if (field == RULE_FIELD_LABEL)
		return print_labels(record, out);
	datum = rule_datum_read(record, field, name);
	if (!datum.has)
		return false;
	if (datum.is_text)
		print_bytes(datum.text, out);
	else
		rule_number_print(field, datum.number, out);
	return true;
}

static bool print_file_type(const struct vex_record *record, enum rule_field_id field, FILE *out)
{
	struct rule_datum mode = rule_datum_read(record, RULE_FIELD_FS_MODE, (struct vex_bytes){NULL, 0});

	if (!mode.has || !(mode.number & S_IFMT))
		return false;
	fputs(rule_word_name(field, (mode.number & S_IFMT) == S_IFDIR), out);
	return true;
}

/* Of an open whose flags are not known neither. */
static bool print_opened(const struct vex_record *record, unsigned how, FILE *out)
{
	struct rule_datum flags = rule_datum_read(record, RULE_FIELD_FS_FLAGS,
			(struct vex_bytes){NULL, 0});
	unsigned access = flags.number & O_ACCMODE;

	if (!lower_is_opener(record->type))
		return fputs("false", out) != EOF;
	return flags.has && fputs(access == how || access == O_RDWR ? "true" : "false", out) != EOF;
}

/* What CORE fields do not say as they are. Of a descriptor there is only whether it is there. */
static bool print_plain(const struct vex_record *record, enum rule_field_id field, FILE *out)
{
	switch (field) {
	case RULE_FIELD_EVT_DIR:
		return fputc('<', out) != EOF;
	case RULE_FIELD_EVT_NUM:
		return fprintf(out, "%" PRIu64, record->id.seq + 1) > 0;
	case RULE_FIELD_EVT_RAWTIME:
		return fprintf(out, "%" PRIu64, record->start_ns) > 0;
	case RULE_FIELD_EVT_FAILED:
		return fputs(record->result < 0 ? "true" : "false", out) != EOF;
	case RULE_FIELD_EVT_IS_OPEN_READ:
		return print_opened(record, O_RDONLY, out);
	case RULE_FIELD_EVT_IS_OPEN_WRITE:
		return print_opened(record, O_WRONLY, out);
	case RULE_FIELD_FD_NUM:
		return lower_lacks_descriptor(record) && fputs("-1", out) != EOF;
	case RULE_FIELD_EVENT_CATEGORY:
		return fputs(vex_category_name(vex_type_category(record->type)), out) != EOF;
	case RULE_FIELD_FD_TYPE:
	case RULE_FIELD_FD_TYPECHAR:
		return print_file_type(record, field, out);
	default:
		return false;
	}
}

bool rule_value_print(const struct vex_record *record, enum rule_field_id field,
		struct rule_text argument, FILE *out)
{
	enum rule_field_id core = rule_fields[field].core ? field : lower_core(field, record);

	if (core != RULE_FIELD_COUNT)
		return print_core(record, core, argument, out);
	return print_plain(record, field, out);
}

bool rule_output_is_field(const struct rule_text *name)
{
	return memchr(name->data, '.', name->len) ||
			rule_field_by_name(name->data, name->len) != RULE_FIELD_COUNT;
}

static void print_field(const struct vex_record *record, const struct rule_output_field *field,
		FILE *out)
{
	enum rule_field_id id = rule_field_by_name(field->name.data, field->name.len);
	struct rule_text name = {NULL, 0};
	char room[RULE_OUTPUT_ARGUMENT_MAX];
	bool known = id != RULE_FIELD_COUNT;

	if (!rule_output_is_field(&field->name)) {
		fprintf(out, "%%%.*s", (int)field->name.len, field->name.data);
		return;
	}
	if (id == RULE_FIELD_ATTR)
		known = rule_output_argument(field, room, &name);
	if (!known || !rule_value_print(record, id, name, out))
		fputs("<NA>", out);
}

void rule_output_print(const struct vex_record *record, struct rule_text output, FILE *out)
{
	const char *at = output.data;
	const char *end = at + output.len;
	struct rule_output_field field;
	struct rule_text literal;
	bool more = true;

	while (more) {
		more = rule_output_next(&at, end, &literal, &field);
		print_bytes((struct vex_bytes){literal.data, literal.len}, out);
		if (more)
			print_field(record, &field, out);
	}
}
