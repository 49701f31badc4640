/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/format.h"

#include <sys/stat.h>

#include "event/out.h"

#define CLASS_UID 1001u
#define OTHER 99u

enum severity {
	INFORMATIONAL = 1,
	MEDIUM = 3, /* of a GAP: someone should find out why events are lost */
};

/* As the schema writes them. */
static const char *const activities[] = {
	NULL, "Create", "Read", "Update", "Delete", "Rename", "Set Attributes", "Set Security",
	"Get Attributes", "Get Security", "Encrypt", "Decrypt", "Mount", "Unmount", "Open",
};

enum file_type {
	FILE_UNKNOWN,
	FILE_REGULAR,
	FILE_FOLDER,
	FILE_CHARACTER_DEVICE,
	FILE_BLOCK_DEVICE,
	FILE_SOCKET,
	FILE_PIPE,
	FILE_SYMLINK,
};

static const char *activity_name(const struct vex_event *event)
{
	unsigned activity = vex_type_ocsf(event->type);

	if (activity < sizeof(activities) / sizeof(activities[0]) && activities[activity])
		return activities[activity];
	return out_name(vex_type_name(event->type));
}

static enum file_type file_type(const struct vex_event *event)
{
	static const struct {
		uint32_t format;
		enum file_type type;
	} types[] = {
		{S_IFREG, FILE_REGULAR}, {S_IFDIR, FILE_FOLDER}, {S_IFLNK, FILE_SYMLINK},
		{S_IFCHR, FILE_CHARACTER_DEVICE}, {S_IFBLK, FILE_BLOCK_DEVICE},
		{S_IFSOCK, FILE_SOCKET}, {S_IFIFO, FILE_PIPE},
	};
	size_t i;

	if (event->has & VEX_HAS_FILE)
		for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			if ((event->mode & S_IFMT) == types[i].format)
				return types[i].type;
	return FILE_UNKNOWN;
}

/* A GAP is what someone should look at, whatever the rules say. */
static void put_severity(struct out *out, const struct vex_event *event)
{
	static const char *const names[] = {"Unknown", "Informational", "Low", "Medium", "High",
			"Critical", "Fatal"};
	static const uint8_t severities[] = {6, 5, 5, 4, 3, 2, 1, 1}; /* emergency to debug */
	bool rule = (event->has & VEX_HAS_ROUTE) && event->route.priority < sizeof(severities);
	unsigned severity = rule ? severities[event->route.priority] : INFORMATIONAL;

	if (event->type == VEX_GAP && severity < MEDIUM)
		severity = MEDIUM;
	out_key_u64(out, "severity_id", severity);
	out_key_text(out, "severity", names[severity]);
}

static void put_class(struct out *out, const struct vex_event *event)
{
	unsigned activity = vex_type_ocsf(event->type);

	out_key_u64(out, "class_uid", CLASS_UID);
	out_key_text(out, "class_name", "File System Activity");
	out_key_u64(out, "category_uid", 1);
	out_key_text(out, "category_name", "System Activity");
	out_key_u64(out, "activity_id", activity);
	out_key_text(out, "activity_name", activity_name(event));
	out_key_u64(out, "type_uid", CLASS_UID * 100 + activity);
	put_severity(out, event);
}

/* OCSF counts milliseconds; the nanoseconds are in original_time and in unmapped. */
static void put_times(struct out *out, const struct vex_event *event)
{
	uint64_t start_ms = event->start_ns / 1000000u;
	uint64_t end_ms = (event->start_ns + event->duration_ns) / 1000000u;

	out_key_u64(out, "time", start_ms);
	out_key_u64(out, "start_time", start_ms);
	out_key_u64(out, "end_time", end_ms);
	out_key_u64(out, "duration", event->duration_ns / 1000000u);
}

static void put_status(struct out *out, const struct vex_event *event)
{
	char text[OUT_SHORT];

	out_key_u64(out, "status_id", event->result < 0 ? 2 : 1);
	out_key_text(out, "status", event->result < 0 ? "Failure" : "Success");
	if (event->result < 0) {
		out_error(event->result, text);
		out_key_text(out, "status_code", text);
	}
}

/* OCSF's user and group ids are strings. */
static void put_user(struct out *out, const struct vex_event *event)
{
	out_open(out, "user", '{');
	out_open(out, "uid", '"');
	out_u64(out, event->uid);
	out_close(out, '"');
	out_open(out, "groups", '[');
	out_open(out, NULL, '{');
	out_open(out, "uid", '"');
	out_u64(out, event->gid);
	out_close(out, '"');
	out_close(out, '}');
	out_close(out, ']');
	out_close(out, '}');
}

static void put_actor(struct out *out, const struct vex_event *event)
{
	out_open(out, "actor", '{');
	out_open(out, "process", '{');
	out_key_u64(out, "pid", event->pid);
	if (event->has & VEX_HAS_TASK)
		out_key_u64(out, "tid", event->tid);
	if (event->has & VEX_HAS_COMM)
		out_key_bytes(out, "name", event->comm);
	if (event->has & VEX_HAS_TASK) {
		out_open(out, "parent_process", '{');
		out_key_u64(out, "pid", event->ppid);
		out_close(out, '}');
	}
	put_user(out, event);
	out_close(out, '}');
	out_close(out, '}');
}

