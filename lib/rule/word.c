/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of enumerated fields, and the names of flags. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "rule/field.h"

#define VEX_NONE VEX_TYPE_NONE
#define RULE_EVENT_ALIAS(name, A, B, C) {name, {VEX_##A, VEX_##B, VEX_##C}},
#define RULE_EVENT_FOREIGN(name, why)
static const struct {
	const char *name;
	uint8_t types[3];
} aliases[] = {
#include "rule/event_name.def"
};
#undef RULE_EVENT_ALIAS
#undef RULE_EVENT_FOREIGN

#define RULE_EVENT_ALIAS(name, A, B, C)
#define RULE_EVENT_FOREIGN(name, why) {name, why},
static const struct foreign {
	const char *name;
	const char *why;
} foreign_events[] = {
#include "rule/event_name.def"
};
#undef RULE_EVENT_ALIAS
#undef RULE_EVENT_FOREIGN

#define NETWORK "network peers are not seen"
#define DESCRIPTOR "only files and directories are seen"
static const struct foreign foreign_fd_types[] = {
	{"ipv4", NETWORK},         {"ipv6", NETWORK},        {"unix", NETWORK},
	{"ipv4serv", NETWORK},     {"ipv6serv", NETWORK},    {"netlink", NETWORK},
	{"pipe", DESCRIPTOR},      {"fifo", DESCRIPTOR},     {"event", DESCRIPTOR},
	{"eventfd", DESCRIPTOR},   {"signalfd", DESCRIPTOR}, {"signal", DESCRIPTOR},
	{"eventpoll", DESCRIPTOR}, {"inotify", DESCRIPTOR},  {"timerfd", DESCRIPTOR},
	{"memfd", DESCRIPTOR},     {"bpf", DESCRIPTOR},      {"userfaultfd", DESCRIPTOR},
	{"io_uring", DESCRIPTOR},  {"pidfd", DESCRIPTOR},    {NULL, NULL},
};
static const struct foreign foreign_fd_chars[] = {
	{"4", NETWORK},    {"6", NETWORK},    {"u", NETWORK},    {"n", NETWORK},
	{"p", DESCRIPTOR}, {"e", DESCRIPTOR}, {"s", DESCRIPTOR}, {"l", DESCRIPTOR},
	{"i", DESCRIPTOR}, {"t", DESCRIPTOR}, {"b", DESCRIPTOR}, {"o", DESCRIPTOR},
	{"m", DESCRIPTOR}, {"x", DESCRIPTOR}, {"r", DESCRIPTOR}, {NULL, NULL},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Names of Linux' errors end here; 41 and 58 have none. */
#define ERRNO_MAX 133u

static const struct {
	const char *name;
	uint8_t value;
} res_aliases[] = {{"EWOULDBLOCK", 11}, {"EDEADLOCK", 35}, {"ENOTSUP", 95}};

static const struct flag {
	const char *name;
	uint32_t bits;
} open_flags[] = {
	{"O_WRONLY", O_WRONLY}, {"O_RDWR", O_RDWR}, {"O_ACCMODE", O_ACCMODE}, {"O_CREAT", O_CREAT},
	{"O_EXCL", O_EXCL}, {"O_NOCTTY", O_NOCTTY}, {"O_TRUNC", O_TRUNC}, {"O_APPEND", O_APPEND},
	{"O_NONBLOCK", O_NONBLOCK}, {"O_DSYNC", O_DSYNC}, {"O_SYNC", O_SYNC}, {"O_DIRECT", O_DIRECT},
	{"O_DIRECTORY", O_DIRECTORY}, {"O_NOFOLLOW", O_NOFOLLOW}, {"O_NOATIME", O_NOATIME},
	{"O_CLOEXEC", O_CLOEXEC}, {"O_PATH", O_PATH}, {"O_TMPFILE", O_TMPFILE}, {NULL, 0},
}, mode_flags[] = {
	{"S_IFMT", S_IFMT}, {"S_IFREG", S_IFREG}, {"S_IFDIR", S_IFDIR}, {"S_IFLNK", S_IFLNK},
	{"S_IFCHR", S_IFCHR}, {"S_IFBLK", S_IFBLK}, {"S_IFIFO", S_IFIFO}, {"S_IFSOCK", S_IFSOCK},
	{"S_ISUID", S_ISUID}, {"S_ISGID", S_ISGID}, {"S_ISVTX", S_ISVTX},
	{"S_IRWXU", S_IRWXU}, {"S_IRUSR", S_IRUSR}, {"S_IWUSR", S_IWUSR}, {"S_IXUSR", S_IXUSR},
	{"S_IRWXG", S_IRWXG}, {"S_IRGRP", S_IRGRP}, {"S_IWGRP", S_IWGRP}, {"S_IXGRP", S_IXGRP},
	{"S_IRWXO", S_IRWXO}, {"S_IROTH", S_IROTH}, {"S_IWOTH", S_IWOTH}, {"S_IXOTH", S_IXOTH},
	{NULL, 0},
};

static const char *res_name(unsigned value)
{
	if (value == 0)
		return "SUCCESS";
	if (value == 11)
		return "EAGAIN";
	if (value == 35)
		return "EDEADLK";
	if (value == 95)
		return "EOPNOTSUPP";
	return value <= ERRNO_MAX ? strerrorname_np((int)value) : NULL;
}

unsigned rule_res_value(int32_t result)
{
	uint32_t number = (uint32_t)-(int64_t)result;

	if (result >= 0)
		return 0;
	return number <= ERRNO_MAX && res_name(number) ? number : RULE_RES_OTHER;
}

const char *rule_word_name(enum rule_field_id field, unsigned value)
{
	static const char *const dirs[] = {"<", ">"};
	static const char *const fd_types[] = {"file", "directory"};
	static const char *const fd_chars[] = {"f", "d"};

	switch (field) {
	case RULE_FIELD_EVT_TYPE:
		return vex_type_name(value);
	case RULE_FIELD_EVT_RES:
		return res_name(value);
	case RULE_FIELD_EVENT_BOUNDARY:
		return vex_boundary_name(value);
	case RULE_FIELD_EVENT_CATEGORY:
		return vex_category_name(value);
	case RULE_FIELD_EVT_DIR:
		return value < 2 ? dirs[value] : NULL;
	case RULE_FIELD_FD_TYPE:
		return value < 2 ? fd_types[value] : NULL;
	case RULE_FIELD_FD_TYPECHAR:
		return value < 2 ? fd_chars[value] : NULL;
	default:
		return NULL;
	}
}

void rule_words_invert(enum rule_field_id field, struct rule_words *words)
{
	struct rule_words others = {0};
	unsigned value;

	for (value = 0; value < 256; value++) {
		bool there = rule_word_name(field, value) ||
				(field == RULE_FIELD_EVT_RES && value == RULE_RES_OTHER);

		if (there && !rule_words_has(words, value))
			rule_words_add(&others, value);
	}
	*words = others;
}

static bool is(const char *known, const char *name, size_t len)
{
	return !strncmp(known, name, len) && !known[len];
}

static bool find_alias(enum rule_field_id field, const char *name, size_t len,
		struct rule_words *words)
{
	size_t i;
	size_t j;

	for (i = 0; field == RULE_FIELD_EVT_TYPE && i < COUNT(aliases); i++) {
		if (!is(aliases[i].name, name, len))
			continue;
		for (j = 0; j < 3; j++)
			if (aliases[i].types[j] != VEX_TYPE_NONE)
				rule_words_add(words, aliases[i].types[j]);
		return true;
	}
	for (i = 0; field == RULE_FIELD_EVT_RES && i < COUNT(res_aliases); i++) {
		if (!is(res_aliases[i].name, name, len))
			continue;
		rule_words_add(words, res_aliases[i].value);
		return true;
	}
	return false;
}

/* evt.res takes a negative errno, too. */
static bool find_number(enum rule_field_id field, const char *name, size_t len,
		struct rule_words *words)
{
	unsigned value = 0;
	size_t i;

	if (field != RULE_FIELD_EVT_RES || len < 2 || len > 4 || name[0] != '-')
		return false;
	for (i = 1; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		value = value * 10 + (unsigned)(name[i] - '0');
	}
	if (!value || !res_name(value))
		return false;
	rule_words_add(words, value);
	return true;
}

static const char *find_foreign(enum rule_field_id field, const char *name, size_t len)
{
	const struct foreign *list = field == RULE_FIELD_FD_TYPE ? foreign_fd_types
			: field == RULE_FIELD_FD_TYPECHAR	 ? foreign_fd_chars
								 : NULL;
	size_t i;

	for (i = 0; field == RULE_FIELD_EVT_TYPE && i < COUNT(foreign_events); i++)
		if (is(foreign_events[i].name, name, len))
			return foreign_events[i].why;
	for (i = 0; list && list[i].name; i++)
		if (is(list[i].name, name, len))
			return list[i].why;
	return NULL;
}

enum rule_word_result rule_word_find(enum rule_field_id field, const char *name, size_t len,
		struct rule_words *words, const char **why)
{
	const char *known;
	unsigned value;

	for (value = 0; value < 256; value++) {
		known = rule_word_name(field, value);
		if (known && is(known, name, len)) {
			rule_words_add(words, value);
			return RULE_WORD_FOUND;
		}
	}
	if (find_alias(field, name, len, words) || find_number(field, name, len, words))
		return RULE_WORD_FOUND;
	*why = find_foreign(field, name, len);
	return *why ? RULE_WORD_FOREIGN : RULE_WORD_UNKNOWN;
}

const char *rule_word_known(enum rule_field_id field, unsigned i)
{
	unsigned value;

	for (value = 0; value < 256; value++)
		if (rule_word_name(field, value) && i-- == 0)
			return rule_word_name(field, value);
	if (field == RULE_FIELD_EVT_TYPE && i < COUNT(aliases))
		return aliases[i].name;
	if (field == RULE_FIELD_EVT_RES && i < COUNT(res_aliases))
		return res_aliases[i].name;
	return NULL;
}

static const struct flag *flags_of(enum rule_field_id field)
{
	return field == RULE_FIELD_FS_MODE || field == RULE_FIELD_EVT_ARG_MODE ? mode_flags : open_flags;
}

uint32_t rule_flag_bits(enum rule_field_id field, const char *name, size_t len)
{
	const struct flag *flag;

	for (flag = flags_of(field); flag->name; flag++)
		if (is(flag->name, name, len))
			return flag->bits;
	return 0;
}

const char *rule_flag_known(enum rule_field_id field, unsigned i)
{
	const struct flag *flag = flags_of(field);

	while (flag->name && i--)
		flag++;
	return flag->name;
}
