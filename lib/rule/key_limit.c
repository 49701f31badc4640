/* SPDX-License-Identifier: BSD-3-Clause */
/* Our own keys that let some of the matching events go on: sample, rate, suppress, schedule. */
#include <string.h>

#include "rule/check.h"
#include "rule/define.h"

#define SECOND 1000000000ull

/* The part of a mapping, or the value itself where it is no mapping. */
static const struct yaml_node *main_part(struct load *load, const struct yaml_node *value,
		const char *const *keys)
{
	const struct yaml_node *part = value;

	if (value->kind == YAML_MAP) {
		if (!define_check_keys(load, value, keys))
			return NULL;
		part = yaml_find(value, keys[0]);
		if (!part) {
			load_say(load, RULE_ERROR, RULE_DIAG_MISSING, load_pos(load, &value->scalar), NULL,
					"the key '%s' is missing", keys[0]);
			return NULL;
		}
	}
	return define_scalar(load, part, RULE_NAME_MAX) ? part : NULL;
}

static bool read_by(struct load *load, const struct yaml_node *value, struct rule_keys *keys)
{
	const struct yaml_node *by = yaml_find(value, "by");

	keys->count = 0;
	return !by || define_keys(load, by, keys);
}

static bool split(const struct rule_text *text, char at, struct rule_text *left,
		struct rule_text *right)
{
	const char *found = memchr(text->data, at, text->len);

	if (!found)
		return false;
	*left = (struct rule_text){text->data, (size_t)(found - text->data)};
	*right = (struct rule_text){found + 1, text->len - left->len - 1};
	return true;
}

static bool read_u32(const struct rule_text *text, uint32_t min, uint32_t *out)
{
	uint64_t number;

	if (!number_read(text->data, text->len, &number) || number < min || number > UINT32_MAX)
		return false;
	*out = (uint32_t)number;
	return true;
}

/* 1/100 or 10% */
static bool read_share(const struct rule_text *text, struct rule_sample *sample)
{
	struct rule_text left;
	struct rule_text right;

	if (split(text, '/', &left, &right))
		return read_u32(&left, 1, &sample->num) && read_u32(&right, 1, &sample->den) &&
				sample->num <= sample->den;
	if (!text->len || text->data[text->len - 1] != '%')
		return false;
	left = (struct rule_text){text->data, text->len - 1};
	sample->den = 100;
	return read_u32(&left, 1, &sample->num) && sample->num <= 100;
}

DEFINE_KEY(sample)
{
	static const char *const keys[] = {"share", "by", NULL};
	const struct yaml_node *part = main_part(load, value, keys);
	struct rule_sample sample = {0};

	(void)how;
	if (!part)
		return;
	if (!read_share(&part->scalar.text, &sample))
		define_refuse(load, part, "a share such as 1/100 or 5%");
	else if (read_by(load, value, &sample.by))
		draft->rule.sample = sample;
}

bool flow_read(const struct rule_text *text, uint64_t *events, uint64_t *per_ns)
{
	struct rule_text left;
	struct rule_text right;
	uint32_t number;
	char unit[RULE_NAME_MAX + 2] = "1";

	if (!split(text, '/', &left, &right) || !read_u32(&left, 1, &number) || !right.len)
		return false;
	*events = number;
	if (right.data[0] >= '0' && right.data[0] <= '9')
		return duration_read(right.data, right.len, SECOND, per_ns) && *per_ns &&
				*per_ns <= RULE_INTERVAL_MAX;
	memcpy(unit + 1, right.data, right.len);
	return duration_read(unit, right.len + 1, SECOND, per_ns);
}

DEFINE_KEY(rate)
{
	static const char *const keys[] = {"limit", "burst", "by", NULL};
	const struct yaml_node *part = main_part(load, value, keys);
	const struct yaml_node *burst = yaml_find(value, "burst");
	struct rule_rate rate = {0};
	uint32_t number;

	(void)how;
	if (!part)
		return;
	if (!flow_read(&part->scalar.text, &rate.events, &rate.per_ns)) {
		define_refuse(load, part, "a rate such as 100/s or 5/10m");
		return;
	}
	rate.burst = rate.events;
	if (burst && (burst->kind != YAML_SCALAR || !read_u32(&burst->scalar.text, 1, &number))) {
		define_refuse(load, burst, "a number from 1");
		return;
	}
	if (burst)
		rate.burst = number;
	if (read_by(load, value, &rate.by))
		draft->rule.rate = rate;
}

DEFINE_KEY(suppress)
{
	static const char *const keys[] = {"for", "by", NULL};
	const struct yaml_node *part = main_part(load, value, keys);
	struct rule_suppress suppress = {0};

	(void)how;
	if (!part)
		return;
	if (!duration_read(part->scalar.text.data, part->scalar.text.len, SECOND, &suppress.for_ns) ||
			!suppress.for_ns || suppress.for_ns > RULE_INTERVAL_MAX)
		define_refuse(load, part, "a duration such as 30s or 5m, up to a year");
	else if (read_by(load, value, &suppress.by))
		draft->rule.suppress = suppress;
}

