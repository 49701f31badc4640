/* SPDX-License-Identifier: BSD-3-Clause */
#include "emit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"


/* Lane 0 is shared, under a lock, by threads without one of their own; workers' follow. */
static struct {
	struct vex_port *port;
	struct vex_lane **lanes;
	uint32_t count;
	pthread_mutex_t shared;
} emitter = {.shared = PTHREAD_MUTEX_INITIALIZER};

static __thread uint32_t own_lane;

static void publish(const struct vex_event *event)
{
	if (VEX_LIKELY(own_lane)) {
		vex_publish(emitter.lanes[own_lane], event);
		return;
	}
	pthread_mutex_lock(&emitter.shared);
	vex_publish(emitter.lanes[0], event);
	pthread_mutex_unlock(&emitter.shared);
}

void emit_mount(enum vex_type type)
{
	struct vex_event event = {.has = VEX_HAS_PATH | VEX_HAS_PATH2 | VEX_HAS_FILE,
		.type = (uint16_t)type, .pid = (uint32_t)getpid(), .uid = geteuid(),
		.gid = getegid()};

	if (!emitter.port)
		return;
	if (type == VEX_MOUNT)
		event.start_ns = mirror.started_ns;
	event.dev = mirror.source_dev;
	event.path = (struct vex_bytes){mirror.mountpoint, mirror.mountpoint_len};
	event.path2 = (struct vex_bytes){mirror.source, mirror.source_len};
	pthread_mutex_lock(&emitter.shared);
	vex_publish(emitter.lanes[0], &event);
	pthread_mutex_unlock(&emitter.shared);
}

void emit_name(char *name)
{
	if (mirror.options.name)
		snprintf(name, VEX_NAME_MAX, "%s", mirror.options.name);
	else
		snprintf(name, VEX_NAME_MAX, "fuse:%s", mirror.mountpoint);
}

static int open_port(void)
{
	char name[VEX_NAME_MAX];
	struct vex_port_options options = {
		.socket = mirror.options.socket,
		.name = name,
		.boundary = VEX_BOUNDARY_FUSE,
		.ring_size = mirror.options.lane_size,
		.full = mirror.options.wait ? VEX_FULL_WAIT : VEX_FULL_DROP,
		.wait_us = mirror.options.wait_us,
		.background = 1, /* lanes keep what happens until a data plane comes */
	};

	emit_name(name);
	return vex_port_open(&options, &emitter.port);
}

static int open_lanes(void)
{
	int error = open_port();

	for (uint32_t i = 0; i < emitter.count && !error; i++)
		error = vex_lane_open(emitter.port, &emitter.lanes[i]);
	if (!error)
		return 0;
	vex_error("no events can be published: %s", vex_last_error());
	return error == -EINVAL || error == -EACCES ? VEX_EXIT_CONFIG : VEX_EXIT_FAILED;
}

int emit_start(uint32_t workers)
{
	struct vex_port_stats stats;
	int code;

	if (!mirror.options.events)
		return 0;
	emitter.count = workers + 1;
	emitter.lanes = calloc(emitter.count, sizeof(struct vex_lane *));
	if (!emitter.lanes) {
		vex_error("no events can be published: out of memory");
		return VEX_EXIT_FAILED;
	}
	code = open_lanes();
	if (code)
		return code;
	vex_port_get_stats(emitter.port, &stats);
	if (!stats.connected)
		vex_warn("%s; looking for it in the background", vex_last_error());
	return 0;
}

void emit_stop(void)
{
	int lost;

	if (!emitter.port)
		return;
	emit_mount(VEX_UNMOUNT);
	lost = vex_port_close(emitter.port);
	if (lost)
		vex_warn("no data plane took the last %d events: they are lost", lost);
	emitter.port = NULL;
}

void emit_use_lane(uint32_t worker)
{
	own_lane = worker + 1;
}

void op_begin(struct op *op, fuse_req_t req, enum vex_type type)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	op->on = mirror.options.events;
	if (!op->on) {
		op->event.start_ns = 0;
		op->event.duration_ns = 0;
		return;
	}
	memset(&op->event, 0, sizeof(op->event));
	op->event.type = (uint16_t)type;
	op->event.start_ns = vex_now_ns();
	caller_find(ctx->pid, ctx->uid, ctx->gid, op->event.start_ns, &op->caller);
}

