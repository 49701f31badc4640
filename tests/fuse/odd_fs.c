/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file system to be mirrored that has what the usual ones of a test machine have not:
 *
 *   /long    a directory of LONG_COUNT files, whose names have LONG_NAME bytes
 *   /late-*  is not there when it is looked up first; then it is root's, mode 0600
 *   /acl     takes extended attributes of any name, and tells the last value of each
 *
 *   odd-fs -f MOUNTPOINT
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse.h>
#include <stdio.h>
#include <string.h>

#define LONG_COUNT 200
#define LONG_NAME 700
#define LATE_MAX 64
#define VALUE_MAX 64

static char late[LATE_MAX][32];
static int late_count;
static char value[VALUE_MAX];
static size_t value_size;

static void long_name(char *name, int index)
{
	char number[16];
	int len = snprintf(number, sizeof(number), "%d", index);

	memset(name, 'n', LONG_NAME);
	memcpy(name + LONG_NAME - len, number, (size_t)len + 1);
}

static int look_late(const char *path)
{
	for (int i = 0; i < late_count; i++)
		if (!strcmp(late[i], path))
			return 0;
	if (late_count < LATE_MAX)
		snprintf(late[late_count++], sizeof(late[0]), "%s", path);
	return -ENOENT;
}

static int odd_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	st->st_mode = S_IFREG | 0644;
	if (!strcmp(path, "/") || !strcmp(path, "/long"))
		st->st_mode = S_IFDIR | 0777;
	else if (!strncmp(path, "/late-", 6))
		st->st_mode = S_IFREG | 0600;
	else if (strcmp(path, "/acl") && strncmp(path, "/long/", 6))
		return -ENOENT;
	return strncmp(path, "/late-", 6) ? 0 : look_late(path);
}

static int odd_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
		struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	char name[LONG_NAME + 1];

	(void)off;
	(void)fi;
	(void)flags;
	for (int i = 0; !strcmp(path, "/long") && i < LONG_COUNT; i++) {
		long_name(name, i);
		fill(buf, name, NULL, 0, 0);
	}
	return 0;
}

static int odd_open(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	return 0;
}

static int odd_setxattr(const char *path, const char *name, const char *bytes, size_t size,
		int flags)
{
	(void)flags;
	if (strcmp(path, "/acl") || size > VALUE_MAX)
		return -EOPNOTSUPP;
	(void)name;
	memcpy(value, bytes, size);
	value_size = size;
	return 0;
}

static int odd_getxattr(const char *path, const char *name, char *buf, size_t size)
{
	if (strcmp(path, "/acl") || strncmp(name, "system.", 7) || !value_size)
		return -ENODATA;
	if (size && size < value_size)
		return -ERANGE;
	if (size)
		memcpy(buf, value, value_size);
	return (int)value_size;
}

static int odd_removexattr(const char *path, const char *name)
{
	(void)name;
	if (strcmp(path, "/acl"))
		return -ENODATA;
	value_size = 0;
	return 0;
}

static void *odd_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	(void)conn;
	config->entry_timeout = 0;
	config->attr_timeout = 0;
	config->negative_timeout = 0;
	return NULL;
}

static const struct fuse_operations operations = {
	.init = odd_init,
	.getattr = odd_getattr,
	.readdir = odd_readdir,
	.open = odd_open,
	.setxattr = odd_setxattr,
	.getxattr = odd_getxattr,
	.removexattr = odd_removexattr,
};

int main(int argc, char **argv)
{
	return fuse_main(argc, argv, &operations, NULL);
}