static int day_number(const char *text, size_t len)
{
	static const char names[] = "montuewedthufrisatsun";
	int i;

	for (i = 0; len == 3 && i < 7; i++)
		if (!memcmp(names + i * 3, text, 3))
			return i;
	return -1;
}

/* mon, or mon-fri, or sat-mon */
static bool add_days(struct load *load, const struct yaml_node *value, uint8_t *days)
{
	const struct rule_text *text = &value->scalar.text;
	struct rule_text left = *text;
	struct rule_text right = *text;
	int first;
	int last;

	if (!define_scalar(load, value, RULE_NAME_MAX))
		return false;
	split(text, '-', &left, &right);
	first = day_number(left.data, left.len);
	last = day_number(right.data, right.len);
	if (first < 0 || last < 0) {
		define_refuse(load, value, "mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri");
		return false;
	}
	for (*days |= (uint8_t)(1u << last); first != last; first = (first + 1) % 7)
		*days |= (uint8_t)(1u << first);
	return true;
}

static bool read_days(struct load *load, const struct yaml_node *value, uint8_t *days)
{
	const struct yaml_node *node;
	bool good;

	if (value->kind != YAML_LIST)
		return add_days(load, value, days);
	if (!value->first)
		define_refuse(load, value, "at least one day");
	good = value->first;
	for (node = value->first; node; node = node->next)
		good &= add_days(load, node, days);
	return good;
}

static bool read_clock(const struct rule_text *text, uint16_t *minutes)
{
	struct rule_text left;
	struct rule_text right;
	uint32_t hour;
	uint32_t minute;

	if (!split(text, ':', &left, &right) || left.len != 2 || right.len != 2 ||
			!read_u32(&left, 0, &hour) || !read_u32(&right, 0, &minute) || minute > 59)
		return false;
	*minutes = (uint16_t)(hour * 60 + minute);
	return *minutes <= 1440;
}

/* 08:00-18:00 */
static bool read_hours(struct load *load, const struct yaml_node *value, struct rule_window *window)
{
	struct rule_text left;
	struct rule_text right;

	if (value->kind == YAML_SCALAR && split(&value->scalar.text, '-', &left, &right) &&
			read_clock(&left, &window->from) && read_clock(&right, &window->to) &&
			window->from < 1440 && window->to > 0)
		return true;
	define_refuse(load, value, "hours such as 08:00-18:30 or 22:00-06:00");
	return false;
}

static bool read_offset(struct load *load, const struct yaml_node *value, int16_t *offset)
{
	struct rule_text clock = value->scalar.text;
	bool west = clock.len && clock.data[0] == '-';
	uint16_t minutes = 0;

	if (value->kind == YAML_SCALAR && clock.len == 6 && (west || clock.data[0] == '+')) {
		clock.data++;
		clock.len--;
		if (read_clock(&clock, &minutes) && minutes <= 14 * 60) {
			*offset = (int16_t)(west ? -minutes : minutes);
			return true;
		}
	}
	define_refuse(load, value, "a distance from UTC such as \"+02:00\"");
	return false;
}

static bool read_windows(struct load *load, const struct yaml_node *hours, uint8_t days,
		struct rule_schedule *schedule)
{
	struct rule_window windows[RULE_WINDOWS_MAX] = {{.days = days, .from = 0, .to = 1440}};
	const struct yaml_node *node = hours;
	bool good = true;

	if (hours && hours->kind == YAML_LIST && !hours->first) {
		define_refuse(load, hours, "at least one window such as 08:00-18:30");
		return false;
	}
	schedule->count = 1;
	if (hours && hours->kind == YAML_LIST) {
		node = hours->first;
		schedule->count = 0;
		for (; node; node = node->next) {
			if (schedule->count == RULE_WINDOWS_MAX) {
				load_say(load, RULE_ERROR, RULE_DIAG_LIMIT,
						load_pos(load, &node->scalar), NULL,
						"more than %u windows", RULE_WINDOWS_MAX);
				return false;
			}
			windows[schedule->count].days = days;
			good &= read_hours(load, node, &windows[schedule->count++]);
		}
	} else if (hours) {
		good = read_hours(load, hours, &windows[0]);
	}
	if (!good)
		return false;
	schedule->windows = rule_memory_copy(load->keep, windows,
			schedule->count * sizeof(*windows));
	if (schedule->count && !schedule->windows)
		return load_no_memory(load), false;
	return true;
}

DEFINE_KEY(schedule)
{
	static const char *const keys[] = {"days", "hours", "offset", NULL};
	const struct yaml_node *days = yaml_find(value, "days");
	const struct yaml_node *offset = yaml_find(value, "offset");
	struct rule_schedule schedule = {0};
	uint8_t mask = 0;
	bool good;

	(void)how;
	if (value->kind != YAML_MAP || !value->first) {
		define_refuse(load, value, "a mapping with days, hours, offset");
		return;
	}
	good = define_check_keys(load, value, keys);
	good &= !days || read_days(load, days, &mask);
	good &= !offset || read_offset(load, offset, &schedule.offset_minutes);
	good &= read_windows(load, yaml_find(value, "hours"), days ? mask : 0x7f, &schedule);
	if (good)
		draft->rule.schedule = schedule;
}
