/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_value.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

static struct oracle_value number(bool there, uint64_t value)
{
	return (struct oracle_value){.there = there, .number = value};
}

static struct oracle_value integer(bool there, int64_t value)
{
	return (struct oracle_value){.there = there, .integer = value};
}

static struct oracle_value word(bool there, unsigned value)
{
	return (struct oracle_value){.there = there, .word = value};
}

static struct oracle_value text(bool there, struct vex_bytes value)
{
	return (struct oracle_value){.there = there, .text = value};
}

static bool is_one_of(const struct vex_event *event, const uint8_t *types)
{
	for (; *types; types++)
		if (event->type == *types)
			return true;
	return false;
}

static bool is_open(const struct vex_event *event)
{
	return is_one_of(event, (const uint8_t[]){VEX_OPEN, VEX_CREATE, VEX_TMPFILE, 0});
}

/* true or false; of an open whose flags are not known neither */
static struct oracle_value opened(const struct vex_event *event, uint32_t how)
{
	uint32_t access = event->flags & O_ACCMODE;

	if (!is_open(event))
		return number(true, false);
	return number(event->has & VEX_HAS_FILE, access == how || access == O_RDWR);
}

static struct oracle_value file_type(const struct vex_event *event)
{
	bool there = (event->has & VEX_HAS_FILE) && (event->mode & S_IFMT);

	return word(there, (event->mode & S_IFMT) == S_IFDIR);
}

static struct oracle_value descriptor(const struct vex_event *event)
{
	if (is_open(event) || event->type == VEX_OPENDIR)
		return integer(true, event->result < 0 ? -1 : 0);
	return integer(is_one_of(event, (const uint8_t[]){VEX_CLOSE, VEX_READ, VEX_WRITE,
			VEX_READDIR, VEX_SYNC, VEX_FLUSH, VEX_FALLOCATE, VEX_LOCK, VEX_GETLOCK,
			VEX_FLOCK, VEX_RELEASEDIR, VEX_SYNCDIR, VEX_IOCTL, VEX_POLL,
			VEX_COPY_FILE_RANGE, VEX_LSEEK, 0}), 0);
}

static struct oracle_value path(const struct vex_event *event)
{
	return text(event->has & VEX_HAS_PATH, event->path);
}

static struct oracle_value path2(const struct vex_event *event)
{
	return text(event->has & VEX_HAS_PATH2, event->path2);
}

static struct oracle_value no_text(void)
{
	return text(false, (struct vex_bytes){NULL, 0});
}

static struct oracle_value of_types(struct oracle_value value, const struct vex_event *event,
		const uint8_t *types)
{
	value.there &= is_one_of(event, types);
	return value;
}

/* Behind the last slash begins the name; -1 where there is no slash. */
static ssize_t last_slash(struct vex_bytes bytes)
{
	ssize_t i;

	for (i = (ssize_t)bytes.len - 1; i >= 0; i--)
		if (((const char *)bytes.data)[i] == '/')
			break;
	return i;
}

static struct oracle_value directory(const struct vex_event *event)
{
	ssize_t slash = event->has & VEX_HAS_PATH ? last_slash(event->path) : -1;

	if (slash < 0)
		return no_text();
	return text(true, (struct vex_bytes){event->path.data, slash ? (size_t)slash : 1});
}

static struct oracle_value filename(const struct vex_event *event)
{
	size_t start;

	if (!(event->has & VEX_HAS_PATH))
		return no_text();
	start = (size_t)(last_slash(event->path) + 1);
	if (start == event->path.len)
		return text(true, (struct vex_bytes){"", 0});
	return text(true, (struct vex_bytes){(const char *)event->path.data + start,
			event->path.len - start});
}

static struct oracle_value attribute(const struct rule_text *name, const struct vex_event *event)
{
	uint32_t i;

	for (i = 0; i < event->pair_count; i++)
		if (event->pairs[i].name.len == name->len &&
				!memcmp(event->pairs[i].name.data, name->data, name->len))
			return text(true, event->pairs[i].value);
	return no_text();
}

static struct oracle_value clock_part(enum rule_field_id field, const struct vex_event *event)
{
	time_t seconds = (time_t)(event->start_ns / 1000000000u);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	if (field == RULE_FIELD_TIME_HOUR)
		return number(true, (uint64_t)tm.tm_hour);
	if (field == RULE_FIELD_TIME_MINUTE)
		return number(true, (uint64_t)tm.tm_min);
	return number(true, tm.tm_wday ? (uint64_t)tm.tm_wday : 7);
}

