/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/where.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/glob.h"

enum where_key {
	WHERE_TYPE,
	WHERE_BOUNDARY,
	WHERE_PATH,
	WHERE_COMM,
	WHERE_PID,
	WHERE_UID,
	WHERE_TENANT,
	WHERE_RULE,
	WHERE_PRIORITY,
	WHERE_CLASS,
	WHERE_KEY_COUNT,
};

static const char *const keys[WHERE_KEY_COUNT] = {
	[WHERE_TYPE] = "type", [WHERE_BOUNDARY] = "boundary", [WHERE_PATH] = "path",
	[WHERE_COMM] = "comm", [WHERE_PID] = "pid",           [WHERE_UID] = "uid",
	[WHERE_TENANT] = "tenant", [WHERE_RULE] = "rule", [WHERE_PRIORITY] = "priority",
	[WHERE_CLASS] = "class",
};

struct where_condition {
	enum where_key key;
	unsigned count;
	union {
		const char *glob; /* into text */
		uint32_t number;
	} values[WHERE_VALUES_MAX];
	char text[];
};

static int __attribute__((format(printf, 2, 3))) refuse(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, WHERE_ERROR_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

/* Cuts the text at the next such separator that no backslash stands before; returns the rest. */
static char *cut(char *text, char separator)
{
	for (; *text; text++) {
		if (*text == '\\' && text[1]) {
			text++;
		} else if (*text == separator) {
			*text = '\0';
			return text + 1;
		}
	}
	return NULL;
}

static bool add_category(struct vex_filter *filter, const char *name)
{
	bool found = false;
	uint32_t type;

	for (type = 0; type < VEX_TYPE_LIMIT; type++) {
		const char *category = vex_category_name(vex_type_category(type));

		if (!category || strcmp(category, name))
			continue;
		filter->types[type / 64] |= 1ull << (type % 64);
		found = true;
	}
	return found;
}

static int add_type(struct vex_filter *filter, const char *name, char *error)
{
	uint32_t type = vex_type_by_name(name);

	if (type != VEX_TYPE_NONE)
		filter->types[type / 64] |= 1ull << (type % 64);
	else if (!add_category(filter, name))
		return refuse(error, "type=%s: no such type or category; 'vexctl show types' "
				"lists them", name);
	return 0;
}

static int add_boundary(struct vex_filter *filter, const char *name, char *error)
{
	uint32_t boundary;

	for (boundary = 0; boundary < VEX_BOUNDARY_COUNT; boundary++) {
		if (!strcmp(vex_boundary_name(boundary), name)) {
			filter->boundaries |= 1u << boundary;
			return 0;
		}
	}
	return refuse(error, "boundary=%s: must be kernel, fuse, app, peer, replay or none", name);
}

static int read_number(enum where_key key, const char *text, uint32_t *number, char *error)
{
	unsigned long long value;
	const struct passwd *user;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && value <= UINT32_MAX) {
		*number = (uint32_t)value;
		return 0;
	}
	if (key != WHERE_UID)
		return refuse(error, "%s=%s: must be a number", keys[key], text);
	user = getpwnam(text);
	if (!user)
		return refuse(error, "uid=%s: must be a number or the name of a user", text);
	*number = user->pw_uid;
	return 0;
}

/* The place of a name among those that a function has, from 0. */
static int read_word(enum where_key key, const char *text, const char *(*name)(uint32_t),
		uint32_t *number, char *error)
{
	char list[160] = "";
	size_t used = 0;
	uint32_t i;

	for (i = 0; name(i); i++) {
		*number = i;
		if (!strcmp(name(i), text))
			return 0;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
				name(i));
	}
	return refuse(error, "%s=%s: must be one of %s", keys[key], text, list);
}

static int add_value(struct where_condition *condition, struct vex_filter *filter,
		const char *text, char *error)
{
	const char *name = keys[condition->key];

	if (!*text)
		return refuse(error, "%s=: a value is missing", name);
	if (condition->count == WHERE_VALUES_MAX)
		return refuse(error, "%s: more than %u values", name, WHERE_VALUES_MAX);
	switch (condition->key) {
	case WHERE_TYPE:
		return add_type(filter, text, error);
	case WHERE_BOUNDARY:
		return add_boundary(filter, text, error);
	case WHERE_PID:
	case WHERE_UID:
	case WHERE_TENANT:
		return read_number(condition->key, text,
				&condition->values[condition->count++].number, error);
	case WHERE_PRIORITY:
		return read_word(condition->key, text, vex_priority_name,
				&condition->values[condition->count++].number, error);
	case WHERE_CLASS:
		return read_word(condition->key, text, vex_qos_name,
				&condition->values[condition->count++].number, error);
	default:
		if (!glob_is_closed(text))
			return refuse(error, "%s=%s: a bracket is not closed; write \\[ for the byte, "
					"and \\, and \\| within a set", name, text);
		condition->values[condition->count++].glob = text;
		return 0;
	}
}

