/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of vex_tap share.
 *
 *   hook.c     redirects kernel functions to ours, while someone listens
 *   ops_*.c    one function for each hooked one: runs it, then says what happened
 *   emit.c     decides whether it is told, counts it, and puts it into a lane
 *   names.c    resolves its paths
 *   fill.c     makes a record of it
 *   select.c   what the reader wants
 *   lanes.c    the lanes' memory, one a processor
 *   mounts.c   by which mount a task changes names
 *   nest.c     operations that contain others
 *   device.c   /dev/vexplane
 *   reverse.c  records that come back
 *
 * Everything of the lanes and the selection lives from ATTACH to the last close of the device
 * file, which mappings hold open; hooks see it by RCU.
 */
#ifndef VEX_TAP_INTERNAL_H
#define VEX_TAP_INTERNAL_H

#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "abi/tap.h"

/* ---- hook.c ---- */

typedef unsigned long (*tap_function)(unsigned long, unsigned long, unsigned long, unsigned long,
				      unsigned long, unsigned long);

/* Every hooked function takes at most six words: they are passed on as they came. */
#define TAP_PARAMS \
	unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e, \
		unsigned long f

struct tap_hook {
	const char *name;
	/** NULL, or whether a call with these first arguments is one of ours. Must not sleep. */
	bool (*wants)(unsigned long a, unsigned long b, unsigned long entry);
	tap_function ours;
	u64 types; /**< of VEX_OPEN to VEX_SYNC: bit of type; see tap_bit() */
	unsigned long entry; /**< 0: this kernel has no such function */
	tap_function rest; /**< the hooked function, behind the call that led to us */
	bool on;
	bool gone; /* with the file system's module that it was in */
};

/* Types that the module emits fit a word: up to 63 as they stand, the few above folded down. */
#define tap_bit(type) (1ull << ((type) & 63))

extern struct tap_hook tap_name_hooks[], tap_attr_hooks[], tap_file_hooks[], tap_mount_hooks[];
extern const unsigned int tap_name_hook_count, tap_attr_hook_count, tap_file_hook_count,
	tap_mount_hook_count;

/** Where the kernel has a function; 0: nowhere. Between the begin and the end of a search. */
unsigned long tap_address_of(const char *name);
int tap_search_begin(void);
void tap_search_end(void);
int tap_hooks_find(void);
/** Hooks what these types need, and takes the other hooks off; 0 takes off all. Sleeps. */
int tap_hooks_set(u64 types);
/** Hooks a file system's own function. Sleeps; does nothing where it is hooked already. */
void tap_hook_more(unsigned long entry, tap_function ours,
		   bool (*wants)(unsigned long, unsigned long, unsigned long), u64 types);
bool tap_hook_known(unsigned long entry);
/** At the end, after the hooks are off: waits for those who are in one. */
void tap_hooks_end(void);
u64 tap_in_flight(void);
u64 tap_unhooked(void);
u64 tap_types(void);

void tap_enter(void);
void tap_leave(void);

/* ---- ops_io.c: file systems' own read and write functions ---- */

void tap_discover(const struct file *file);
/** A file system's functions have gone with their module: each is looked at again. */
void tap_discover_anew(void);
void tap_discover_all(void);

/* ---- emit.c ---- */

/** Where something is: a path, perhaps a name in it, or text that is taken as it stands. */
struct tap_place {
	const struct vfsmount *mnt; /**< NULL: unknown */
	struct dentry *dentry;
	const char *name; /**< below dentry; NULL: dentry itself */
	unsigned int name_len;
	const char *text; /**< instead of all that */
};

struct tap_event {
	u16 type;
	s64 result;
	u64 start_ns;
	u64 end_ns;
	u64 dev; /* kernel's own dev_t */
	u64 ino;
	u64 parent_ino;
	u64 parent2_ino;
	u32 mode;
	u32 flags;
	bool has_file;
	bool has_range;
	bool has_parent2;
	bool nested; /* on behalf of another file system, whose operation is told: filtered */
	u64 offset;
	u64 size;
	struct tap_place path;
	struct tap_place path2;
	const char *key; /* attribute name, or NULL */
	const void *value;
	unsigned int value_len;
};