static unsigned res(int32_t result)
{
	if (result >= 0)
		return 0;
	return result > -4096 && strerrorname_np(-result) ? (unsigned)-result : RULE_RES_OTHER;
}

static struct oracle_value two_paths(enum rule_field_id field, const struct vex_event *event)
{
	bool forward = event->type == VEX_RENAME || event->type == VEX_SYMLINK;
	bool backward = event->type == VEX_LINK || event->type == VEX_COPY_FILE_RANGE;

	if (event->result < 0)
		return no_text();
	if (field == RULE_FIELD_FS_PATH_NAME)
		return forward || backward ? no_text() : path(event);
	if (!forward && !backward)
		return no_text();
	return (field == RULE_FIELD_FS_PATH_SOURCE) == forward ? path(event) : path2(event);
}

static struct oracle_value call_argument(enum rule_field_id field, const struct vex_event *event)
{
	static const uint8_t renames[] = {VEX_RENAME, VEX_LINK, 0};
	static const uint8_t symlinks[] = {VEX_SYMLINK, 0};
	static const uint8_t chmods[] = {VEX_CHMOD, 0};

	switch (field) {
	case RULE_FIELD_EVT_ARG_FLAGS:
		return number(is_open(event) && (event->has & VEX_HAS_FILE), event->flags);
	case RULE_FIELD_EVT_ARG_MODE:
		return number(event->type == VEX_CHMOD && (event->has & VEX_HAS_FILE), event->mode);
	case RULE_FIELD_EVT_ARG_NAME:
		return of_types(path(event), event, (const uint8_t[]){VEX_OPEN, VEX_CREATE,
				VEX_DELETE, VEX_RMDIR, VEX_UNMOUNT, 0});
	case RULE_FIELD_EVT_ARG_PATH:
		return of_types(path(event), event,
				(const uint8_t[]){VEX_DELETE, VEX_MKDIR, VEX_RMDIR, VEX_CHOWN, 0});
	case RULE_FIELD_EVT_ARG_FILENAME:
		return of_types(path(event), event, chmods);
	case RULE_FIELD_EVT_ARG_OLDPATH:
		return of_types(path(event), event, renames);
	case RULE_FIELD_EVT_ARG_NEWPATH:
		return of_types(path2(event), event, renames);
	case RULE_FIELD_EVT_ARG_TARGET:
		return of_types(path2(event), event, symlinks);
	default:
		return of_types(path(event), event, symlinks);
	}
}

static struct oracle_value of_store(enum rule_field_id field, const struct vex_event *event)
{
	bool graph = event->has & VEX_HAS_GRAPH;
	bool vector = event->has & VEX_HAS_VECTOR;

	switch (field) {
	case RULE_FIELD_GRAPH_NODE:
		return number(graph, event->graph.node);
	case RULE_FIELD_GRAPH_EDGE:
		return number(graph, event->graph.edge);
	case RULE_FIELD_GRAPH_FROM:
		return number(graph, event->graph.from);
	case RULE_FIELD_GRAPH_TO:
		return number(graph, event->graph.to);
	case RULE_FIELD_GRAPH_COUNT:
		return number(graph, event->graph.count);
	case RULE_FIELD_VECTOR_VECTOR:
		return number(vector, event->vector.vector);
	case RULE_FIELD_VECTOR_COLLECTION:
		return number(vector, event->vector.collection);
	case RULE_FIELD_VECTOR_COUNT:
		return number(vector, event->vector.count);
	case RULE_FIELD_VECTOR_DIMENSION:
		return number(vector, event->vector.dimension);
	case RULE_FIELD_VECTOR_K:
		return number(vector, event->vector.k);
	default:
		return call_argument(field, event);
	}
}

static struct oracle_value of_file(enum rule_field_id field, const struct vex_event *event)
{
	bool file = event->has & VEX_HAS_FILE;
	bool range = event->has & VEX_HAS_RANGE;

