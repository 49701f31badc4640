/* SPDX-License-Identifier: BSD-3-Clause */
#include "inode.h"

#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "inode_table.h"

static uint32_t hash_name(const struct inode *dir, const char *name, size_t len)
{
	uint64_t h = (uintptr_t)dir;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3ull;
	return (uint32_t)inode_mix(h);
}

static struct inode *find_name(const struct inode *dir, const char *name, size_t len)
{
	uint32_t hash = hash_name(dir, name, len);
	struct inode *inode = inode_table.by_name[hash & inode_table.mask];

	while (inode && (inode->name_hash != hash || inode->parent != dir ||
			inode->name_len != len || memcmp(inode->name, name, len)))
		inode = inode->name_next;
	return inode;
}

void inode_unlist(struct inode *inode)
{
	struct inode **at = &inode_table.by_name[inode->name_hash & inode_table.mask];

	if (!inode->listed)
		return;
	while (*at != inode)
		at = &(*at)->name_next;
	*at = inode->name_next;
	inode->listed = false;
}

void inode_list(struct inode *inode)
{
	struct inode **at;

	inode->name_hash = hash_name(inode->parent, inode->name, inode->name_len);
	at = &inode_table.by_name[inode->name_hash & inode_table.mask];
	inode->name_next = *at;
	*at = inode;
	inode->listed = true;
}

static bool has_name(const struct inode *inode, const struct inode *dir, const char *name,
		size_t len)
{
	return inode->parent == dir && inode->name_len == len && !memcmp(inode->name, name, len);
}

void inode_free_name(struct inode *inode)
{
	if (inode->name != inode->short_name)
		free(inode->name);
}

static bool copy_name(struct inode *inode, const char *name, size_t len)
{
	char *copy = len < INODE_NAME_SHORT ? inode->short_name : malloc(len + 1);

	if (!copy)
		return false;
	if (copy != inode->name)
		inode_free_name(inode);
	memmove(copy, name, len);
	copy[len] = '\0';
	inode->name = copy;
	inode->name_len = (uint16_t)len;
	return true;
}

struct inode *inode_rename_to(struct inode *inode, struct inode *dir, const char *name,
		size_t len, bool listed)
{
	struct inode *old_parent = inode->parent;
	struct inode *other;

	if (inode == &inode_table.root)
		return NULL;
	if (inode->listed && listed && has_name(inode, dir, name, len))
		return NULL;
	inode_unlist(inode);
	other = listed ? find_name(dir, name, len) : NULL;
	if (other)
		inode_unlist(other);
	if (!copy_name(inode, name, len))
		return NULL;
	inode->parent = dir;
	dir->holds++;
	if (listed)
		inode_list(inode);
	if (!old_parent)
		return NULL;
	old_parent->holds--;
	return inode_reap(old_parent);
}

bool inode_name_known(const struct inode *dir, const char *name)
{
	bool known;

	pthread_mutex_lock(&inode_table.lock);
	known = find_name(dir, name, strlen(name)) != NULL;
	pthread_mutex_unlock(&inode_table.lock);
	return known;
}

void inode_name_if_lost(struct inode *inode, struct inode *dir, const char *name)
{
	struct inode *dead = NULL;

	pthread_mutex_lock(&inode_table.lock);
	if (!inode->listed)
		dead = inode_rename_to(inode, dir, name, strlen(name), true);
	pthread_mutex_unlock(&inode_table.lock);
	inode_bury(dead);
}

void inode_unlinked(struct inode *dir, const char *name)
{
	struct inode *inode;

	pthread_mutex_lock(&inode_table.lock);
	inode = find_name(dir, name, strlen(name));
	if (inode)
		inode_unlist(inode);
	pthread_mutex_unlock(&inode_table.lock);
}

void inode_renamed(struct inode *dir, const char *name, struct inode *newdir,
		const char *newname, unsigned int flags)
{
	struct inode *dead = NULL, *dead2 = NULL;
	struct inode *inode, *other;

	pthread_mutex_lock(&inode_table.lock);
	inode = find_name(dir, name, strlen(name));
	other = find_name(newdir, newname, strlen(newname));
	if (other)
		inode_unlist(other);
	if (inode)
		dead = inode_rename_to(inode, newdir, newname, strlen(newname), true);
	if (other && other != inode && (flags & RENAME_EXCHANGE))
		dead2 = inode_rename_to(other, dir, name, strlen(name), true);
	pthread_mutex_unlock(&inode_table.lock);
	inode_bury(dead);
	inode_bury(dead2);
}

/* Stands for the names left out: no real path has an empty name in it. */
#define CUT_MARK "//..."
/* More levels are not climbed, since everyone waits for the lock meanwhile. */
#define LEVELS_MAX 65536u

static char *put_front(char *at, const char *bytes, size_t len)
{
	return memcpy(at - len, bytes, len);
}

static char *put_name(char *at, const struct inode *inode)
{
	at = put_front(at, inode->name, inode->name_len);
	*--at = '/';
	return at;
}

/* The nearest directory above, or the inode itself, whose whole path takes room bytes at most. */
static const struct inode *fitting_ancestor(const struct inode *inode, size_t room)
{
	const struct inode *above = inode;
	size_t total = mirror.mountpoint_len;
	uint32_t levels = 0;

	for (; above->parent; above = above->parent) {
		if (levels++ == LEVELS_MAX)
			return &inode_table.root;
		total += above->name_len + 1u;
	}
	for (; total > room; inode = inode->parent)
		total -= inode->name_len + 1u;
	return inode;
}

