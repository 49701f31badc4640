/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel module's device, VEX_TAP_DEVICE: how a reader attaches and what it may ask.
 *
 *   open(O_RDWR), HELLO (versions), ATTACH (lanes are made, one a processor, nothing is hooked
 *   yet), mmap() of each lane, SELECT (what is wanted: from here on events flow), poll(2);
 *   SELECT again at any time. Closing, or the reader's death, ends it. A reader that
 *   sleeps says so in its lanes (vex_lane_sleep_begin()), or nobody wakes it.
 *
 * Lane n's objects are mapped at n << VEX_TAP_LANE_SHIFT: the producer page, read-only, and the
 * ring behind it as in abi/lane.h; VEX_TAP_PEER further on the consumer page. The ring may be
 * mapped to write (see vex_lane_release()): the producer reads nothing there.
 *
 * write(2) is the reverse lane: whole records, one after another, each of which goes to the
 * kernel's subscribers (kmod/vex_tap.h). Answers are 0 or more; errors are errno values.
 */
#ifndef VEX_ABI_TAP_H
#define VEX_ABI_TAP_H

#include <linux/ioctl.h>

#include "abi/lane.h"

#define VEX_TAP_DEVICE "/dev/vexplane"
#define VEX_TAP_MAGIC 0x74786576u /* "vext" */
#define VEX_TAP_VERSION 1u
#define VEX_TAP_LANES_MAX 64u
#define VEX_TAP_LANE_SHIFT 32
#define VEX_TAP_PEER (1ull << 31)
#define VEX_TAP_RING_DEFAULT (4u << 20)

struct vex_tap_hello {
	uint32_t magic;
	uint32_t abi_version; /**< VEX_ABI_VERSION of the caller; the module's in the answer */
	uint32_t tap_version; /**< VEX_TAP_VERSION, likewise */
	uint32_t lane_count;  /**< answer: lanes that ATTACH makes */
};

struct vex_tap_attach {
	uint64_t ring_size; /**< a power of two, 4 KiB to 1 GiB; 0: the default; answered */
	uint32_t lane_count; /**< answer */
	uint32_t reserved;
};

#define VEX_TAP_LIST_MAX 16u
#define VEX_TAP_EXCLUDED_MAX 64u
#define VEX_TAP_PREFIXES_MAX 8u
#define VEX_TAP_PREFIX_LEN 256u

/**
 * What is wanted. An empty list asks for everything; of several entries one must fit. The
 * processes excluded, and the reader itself, are left out whatever else is said.
 */
struct vex_tap_select {
	uint64_t types[4]; /**< a bit a type; none set: all that the module knows */
	uint32_t device_count;
	uint32_t prefix_count;
	uint32_t uid_count;
	uint32_t pid_count;
	uint32_t cgroup_count;
	uint32_t excluded_count;
	uint64_t devices[VEX_TAP_LIST_MAX]; /**< as of stat(2): st_dev */
	uint64_t cgroups[VEX_TAP_LIST_MAX]; /**< inode of the cgroup's folder; those beneath, too */
	uint32_t uids[VEX_TAP_LIST_MAX];
	uint32_t pids[VEX_TAP_LIST_MAX]; /**< processes of the first namespace, and their children */
	uint32_t excluded[VEX_TAP_EXCLUDED_MAX]; /**< processes */
	char prefixes[VEX_TAP_PREFIXES_MAX][VEX_TAP_PREFIX_LEN]; /**< folders; end in NUL */
};

/** Of one type of operation, since the module was loaded; emitted + filtered + dropped = seen. */
struct vex_tap_op_stat {
	uint64_t seen;
	uint64_t emitted;
	uint64_t filtered;
	uint64_t dropped;
	uint64_t hook_ns; /**< spent in the module, of those that were timed */
	uint64_t timed;
	uint64_t hook_min_ns; /**< 0 where none was timed */
	uint64_t hook_max_ns;
};

struct vex_tap_stats {
	uint64_t lost[VEX_GAP_REASON_COUNT]; /**< by enum vex_gap_reason */
	uint64_t unnamed;   /**< events whose mount was not known: the path begins at its top */
	uint64_t unhooked;  /**< file systems' functions that could not be hooked */
	uint64_t in_flight; /**< operations that are in a hook now */
	uint64_t returned;  /**< records taken from the reverse lane */
	uint64_t refused;   /**< records and writes there that were not */
	uint64_t limited;   /**< tries that came too fast; not among those refused */
	uint64_t raised;    /**< fsnotify events */
	struct vex_tap_op_stat op[VEX_TYPE_LIMIT];
};

/** What becomes of records that are written to the device. */
#define VEX_TAP_RETURN_FSNOTIFY 1u /**< raise fsnotify on the path they name */

struct vex_tap_return {
	uint32_t flags;
	uint32_t rate; /**< records a second at most; 0: the default */
};

#define VEX_TAP_RETURN_RATE 100000u /* the default */

#define VEX_TAP_HELLO _IOWR('x', 0x60, struct vex_tap_hello)
#define VEX_TAP_ATTACH _IOWR('x', 0x61, struct vex_tap_attach)
#define VEX_TAP_SELECT _IOW('x', 0x62, struct vex_tap_select)
#define VEX_TAP_PAUSE _IO('x', 0x63) /**< hooks come off until the next SELECT */
#define VEX_TAP_STATS _IOR('x', 0x64, struct vex_tap_op_stat) /**< struct vex_tap_stats */
#define VEX_TAP_RETURN _IOW('x', 0x65, struct vex_tap_return)

VEX_STATIC_ASSERT(sizeof(struct vex_tap_attach) == 16, "layout is fixed");
VEX_STATIC_ASSERT(sizeof(struct vex_tap_op_stat) == 64, "layout is fixed");

#endif
