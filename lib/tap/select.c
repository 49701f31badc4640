/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap/select.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "event/event.h"

enum key { KEY_TYPE, KEY_PATH, KEY_DEVICE, KEY_UID, KEY_PID, KEY_CGROUP, KEY_COUNT };

const char *const vex_select_keys[] = {[KEY_TYPE] = "type", [KEY_PATH] = "path",
		[KEY_DEVICE] = "device", [KEY_UID] = "uid", [KEY_PID] = "pid",
		[KEY_CGROUP] = "cgroup", [KEY_COUNT] = NULL};

/* Where a refusal is written to. */
struct why {
	char *text;
	size_t cap;
};

static int __attribute__((format(printf, 2, 3))) refuse(
		const struct why *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, why->cap, format, args);
	va_end(args);
	return -1;
}

static enum key find_key(const char *name)
{
	unsigned i = 0;

	while (vex_select_keys[i] && strcmp(vex_select_keys[i], name))
		i++;
	return (enum key)i;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *number <= max;
}

static int add_number(const struct why *why, enum key key, uint32_t *list, uint32_t *count,
		uint32_t number)
{
	if (*count == VEX_TAP_LIST_MAX)
		return refuse(why, "%s: more than %u of them", vex_select_keys[key], VEX_TAP_LIST_MAX);
	list[(*count)++] = number;
	return 0;
}

static int add_wide(const struct why *why, enum key key, uint64_t *list, uint32_t *count,
		uint64_t number)
{
	if (*count == VEX_TAP_LIST_MAX)
		return refuse(why, "%s: more than %u of them", vex_select_keys[key], VEX_TAP_LIST_MAX);
	list[(*count)++] = number;
	return 0;
}

static int add_types(struct vex_tap_select *select, const char *name, const struct why *why)
{
	uint32_t one = vex_type_by_name(name), type;
	bool found = false;

	for (type = 1; type < VEX_TYPE_LIMIT; type++) {
		const char *category = vex_category_name(vex_type_category(type));

		if (type != one && (!category || !vex_type_name(type) || strcmp(category, name)))
			continue;
		select->types[type / 64] |= 1ull << type % 64;
		found = true;
	}
	return found ? 0 : refuse(why, "type: there is no type or category '%.60s'", name);
}

static int add_path(struct vex_tap_select *select, const char *path, const struct why *why)
{
	if (*path != '/' || strlen(path) >= VEX_TAP_PREFIX_LEN)
		return refuse(why, "path: '%.60s' is no absolute path of at most %u bytes", path,
				VEX_TAP_PREFIX_LEN - 1);
	if (select->prefix_count == VEX_TAP_PREFIXES_MAX)
		return refuse(why, "path: more than %u of them", VEX_TAP_PREFIXES_MAX);
	strcpy(select->prefixes[select->prefix_count++], path);
	return 0;
}

static int add_device(struct vex_tap_select *select, const char *text, const struct why *why)
{
	unsigned device_major, device_minor;
	uint64_t device;
	struct stat st;
	int end = 0;

	if (sscanf(text, "%u:%u%n", &device_major, &device_minor, &end) == 2 && !text[end])
		device = makedev(device_major, device_minor);
	else if (*text == '/' && stat(text, &st) == 0)
		device = st.st_dev;
	else
		return refuse(why, "device: '%.60s' is neither MAJOR:MINOR nor the path of what is there",
				text);
	return add_wide(why, KEY_DEVICE, select->devices, &select->device_count, device);
}

static int add_user(struct vex_tap_select *select, const char *text, const struct why *why)
{
	const struct passwd *user;
	uint64_t number;

	if (!parse_number(text, UINT32_MAX, &number)) {
		user = getpwnam(text);
		if (!user)
			return refuse(why, "uid: there is no user '%.60s'", text);
		number = user->pw_uid;
	}
	return add_number(why, KEY_UID, select->uids, &select->uid_count, (uint32_t)number);
}

static int add_process(struct vex_tap_select *select, const char *text, const struct why *why)
{
	uint64_t number;

	if (!parse_number(text, INT32_MAX, &number) || !number)
		return refuse(why, "pid: '%.60s' is no number of a process", text);
	return add_number(why, KEY_PID, select->pids, &select->pid_count, (uint32_t)number);
}

static int add_cgroup(struct vex_tap_select *select, const char *text, const struct why *why)
{
	uint64_t inode;
	struct stat st;

	if (!parse_number(text, UINT64_MAX, &inode)) {
		if (*text != '/' || stat(text, &st) < 0 || !S_ISDIR(st.st_mode))
			return refuse(why, "cgroup: '%.60s' is no cgroup's folder, and no number", text);
		inode = st.st_ino;
	}
	return add_wide(why, KEY_CGROUP, select->cgroups, &select->cgroup_count, inode);
}

int vex_select_add(struct vex_tap_select *select, const char *key, const char *value, char *text,
		size_t cap)
{
	const struct why why = {text, cap};

	switch (find_key(key)) {
	case KEY_TYPE:
		return add_types(select, value, &why);
	case KEY_PATH:
		return add_path(select, value, &why);
	case KEY_DEVICE:
		return add_device(select, value, &why);
	case KEY_UID:
		return add_user(select, value, &why);
	case KEY_PID:
		return add_process(select, value, &why);
	case KEY_CGROUP:
		return add_cgroup(select, value, &why);
	default:
		return refuse(&why, "'%.60s' is no key; there are type, path, device, uid, pid and cgroup",
				key);
	}
}

/* The number-th of the types that are set. */
static bool type_value(const struct vex_tap_select *select, unsigned number, char *out)
{
	unsigned type;

	for (type = 0; type < VEX_TYPE_LIMIT; type++) {
		if (!(select->types[type / 64] >> type % 64 & 1) || !vex_type_name(type) || number--)
			continue;
		snprintf(out, VEX_SELECT_VALUE_MAX, "%s", vex_type_name(type));
		return true;
	}
	return false;
}

static bool number_value(uint64_t number, bool is_there, char *out)
{
	snprintf(out, VEX_SELECT_VALUE_MAX, "%llu", (unsigned long long)number);
	return is_there;
}

bool vex_select_value(const struct vex_tap_select *select, const char *key, unsigned i, char *out)
{
	unsigned in_list = i % VEX_TAP_LIST_MAX;

	switch (find_key(key)) {
	case KEY_TYPE:
		return type_value(select, i, out);
	case KEY_PATH:
		snprintf(out, VEX_SELECT_VALUE_MAX, "%.*s", (int)VEX_TAP_PREFIX_LEN - 1,
				select->prefixes[i % VEX_TAP_PREFIXES_MAX]);
		return i < select->prefix_count;
	case KEY_DEVICE:
		snprintf(out, VEX_SELECT_VALUE_MAX, "%u:%u", major(select->devices[in_list]),
				minor(select->devices[in_list]));
		return i < select->device_count;
	case KEY_UID:
		return number_value(select->uids[in_list], i < select->uid_count, out);
	case KEY_PID:
		return number_value(select->pids[in_list], i < select->pid_count, out);
	case KEY_CGROUP:
		return number_value(select->cgroups[in_list], i < select->cgroup_count, out);
	default:
		return false;
	}
}