/* The schema asks for the device that it happened on: our node. */
static void put_device(struct out *out, const struct vex_event *event)
{
	out_open(out, "device", '{');
	out_key_u64(out, "type_id", 0);
	out_open(out, "uid", '"');
	out_u64(out, event->id.node);
	out_close(out, '"');
	out_close(out, '}');
}

static void put_path(struct out *out, struct vex_bytes path)
{
	const char *text = path.data;
	size_t name = path.len;

	while (name && text[name - 1] != '/')
		name--;
	out_key_bytes(out, "name", (struct vex_bytes){.data = name ? text + name : text,
			.len = path.len - name});
	out_key_bytes(out, "path", path);
	if (name)
		out_key_bytes(out, "parent_folder",
				(struct vex_bytes){.data = text, .len = name > 1 ? name - 1 : 1});
}

static void put_uid(struct out *out, const struct vex_event *event)
{
	out_open(out, "uid", '"');
	out_u64(out, event->dev);
	out_raw(out, ":", 1);
	out_u64(out, event->ino);
	out_close(out, '"');
}

static void put_file(struct out *out, const char *key, const struct vex_event *event,
		struct vex_bytes path)
{
	out_open(out, key, '{');
	put_path(out, path);
	out_key_u64(out, "type_id", file_type(event));
	if ((event->has & VEX_HAS_FILE) && event->ino)
		put_uid(out, event);
	if (event->type == VEX_TRUNCATE && (event->has & VEX_HAS_RANGE))
		out_key_u64(out, "size", event->size);
	out_close(out, '}');
}

static bool has_result(const struct vex_event *event)
{
	return (event->type == VEX_RENAME || event->type == VEX_LINK) &&
			(event->has & VEX_HAS_PATH2);
}

static void put_files(struct out *out, const struct vex_event *event)
{
	struct vex_bytes none = {.data = "", .len = 0};

	put_file(out, "file", event, event->has & VEX_HAS_PATH ? event->path : none);
	if (has_result(event))
		put_file(out, "file_result", event, event->path2);
}

static void put_metadata(struct out *out, const struct vex_event *event)
{
	char text[OUT_SHORT];

	out_open(out, "metadata", '{');
	out_key_text(out, "version", "1.3.0");
	out_open(out, "product", '{');
	out_key_text(out, "name", "vexplane");
	out_key_text(out, "vendor_name", "vexplane");
	out_key_text(out, "version", VEX_VERSION);
	out_close(out, '}');
	out_id(&event->id, text);
	out_key_text(out, "uid", text);
	out_time(event->start_ns, text);
	out_key_text(out, "original_time", text);
	out_close(out, '}');
}

/* The exact bytes of strings that stand elsewhere, where those are no UTF-8. */
static void put_exact(struct out *out, const struct vex_event *event)
{
	if ((event->has & VEX_HAS_COMM) && !out_is_utf8(event->comm))
		out_key_base64(out, "comm", event->comm);
	if ((event->has & VEX_HAS_PATH) && !out_is_utf8(event->path))
		out_key_base64(out, "path", event->path);
	if ((event->has & VEX_HAS_PATH2) && !has_result(event))
		out_key_exact(out, "path2", event->path2);
	else if ((event->has & VEX_HAS_PATH2) && !out_is_utf8(event->path2))
		out_key_base64(out, "path2", event->path2);
}

/* What the class has no place for, under the names that vex_format_json() gives it. */
static void put_unmapped(struct out *out, const struct vex_event *event)
{
	out_open(out, "unmapped", '{');
	out_key_text(out, "type", out_name(vex_type_name(event->type)));
	out_key_text(out, "boundary", out_name(vex_boundary_name(event->boundary)));
	out_key_u64(out, "duration_ns", event->duration_ns);
	out_key_i64(out, "result", event->result);
	if (event->has & VEX_HAS_TENANT)
		out_key_u64(out, "tenant", event->tenant);
	if (event->has & VEX_HAS_FILE) {
		out_key_u64(out, "parent_ino", event->parent_ino);
		if (event->mode || event->ino)
			out_key_u64(out, "mode", event->mode);
		out_key_u64(out, "flags", event->flags);
	}
	out_range(out, event);
	put_exact(out, event);
	out_extras(out, event);
	out_close(out, '}');
}

ssize_t vex_format_ocsf(const struct vex_event *event, char *text, size_t cap)
{
	struct out out;

	out_begin(&out, text, cap);
	out_open(&out, NULL, '{');
	put_class(&out, event);
	put_times(&out, event);
	put_status(&out, event);
	put_actor(&out, event);
	put_device(&out, event);
	put_files(&out, event);
	put_metadata(&out, event);
	put_unmapped(&out, event);
	out_close(&out, '}');
	return out_finish(&out);
}