/* The mount point and as many names behind it as there is room for, then the mark. */
static char *put_cut_path(const struct inode *inode, char *at, const char *buf)
{
	at = put_front(at, CUT_MARK, sizeof(CUT_MARK) - 1);
	inode = fitting_ancestor(inode, (size_t)(at - buf));
	for (; inode->parent; inode = inode->parent)
		at = put_name(at, inode);
	return put_front(at, mirror.mountpoint, mirror.mountpoint_len);
}

/*
 * Writes the path of the inode in front of at, going up. Ends as the buffer does, so a ring
 * of parents, which renames beneath us can make for a moment, ends as well.
 */
static char *put_path(const struct inode *inode, char *at, const char *buf)
{
	const struct inode *last = inode;
	char *end = at;

	for (; inode->parent; inode = inode->parent) {
		if ((size_t)(at - buf) < inode->name_len + 1u + mirror.mountpoint_len)
			return put_cut_path(last, end, buf);
		at = put_name(at, inode);
	}
	return put_front(at, mirror.mountpoint, mirror.mountpoint_len);
}

static void view_path(struct inode_view *view, const char *at, const char *end)
{
	view->path = at;
	view->path_len = (size_t)(end - at);
}

void inode_describe(struct inode *inode, char *buf, struct inode_view *view)
{
	char *end = buf + INODE_PATH_CAP;

	view->dev = inode->dev;
	view->ino = inode->ino;
	pthread_mutex_lock(&inode_table.lock);
	view->mode = inode->mode;
	view->parent_ino = inode->parent ? inode->parent->ino : inode->ino;
	if (inode->parent)
		view_path(view, put_path(inode->parent, put_name(end, inode), buf), end);
	else
		view_path(view, put_path(inode, end, buf), end);
	pthread_mutex_unlock(&inode_table.lock);
}

void inode_describe_child(struct inode *dir, const char *name, char *buf,
		struct inode_view *view)
{
	size_t len = strlen(name);
	char *end = buf + INODE_PATH_CAP;
	char *at = put_front(end, name, len < INODE_NAME_TOLD ? len : INODE_NAME_TOLD);
	struct inode *child;

	*--at = '/';
	view->dev = dir->dev;
	view->parent_ino = dir->ino;
	pthread_mutex_lock(&inode_table.lock);
	child = find_name(dir, name, len);
	if (child)
		view->dev = child->dev;
	view->ino = child ? child->ino : 0;
	view->mode = child ? child->mode : 0;
	view_path(view, put_path(dir, at, buf), end);
	pthread_mutex_unlock(&inode_table.lock);
}

static bool is_plain(const char *name, size_t len)
{
	return len && len <= NAME_MAX && !memchr(name, '\0', len) && !(len == 1 && name[0] == '.') &&
			!(len == 2 && name[0] == '.' && name[1] == '.');
}

/* The last name stays in place, those before it lead to place->dir. */
static bool walk(const char *path, size_t len, struct inode_place *place)
{
	const char *end = path + len;

	place->file = &inode_table.root;
	while (path <= end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t name_len = (size_t)((slash ? slash : end) - path);

		place->dir = place->file;
		if (!place->dir || !is_plain(path, name_len))
			return false;
		place->file = find_name(place->dir, path, name_len);
		place->name_len = name_len;
		memcpy(place->name, path, name_len);
		path += name_len + 1;
	}
	place->name[place->name_len] = '\0';
	return true;
}

bool inode_locate(const char *path, size_t len, struct inode_place *place)
{
	bool found;

	*place = (struct inode_place){.file = &inode_table.root};
	pthread_mutex_lock(&inode_table.lock);
	found = !len || walk(path, len, place);
	if (found && place->dir)
		place->dir->holds++;
	if (found && place->file)
		place->file->holds++;
	pthread_mutex_unlock(&inode_table.lock);
	return found;
}

void inode_leave(const struct inode_place *place)
{
	if (place->file)
		inode_drop(place->file);
	if (place->dir)
		inode_drop(place->dir);
}

static bool is_victim(const struct inode *inode, uint32_t before_s)
{
	return inode->seen_s < before_s && inode->listed && !inode->holds &&
			inode->nlookup && inode->name_len <= INODE_NAME_TOLD && !S_ISDIR(inode->mode) &&
			!__atomic_load_n(&inode->opens, __ATOMIC_RELAXED);
}

size_t inode_victims(uint64_t *cursor, uint32_t before_s, struct inode_victim *victims, size_t cap)
{
	size_t count = 0;

	pthread_mutex_lock(&inode_table.lock);
	for (uint64_t i = 0; i <= inode_table.mask && count < cap; i++) {
		struct inode *inode = inode_table.by_id[(*cursor)++ & inode_table.mask];

		for (; inode && count < cap; inode = inode->id_next) {
			if (!is_victim(inode, before_s))
				continue;
			victims[count].dir = inode_id(inode->parent);
			victims[count].name_len = inode->name_len;
			memcpy(victims[count].name, inode->name, inode->name_len + 1u);
			count++;
		}
	}
	pthread_mutex_unlock(&inode_table.lock);
	return count;
}