void tap_emit(struct tap_event *event);
/** The same event twice, first as this one: paths are resolved once. */
void tap_emit_before(struct tap_event *event, u16 type, s64 result);
void tap_event_inode(struct tap_event *event, const struct inode *inode);
void tap_event_file(struct tap_event *event, struct file *file);
u64 tap_parent_ino(const struct dentry *dentry);
int tap_emit_init(void);
void tap_emit_exit(void);
u64 tap_now(void);
void tap_stats_add(struct vex_tap_stats *stats);

/* ---- names.c ---- */

#define TAP_PATH_MAX 4096u

struct tap_text {
	const char *at; /**< NULL: none */
	u32 len;
};

struct tap_names {
	bool resolved;
	struct tap_text path, path2;
	u32 comm_len;
	char comm[TASK_COMM_LEN];
};

void tap_names_find(void);
/** The text of paths, with room for a name behind each, is the caller's, who has preemption off. */
void tap_names_resolve(struct tap_names *names, const struct tap_event *event,
		       char text[2][TAP_PATH_MAX + 1], u64 *unnamed);

/* ---- fill.c ---- */

u32 tap_record_size(const struct tap_event *event, const struct tap_names *names);
/** The record has room for as much; its size and number in the lane are not set. */
void tap_record_fill(struct vex_record *record, const struct tap_event *event,
		     const struct tap_names *names);

/* ---- mounts.c ---- */

extern struct tap_hook tap_want_hooks[];
extern const unsigned int tap_want_hook_count;

/**
 * The mount by which the calling task changes this file system, NULL where unknown. Notes in the
 * event whether it does so on behalf of another file system.
 */
const struct vfsmount *tap_mount_of(const struct super_block *sb, struct tap_event *event);
void tap_mounts_clear(void);
void tap_mount_push(const struct vfsmount *mnt);
void tap_mount_pop(const struct vfsmount *mnt);

/* ---- nest.c ---- */

/** An operation of this task that may contain others; on the stack of its hook. */
struct tap_nest {
	struct list_head list;
	struct task_struct *task;
	const void *what;
	bool told;
};

void tap_nest_push(struct tap_nest *nest, const void *what);
/** Whether an inner operation was told meanwhile. */
bool tap_nest_pop(struct tap_nest *nest);
/** Tells the outer operations of this task on the same thing; whether there are any. */
bool tap_nest_tell(const void *what);

/* ---- select.c ---- */

struct tap_selection {
	struct rcu_head rcu;
	u32 reader; /* its process */
	u32 prefix_len[VEX_TAP_PREFIXES_MAX];
	bool by_process; /* anything beside types, devices and paths is asked of */
	struct vex_tap_select want;
};

int tap_selection_check(struct vex_tap_select *want);
bool tap_selected(const struct tap_selection *selection, const struct tap_event *event);
bool tap_type_wanted(const struct vex_tap_select *want, u16 type);
bool tap_selected_path(const struct tap_selection *selection, const char *path, u32 len);

/* ---- lanes.c ---- */

struct tap_lane {
	spinlock_t lock; /* writer */
	struct vex_lane_writer writer;
	u32 record_max;
	u64 lost[VEX_GAP_REASON_COUNT];
	struct page **pages; /* producer page, consumer page, ring */
	unsigned int page_count;
	void *ring; /* mapped twice in a row */
	struct vex_lane_producer_page *own;
	struct vex_lane_consumer_page *peer;
} ____cacheline_aligned;

struct tap_lanes {
	unsigned int count;
	u64 ring_size;
	struct tap_lane lane[];
};

unsigned int tap_lane_count(void);
struct tap_lanes *tap_lanes_new(u64 ring_size);
void tap_lanes_free(struct tap_lanes *lanes);
int tap_lanes_mmap(struct tap_lanes *lanes, struct vm_area_struct *vma);
bool tap_lanes_ready(const struct tap_lanes *lanes);

/* ---- device.c ---- */

/** All that hooks need of the reader; NULL while there is none. */
struct tap_reader {
	struct tap_lanes *lanes;
	struct tap_selection __rcu *selection;
	wait_queue_head_t wait;
};

extern struct tap_reader __rcu *tap_reader;

int tap_device_init(void);
void tap_device_exit(void);

/* ---- reverse.c ---- */

ssize_t tap_return(const char __user *from, size_t size);
int tap_return_set(const struct vex_tap_return *how);
void tap_return_stats(struct vex_tap_stats *stats);
/** Whether a record, a private copy, is well formed; pure. */
bool tap_record_valid(const struct vex_record *record, u32 available);

#endif
