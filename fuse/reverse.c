/* SPDX-License-Identifier: BSD-3-Clause */
#include "reverse.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "emit.h"
#include "inode.h"
#include "mirror.h"
#include "vex/vex.h"

#define RECORDS_A_READ 64
#define WAIT_MS 200 /* within which it hears that it is to stop */
#define STOP_S 2
#define BURST_NS 100000000ull /* so much of a second's events may come at once */
#define VICTIMS 64u

static struct {
	bool started;
	bool stop; /* relaxed */
	pthread_t thread;
	struct vex_subscription *sub;
	uint64_t earliest_ns; /* of the next event */
} reverse;

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What is too much waits in the lane; where that is full it is the data plane's to drop. */
static void keep_rate(void)
{
	uint64_t now = monotonic_ns(), ahead;

	if (reverse.earliest_ns < now)
		reverse.earliest_ns = now;
	ahead = reverse.earliest_ns - now;
	if (ahead > BURST_NS)
		nanosleep(&(struct timespec){.tv_nsec = (long)(ahead - BURST_NS)}, NULL);
	reverse.earliest_ns += 1000000000u / mirror.options.reverse_rate;
}

/* The rest of a path behind a directory's; NULL where it is not in there. */
static const char *beneath(const struct vex_bytes *path, const char *dir, size_t len, size_t *left)
{
	const char *text = path->data;

	if (path->len < len || memcmp(text, dir, len) || (path->len > len && text[len] != '/'))
		return NULL;
	*left = path->len > len ? path->len - len - 1 : 0;
	return text + path->len - *left;
}

/* What the kernel did through the mount it knows; what it did beneath it does not. */
static bool locate(const struct vex_event *event, const struct vex_bytes *path,
		struct inode_place *place)
{
	size_t left;
	size_t source_len = mirror.source_len == 1 ? 0 : mirror.source_len; /* "/" */
	const char *rest = beneath(path, mirror.source, source_len, &left);

	if (!rest && event->boundary != VEX_BOUNDARY_KERNEL)
		rest = beneath(path, mirror.mountpoint, mirror.mountpoint_len, &left);
	return rest && inode_locate(rest, left, place);
}

static void forget_contents(const struct inode *inode)
{
	fuse_lowlevel_notify_inval_inode(mirror.session, inode_id(inode), 0, 0);
}

static void forget_attributes(const struct inode *inode)
{
	fuse_lowlevel_notify_inval_inode(mirror.session, inode_id(inode), -1, 0);
}

/* An event's word is not enough for it: a name is gone where it is gone beneath. */
static bool is_gone(const struct inode_place *place)
{
	struct stat st;

	return fstatat(place->dir->fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* A file may live on under another name: what the kernel takes for deleted never comes back. */
static bool is_deleted(const struct inode *inode)
{
	struct stat st;

	return fstat(inode->fd, &st) == 0 && !st.st_nlink;
}

static void forget_name(const struct inode_place *place)
{
	fuse_ino_t dir = inode_id(place->dir);

	if (place->file && is_gone(place)) {
		inode_unlinked(place->dir, place->name);
		if (is_deleted(place->file) && fuse_lowlevel_notify_delete(mirror.session, dir, inode_id(place->file), place->name,
				    place->name_len) == 0)
			return;
	}
	fuse_lowlevel_notify_inval_entry(mirror.session, dir, place->name, place->name_len);
}

static void name_changed(const struct vex_event *event, const struct vex_bytes *path)
{
	struct inode_place place;

	if (!locate(event, path, &place))
		return;
	if (place.dir) {
		forget_name(&place);
		forget_contents(place.dir);
	}
	if (place.file)
		forget_attributes(place.file);
	inode_leave(&place);
}

static void file_changed(const struct vex_event *event, void (*forget)(const struct inode *inode))
{
	struct inode_place place;

	if (!locate(event, &event->path, &place))
		return;
	if (place.file)
		forget(place.file);
	inode_leave(&place);
}

/* Events for us were lost: names that nobody uses are forgotten; the rest is as old as --timeout. */
static void forget_all(void)
{
	static struct inode_victim victims[VICTIMS];
	uint64_t cursor = 0;
	uint64_t rounds = inode_total() / VICTIMS + 2;

	while (rounds--) {
		size_t count = inode_victims(&cursor, UINT32_MAX, victims, VICTIMS);

		if (!count) /* it looked everywhere */
			return;
		for (size_t i = 0; i < count; i++)
			fuse_lowlevel_notify_inval_entry(mirror.session, victims[i].dir,
					victims[i].name, victims[i].name_len);
	}
}

static void take_back(const struct vex_event *event)
{
	if (event->result < 0)
		return;
	switch (event->type) {
	case VEX_RENAME:
	case VEX_LINK:
		name_changed(event, &event->path);
		name_changed(event, &event->path2);
		break;
	case VEX_CREATE:
	case VEX_DELETE:
	case VEX_MKDIR:
	case VEX_RMDIR:
	case VEX_MKNOD:
	case VEX_SYMLINK:
		name_changed(event, &event->path);
		break;
	case VEX_WRITE:
	case VEX_TRUNCATE:
	case VEX_FALLOCATE:
	case VEX_COPY_FILE_RANGE:
		file_changed(event, forget_contents);
		break;
	case VEX_CHMOD:
	case VEX_CHOWN:
	case VEX_UTIMENS:
	case VEX_SETXATTR:
	case VEX_REMOVEXATTR:
		file_changed(event, forget_attributes);
		break;
	case VEX_GAP:
		if (event->boundary == VEX_BOUNDARY_NONE) /* of our own lane */
			forget_all();
		break;
	}
}

static void *run(void *unused)
{
	const struct vex_record *records[RECORDS_A_READ];
	struct vex_event_space space;
	struct vex_event event;

	(void)unused;
	while (!VEX_LOAD_RELAXED(&reverse.stop)) {
		int count = vex_read(reverse.sub, records, RECORDS_A_READ);

		for (int i = 0; i < count && !VEX_LOAD_RELAXED(&reverse.stop); i++) {
			keep_rate();
			vex_event_decode(records[i], &event, &space);
			take_back(&event);
		}
		if (count <= 0)
			vex_wait(reverse.sub, WAIT_MS);
	}
	return NULL;
}

static int subscribe(void)
{
	char name[VEX_NAME_MAX];
	struct vex_subscribe_options options = {.socket = mirror.options.socket,
		.name = name,
		.background = 1,
		.boundary = VEX_BOUNDARY_FUSE};

	emit_name(name);
	for (uint32_t i = 0; i < VEX_BOUNDARY_COUNT; i++)
		if (i != VEX_BOUNDARY_FUSE) /* what a mirror saw it does not hear again */
			vex_filter_add_boundary(&options.filter, i);
	return vex_subscribe(&options, &reverse.sub);
}

int reverse_start(void)
{
	int error;

	if (!mirror.options.reverse)
		return 0;
	error = subscribe();
	if (!error)
		error = -pthread_create(&reverse.thread, NULL, run, NULL);
	reverse.started = !error;
	return error;
}

void reverse_stop(void)
{
	struct timespec until;

	if (!reverse.started)
		return;
	VEX_STORE_RELAXED(&reverse.stop, true);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	if (pthread_timedjoin_np(reverse.thread, NULL, &until) == 0)
		vex_unsubscribe(reverse.sub);
}