void op_user(struct op *op, struct handle *handle)
{
	if (op->on && !op->caller.tid)
		op->caller = handle_user(handle);
}

void op_remember(const struct op *op, struct handle *handle)
{
	if (op->on && op->caller.tid)
		handle_set_user(handle, &op->caller);
}

static void take_view(struct vex_event *event, const struct inode_view *view)
{
	event->has |= VEX_HAS_FILE | VEX_HAS_PATH;
	event->dev = view->dev;
	event->ino = view->ino;
	event->parent_ino = view->parent_ino;
	event->mode = view->mode;
	event->path = (struct vex_bytes){view->path, view->path_len};
}

static void take_view2(struct vex_event *event, const struct inode_view *view)
{
	event->has |= VEX_HAS_PATH2 | VEX_HAS_PARENT2;
	event->parent2_ino = view->parent_ino;
	event->path2 = (struct vex_bytes){view->path, view->path_len};
}

void op_inode(struct op *op, struct inode *inode)
{
	struct inode_view view;

	if (!op->on)
		return;
	inode_describe(inode, op->path, &view);
	take_view(&op->event, &view);
}

void op_child(struct op *op, struct inode *dir, const char *name)
{
	struct inode_view view;

	if (!op->on)
		return;
	inode_describe_child(dir, name, op->path, &view);
	take_view(&op->event, &view);
}

void op_inode2(struct op *op, struct inode *inode)
{
	struct inode_view view;

	if (!op->on)
		return;
	inode_describe(inode, op->path2, &view);
	take_view2(&op->event, &view);
}

void op_child2(struct op *op, struct inode *dir, const char *name)
{
	struct inode_view view;

	if (!op->on)
		return;
	inode_describe_child(dir, name, op->path2, &view);
	take_view2(&op->event, &view);
}

void op_text2(struct op *op, const char *bytes, size_t len)
{
	op->event.has |= VEX_HAS_PATH2;
	op->event.path2 = (struct vex_bytes){bytes, len};
}

void op_pair(struct op *op, const char *name, const void *value, size_t len)
{
	op->pair.name = (struct vex_bytes){name, strlen(name)};
	op->pair.value = (struct vex_bytes){value, len};
	op->event.pairs = &op->pair;
	op->event.pair_count = 1;
}

void op_stat(struct op *op, const struct stat *st)
{
	op->event.dev = st->st_dev;
	op->event.ino = st->st_ino;
	op->event.mode = st->st_mode;
}

void op_flags(struct op *op, uint32_t flags)
{
	op->event.flags = flags;
}

void op_mode(struct op *op, uint32_t mode)
{
	op->event.mode = mode;
}

void op_range(struct op *op, uint64_t offset, uint64_t size)
{
	op->event.has |= VEX_HAS_RANGE;
	op->event.offset = offset;
	op->event.size = size;
}

void op_result(struct op *op, int64_t result)
{
	if (!op->on)
		return;
	op->event.result = result > INT32_MAX ? INT32_MAX : (int32_t)result;
	op->event.duration_ns = vex_now_ns() - op->event.start_ns;
}

void op_emit(struct op *op)
{
	const struct caller *caller = &op->caller;

	if (!op->on)
		return;
	op->event.has |= VEX_HAS_TASK | VEX_HAS_COMM;
	op->event.pid = caller->pid;
	op->event.tid = caller->tid;
	op->event.ppid = caller->ppid;
	op->event.uid = caller->uid;
	op->event.gid = caller->gid;
	op->event.comm = (struct vex_bytes){caller->comm, caller->comm_len};
	publish(&op->event);
}

void op_emit_as(struct op *op, enum vex_type type)
{
	op->event.type = (uint16_t)type;
	op_emit(op);
}

void op_finish(struct op *op, fuse_req_t req, int err)
{
	op_result(op, -err);
	op_emit(op);
	fuse_reply_err(req, err);
}