	switch (field) {
	case RULE_FIELD_FD_NAME:
		return path(event);
	case RULE_FIELD_FD_DIRECTORY:
		return directory(event);
	case RULE_FIELD_FD_FILENAME:
		return filename(event);
	case RULE_FIELD_FD_TYPE:
	case RULE_FIELD_FD_TYPECHAR:
		return file_type(event);
	case RULE_FIELD_FD_NUM:
		return descriptor(event);
	case RULE_FIELD_FS_PATH_NAME:
	case RULE_FIELD_FS_PATH_SOURCE:
	case RULE_FIELD_FS_PATH_TARGET:
		return two_paths(field, event);
	case RULE_FIELD_FS_PATH2:
		return path2(event);
	case RULE_FIELD_FS_DEV:
		return number(file, event->dev);
	case RULE_FIELD_FS_INO:
		return number(file, event->ino);
	case RULE_FIELD_FS_PARENT_INO:
		return number(file, event->parent_ino);
	case RULE_FIELD_FS_PARENT2_INO:
		return number(event->has & VEX_HAS_PARENT2, event->parent2_ino);
	case RULE_FIELD_FS_MODE:
		return number(file, event->mode);
	case RULE_FIELD_FS_FLAGS:
		return number(file, event->flags);
	case RULE_FIELD_FS_OFFSET:
		return number(range, event->offset);
	case RULE_FIELD_FS_SIZE:
		return number(range, event->size);
	default:
		return of_store(field, event);
	}
}

static struct oracle_value of_process(enum rule_field_id field, const struct vex_event *event)
{
	switch (field) {
	case RULE_FIELD_PROC_NAME:
		return text(event->has & VEX_HAS_COMM, event->comm);
	case RULE_FIELD_PROC_PID:
		return number(true, event->pid);
	case RULE_FIELD_PROC_PPID:
		return number(event->has & VEX_HAS_TASK, event->ppid);
	case RULE_FIELD_THREAD_TID:
		return number(event->has & VEX_HAS_TASK, event->tid);
	case RULE_FIELD_USER_UID:
		return number(true, event->uid);
	case RULE_FIELD_GROUP_GID:
		return number(true, event->gid);
	case RULE_FIELD_TENANT:
		return number(event->has & VEX_HAS_TENANT, event->tenant);
	default:
		return of_file(field, event);
	}
}

static struct oracle_value sequence_number(const struct vex_event *event)
{
	struct oracle_value value = number(true, event->id.seq);

	value.number += 1;
	return value;
}

struct oracle_value oracle_value(enum rule_field_id field, const struct rule_text *argument,
		const struct vex_event *event)
{
	switch (field) {
	case RULE_FIELD_EVT_TYPE:
		return word(true, event->type);
	case RULE_FIELD_EVT_DIR:
		return word(true, 0);
	case RULE_FIELD_EVT_NUM:
		return sequence_number(event);
	case RULE_FIELD_EVT_TIME:
	case RULE_FIELD_EVT_RAWTIME:
		return number(true, event->start_ns);
	case RULE_FIELD_EVT_RES:
		return word(true, res(event->result));
	case RULE_FIELD_EVT_RAWRES:
	case RULE_FIELD_EVENT_RESULT:
		return integer(true, event->result);
	case RULE_FIELD_EVT_FAILED:
		return number(true, event->result < 0);
	case RULE_FIELD_EVT_IS_OPEN_READ:
		return opened(event, O_RDONLY);
	case RULE_FIELD_EVT_IS_OPEN_WRITE:
		return opened(event, O_WRONLY);
	case RULE_FIELD_EVENT_BOUNDARY:
		return word(true, event->boundary);
	case RULE_FIELD_EVENT_CATEGORY:
		return word(true, vex_type_category(event->type));
	case RULE_FIELD_EVENT_DURATION:
		return number(true, event->duration_ns);
	case RULE_FIELD_EVENT_NODE:
		return number(true, event->id.node);
	case RULE_FIELD_EVENT_PORT:
		return number(true, event->id.port);
	case RULE_FIELD_EVENT_LANE:
		return number(true, event->id.lane);
	case RULE_FIELD_EVENT_SEQ:
		return number(true, event->id.seq);
	case RULE_FIELD_TIME_HOUR:
	case RULE_FIELD_TIME_MINUTE:
	case RULE_FIELD_TIME_WEEKDAY:
		return clock_part(field, event);
	case RULE_FIELD_LABEL:
		return (struct oracle_value){.there = event->label_count > 0,
				.list = event->labels, .count = event->label_count};
	case RULE_FIELD_ATTR:
		return attribute(argument, event);
	default:
		return of_process(field, event);
	}
}
