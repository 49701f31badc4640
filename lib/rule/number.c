/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers, durations and times as people write them. */
#include <string.h>
#include <time.h>

#include "rule/check.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{"k", 1000}, {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000}, {"TB", 1000000000000},
	{"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40},
	{NULL, 0},
};
static const struct unit durations[] = {
	{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},
	{"h", 3600000000000}, {"d", 86400000000000}, {NULL, 0},
};

/* Digits from *at on; false where there are none or too many. */
static bool read_digits(const char **at, const char *end, unsigned base, uint64_t *number)
{
	const char *start = *at;
	unsigned digit;

	*number = 0;
	for (; *at < end; (*at)++) {
		char c = **at;

		digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
				: (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (unsigned)((c | 0x20) - 'a' + 10)
									 : base;
		if (digit >= base)
			break;
		if (__builtin_mul_overflow(*number, base, number) ||
				__builtin_add_overflow(*number, digit, number))
			return false;
	}
	return *at > start;
}

static bool apply_unit(const struct unit *units, const char *at, const char *end, uint64_t *number)
{
	for (; units->name; units++)
		if (strlen(units->name) == (size_t)(end - at) &&
				!memcmp(units->name, at, (size_t)(end - at)))
			return !__builtin_mul_overflow(*number, units->factor, number);
	return false;
}

bool number_read(const char *text, size_t len, uint64_t *number)
{
	const char *end = text + len;

	if (len > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		text += 2;
		return read_digits(&text, end, 16, number) && text == end;
	}
	if (!read_digits(&text, end, 10, number))
		return false;
	return text == end || apply_unit(sizes, text, end, number);
}

bool duration_read(const char *text, size_t len, uint64_t default_unit, uint64_t *ns)
{
	const char *end = text + len;

	if (!read_digits(&text, end, 10, ns))
		return false;
	if (text == end)
		return !__builtin_mul_overflow(*ns, default_unit, ns);
	return apply_unit(durations, text, end, ns);
}

/* Exactly so many digits, and what follows them. */
static bool read_part(const char **at, const char *end, unsigned digits, char behind, int *part)
{
	*part = 0;
	while (digits--) {
		if (*at >= end || **at < '0' || **at > '9')
			return false;
		*part = *part * 10 + (*(*at)++ - '0');
	}
	if (!behind)
		return true;
	return *at < end && *(*at)++ == behind;
}

static bool read_fraction(const char **at, const char *end, uint64_t *ns)
{
	uint64_t scale = 100000000;

	*ns = 0;
	if (*at >= end || **at != '.')
		return true;
	for (++*at; *at < end && **at >= '0' && **at <= '9' && scale; ++*at, scale /= 10)
		*ns += (uint64_t)(**at - '0') * scale;
	return (*at)[-1] != '.';
}

/* Z, +hh:mm, -hh:mm, or nothing, which is Z. */
static bool read_zone(const char **at, const char *end, int *minutes)
{
	bool west;
	int hours;
	int rest;

	*minutes = 0;
	if (*at == end)
		return true;
	if (**at == 'Z')
		return ++*at == end;
	west = **at == '-';
	if (!west && **at != '+')
		return false;
	++*at;
	if (!read_part(at, end, 2, ':', &hours) || !read_part(at, end, 2, '\0', &rest) ||
			hours > 14 || rest > 59)
		return false;
	*minutes = (hours * 60 + rest) * (west ? -1 : 1);
	return *at == end;
}

static bool in_calendar(const struct tm *tm, const struct tm *normal)
{
	return tm->tm_mon == normal->tm_mon && tm->tm_mday == normal->tm_mday &&
			tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 59;
}

static bool read_iso(const char *at, const char *end, uint64_t *ns)
{
	struct tm tm = {0};
	struct tm normal;
	uint64_t fraction = 0;
	int minutes = 0;
	time_t seconds;

	if (!read_part(&at, end, 4, '-', &tm.tm_year) || !read_part(&at, end, 2, '-', &tm.tm_mon) ||
			!read_part(&at, end, 2, '\0', &tm.tm_mday))
		return false;
	if (at < end && (*at++ != 'T' || !read_part(&at, end, 2, ':', &tm.tm_hour) ||
			!read_part(&at, end, 2, ':', &tm.tm_min) ||
			!read_part(&at, end, 2, '\0', &tm.tm_sec) ||
			!read_fraction(&at, end, &fraction) || !read_zone(&at, end, &minutes)))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	normal = tm;
	seconds = timegm(&normal) - minutes * 60;
	if (!in_calendar(&tm, &normal) || seconds < 0 || seconds > 18446744072) /* 64 bits of ns */
		return false;
	*ns = (uint64_t)seconds * 1000000000u + fraction;
	return true;
}

bool time_read(const char *text, size_t len, uint64_t *ns)
{
	const char *end = text + len;
	const char *at = text;

	if (read_digits(&at, end, 10, ns) && at == end)
		return true;
	return read_iso(text, end, ns);
}
