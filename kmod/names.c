// SPDX-License-Identifier: GPL-2.0
/* The names in an event: paths as they are now, and what the process is called. */
#include <linux/dcache.h>
#include <linux/fs_struct.h>
#include <linux/sched.h>

#include "tap.h"

#define DELETED " (deleted)"

static char *(*absolute)(const struct path *path, char *buffer, int size);

void tap_names_find(void)
{
	absolute = (void *)tap_address_of("d_absolute_path");
}

/*
 * From the top of the mount namespace, whatever the task's own top is: it may have none any more
 * (files are closed at the end of a task). d_absolute_path() is not exported; where it can't be
 * found, paths begin at the task's top.
 */
static char *absolute_path(const struct tap_place *place, char *buffer, u64 *unnamed)
{
	struct path path = { .mnt = (struct vfsmount *)place->mnt, .dentry = place->dentry };
	const struct dentry_operations *operations = path.dentry->d_op;
	char *at = ERR_PTR(-ENOENT);

	if (operations && operations->d_dname)
		return operations->d_dname(path.dentry, buffer, TAP_PATH_MAX);
	if (path.mnt && absolute)
		at = absolute(&path, buffer, TAP_PATH_MAX);
	else if (path.mnt && current->fs)
		at = d_path(&path, buffer, TAP_PATH_MAX);
	if (!IS_ERR(at))
		return at;
	++*unnamed; /* a mount that is nowhere, or not known: from the top of the file system */
	return dentry_path_raw(path.dentry, buffer, TAP_PATH_MAX);
}

/* All but a file system's own function put the text at the end of the buffer. */
static u32 length(const struct dentry *dentry, const char *at, const char *buffer)
{
	if (dentry->d_op && dentry->d_op->d_dname)
		return strlen(at);
	return buffer + TAP_PATH_MAX - 1 - at;
}

/* What is said of a name that is gone is not part of the name. */
static u32 without_deleted(const struct dentry *dentry, const char *at, u32 len)
{
	u32 tail = sizeof(DELETED) - 1;
	bool said = (dentry->d_op && dentry->d_op->d_dname) || !absolute;

	if (said && len > tail && d_unlinked(dentry) && !memcmp(at + len - tail, DELETED, tail))
		return len - tail;
	return len;
}

static struct tap_text resolve(const struct tap_place *place, char *buffer, u64 *unnamed)
{
	struct tap_text text = { NULL, 0 };
	char *at;

	if (place->text)
		return (struct tap_text){ place->text, strnlen(place->text, TAP_PATH_MAX) };
	if (!place->dentry)
		return text;
	at = absolute_path(place, buffer, unnamed);
	if (IS_ERR(at))
		return text;
	text.at = at;
	text.len = without_deleted(place->dentry, at, length(place->dentry, at, buffer));
	if (!place->name)
		return text;
	if (text.len + 1 + place->name_len > TAP_PATH_MAX)
		return (struct tap_text){ NULL, 0 };
	memmove(buffer, at, text.len);
	if (text.len > 1)
		buffer[text.len++] = '/';
	memcpy(buffer + text.len, place->name, place->name_len);
	text.at = buffer;
	text.len += place->name_len;
	return text;
}

void tap_names_resolve(struct tap_names *names, const struct tap_event *event,
		       char text[2][TAP_PATH_MAX + 1], u64 *unnamed)
{
	names->resolved = true;
	names->path = resolve(&event->path, text[0], unnamed);
	names->path2 = resolve(&event->path2, text[1], unnamed);
	memcpy(names->comm, current->comm, TASK_COMM_LEN); /* others may change it meanwhile */
	names->comm_len = strnlen(names->comm, TASK_COMM_LEN);
}