/* Both have to hold. A filter without bits would mean everything, so none may become empty. */
static int narrow(struct vex_filter *filter, const struct vex_filter *by, char *error)
{
	static const struct vex_filter all;
	bool any_type = !memcmp(filter->types, all.types, sizeof(all.types));
	unsigned i;

	if (memcmp(by->types, all.types, sizeof(all.types))) {
		for (i = 0; i < 4; i++)
			filter->types[i] = any_type ? by->types[i] : filter->types[i] & by->types[i];
		if (!memcmp(filter->types, all.types, sizeof(all.types)))
			return refuse(error, "type: no type meets all conditions");
	}
	if (by->boundaries) {
		filter->boundaries = filter->boundaries ? filter->boundaries & by->boundaries
							: by->boundaries;
		if (!filter->boundaries)
			return refuse(error, "boundary: no boundary meets all conditions");
	}
	return 0;
}

static int read_key(const char *name, enum where_key *key, char *error)
{
	unsigned i;

	for (i = 0; i < WHERE_KEY_COUNT; i++) {
		if (!strcmp(keys[i], name)) {
			*key = (enum where_key)i;
			return 0;
		}
	}
	return refuse(error, "'%s' is no key; there are type, boundary, path, comm, pid, uid, "
			"tenant, rule, priority and class",
			name);
}

static int read_condition(struct where_condition *condition, struct vex_filter *filter,
		char *error)
{
	char *text = condition->text;
	char *value = strchr(text, '=');
	char *next;
	int ret;

	if (!value)
		return refuse(error, "'%s' is no condition; it takes key=value", text);
	*value++ = '\0';
	ret = read_key(text, &condition->key, error);
	for (; !ret && value; value = next) {
		next = cut(value, '|');
		ret = add_value(condition, filter, value, error);
	}
	return ret;
}

/* Takes the condition over where something is left for where_match() to compare. */
static int add_condition(struct where *where, const char *text, char *error)
{
	struct where_condition *condition = calloc(1, sizeof(*condition) + strlen(text) + 1);
	struct vex_filter filter = {0};
	int ret;

	if (!condition) {
		refuse(error, "out of memory");
		return -ENOMEM;
	}
	strcpy(condition->text, text);
	ret = read_condition(condition, &filter, error);
	if (!ret)
		ret = narrow(&where->filter, &filter, error);
	if (!ret && condition->count && where->count == WHERE_CONDITIONS_MAX)
		ret = refuse(error, "more than %u conditions", WHERE_CONDITIONS_MAX);
	where->wants_rules |= !ret && condition->key == WHERE_RULE;
	if (!ret && condition->count)
		where->conditions[where->count++] = condition;
	else
		free(condition);
	return ret;
}

int where_add(struct where *where, const char *text, char error[WHERE_ERROR_MAX])
{
	char *copy = strdup(text);
	char *next;
	char *at;
	int ret = 0;

	if (!copy) {
		refuse(error, "out of memory");
		return -ENOMEM;
	}
	for (at = copy; !ret && at; at = next) {
		next = cut(at, ',');
		at += strspn(at, " ");
		ret = add_condition(where, at, error);
	}
	free(copy);
	return ret;
}

void where_clear(struct where *where)
{
	while (where->count)
		free(where->conditions[--where->count]);
	memset(where, 0, sizeof(*where));
}

static bool match_path(const char *glob, struct vex_bytes path)
{
	const char *text = path.data;
	size_t name = path.len;

	if (strchr(glob, '/'))
		return glob_match(glob, text, path.len);
	while (name && text[name - 1] != '/')
		name--;
	return glob_match(glob, name ? text + name : text, path.len - name);
}

/* Of an event that no rule matched, none of them holds; of a class there is one in any case. */
static bool match_route(enum where_key key, uint32_t number, const struct vex_event *event)
{
	if (!(event->has & VEX_HAS_ROUTE))
		return false;
	if (key == WHERE_CLASS)
		return event->route.qos == number;
	return (event->route.matched || vex_event_is_summary(event)) &&
			event->route.priority == number;
}

static bool match_rule(const struct where *where, const char *glob, const struct vex_event *event)
{
	const char *name = where->rule_name ? where->rule_name(event) : NULL;

	return name && glob_match(glob, name, strlen(name));
}

static bool match_value(const struct where *where, const struct where_condition *condition, unsigned i,
		const struct vex_event *event)
{
	const char *glob = condition->values[i].glob;

	switch (condition->key) {
	case WHERE_PATH:
		return ((event->has & VEX_HAS_PATH) && match_path(glob, event->path)) ||
				((event->has & VEX_HAS_PATH2) && match_path(glob, event->path2));
	case WHERE_COMM:
		return (event->has & VEX_HAS_COMM) &&
				glob_match(glob, event->comm.data, event->comm.len);
	case WHERE_PID:
		return event->pid == condition->values[i].number;
	case WHERE_TENANT:
		return (event->has & VEX_HAS_TENANT) &&
				event->tenant == condition->values[i].number;
	case WHERE_PRIORITY:
	case WHERE_CLASS:
		return match_route(condition->key, condition->values[i].number, event);
	case WHERE_RULE:
		return match_rule(where, glob, event);
	default:
		return event->uid == condition->values[i].number;
	}
}

static bool match_condition(const struct where *where, const struct where_condition *condition,
		const struct vex_event *event)
{
	unsigned i;

	for (i = 0; i < condition->count; i++)
		if (match_value(where, condition, i, event))
			return true;
	return false;
}

bool where_match(const struct where *where, const struct vex_event *event)
{
	unsigned i;

	if (event->type == VEX_GAP)
		return true;
	for (i = 0; i < where->count; i++)
		if (!match_condition(where, where->conditions[i], event))
			return false;
	return true;
}
