/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The record: the one serialised form of an event.
 *
 * The same bytes stand in a lane, in a journal segment, in the packet of a capture and on the
 * way to a peer: a header of 56 bytes, then attributes, each a 32-bit head (id and length) and
 * its payload, padded with zeros to a multiple of eight. Little endian. A new meaning is a new
 * type or a new attribute, never a changed one.
 *
 * A record that came from another process is untrusted until vex_record_check() (lib/event)
 * has accepted a private copy of it.
 */
#ifndef VEX_ABI_RECORD_H
#define VEX_ABI_RECORD_H

#include "abi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum vex_category {
	VEX_CATEGORY_CONTROL,
	VEX_CATEGORY_FILE,
	VEX_CATEGORY_FUSE,
	VEX_CATEGORY_GRAPH,
	VEX_CATEGORY_VECTOR,
	VEX_CATEGORY_AGENT,
	VEX_CATEGORY_SYSTEM,
	VEX_CATEGORY_SEMANTIC,
	VEX_CATEGORY_OBSERVABILITY,
	VEX_CATEGORY_COUNT,
};

#define VEX_EVENT(id, NAME, text, cat, ocsf, desc) VEX_##NAME = id,
enum vex_type {
	VEX_TYPE_NONE = 0,
#include "abi/event.def"
	VEX_TYPE_LIMIT = 256, /**< every type is below it */
};
#undef VEX_EVENT

#define VEX_ATTR(id, NAME, text, min, max, repeat, desc) VEX_ATTR_##NAME = id,
enum vex_attr_id {
	VEX_ATTR_NONE = 0,
#include "abi/attr.def"
	VEX_ATTR_LIMIT,
};
#undef VEX_ATTR

/** Where an event was seen. */
enum vex_boundary {
	VEX_BOUNDARY_NONE,
	VEX_BOUNDARY_KERNEL,
	VEX_BOUNDARY_FUSE,
	VEX_BOUNDARY_APP,
	VEX_BOUNDARY_PEER,
	VEX_BOUNDARY_REPLAY,
	VEX_BOUNDARY_COUNT,
};

/**
 * 128 bits that name an event for ever, unless the clock was set back while no data plane ran. The
 * data plane gives them out when it takes the event in; what a producer wrote there counts only on
 * a port that keeps ids (replay, peers). An event that is taken in again, as after a data plane
 * that was killed, has another.
 */
struct vex_event_id {
	uint64_t seq;  /**< in the lane it came in by, without gaps, events that were lost included;
			* from the nanosecond since 1970 at which the lane was opened, or further on */
	uint32_t node; /**< the data plane that took it in */
	uint16_t port;
	uint16_t lane;
};

struct vex_record {
	/**
	 * Bytes of the whole record, header included, a multiple of 8. In a lane, 0 while the
	 * record is being written (the busy bit), stored last and with release.
	 */
	uint32_t size;
	/** Low half of the lane's sequence number, in a lane; 0 anywhere else. */
	uint32_t lane_seq;
	struct vex_event_id id;
	uint64_t start_ns;    /**< since 1970 (CLOCK_REALTIME) */
	uint32_t duration_ns; /**< UINT32_MAX: see attribute DURATION */
	int32_t result;       /**< 0 or a positive count; a negative errno on failure */
	uint16_t type;        /**< enum vex_type */
	uint8_t boundary;     /**< enum vex_boundary */
	uint8_t attr_count;
	uint32_t pid; /**< of the process (thread group) that acted */
	uint32_t uid;
	uint32_t gid;
};

#define VEX_RECORD_MIN ((uint32_t)sizeof(struct vex_record))
/** As it is made: two paths, a name, an attribute's largest value, and all fixed attributes. */
#define VEX_RECORD_MADE_MAX 81920u
/** What the data plane may add to a record: attributes ROUTE and SUPPRESSED. */
#define VEX_RECORD_ADDED_MAX 64u
#define VEX_RECORD_MAX (VEX_RECORD_MADE_MAX + VEX_RECORD_ADDED_MAX)

VEX_STATIC_ASSERT(sizeof(struct vex_event_id) == 16, "the id is 128 bits");
VEX_STATIC_ASSERT(sizeof(struct vex_record) == 56, "the header is 56 bytes: bump VEX_ABI_VERSION");
VEX_STATIC_ASSERT(offsetof(struct vex_record, start_ns) == 24, "layout is fixed");
VEX_STATIC_ASSERT(offsetof(struct vex_record, type) == 40, "layout is fixed");

/** Version of the record, the lane and the handshake, together. */
#define VEX_ABI_VERSION 1u

struct vex_attr_task {
	uint32_t tid;
	uint32_t ppid;
};

struct vex_attr_file {
	uint64_t dev; /**< as of stat(2): st_dev */
	uint64_t ino;
	uint64_t parent_ino;
	uint32_t mode;  /**< as of stat(2): st_mode */
	uint32_t flags; /**< of the operation: O_* of open, RENAME_* of rename, ... */
};

struct vex_attr_range {
	uint64_t offset;
	uint64_t size;
};

/** Who lost the events of a GAP. */
enum vex_gap_reason {
	VEX_GAP_LANE_FULL,   /**< a producer's lane was full */
	VEX_GAP_TARGET_FULL, /**< a subscriber's lane was full */
	VEX_GAP_TOO_LARGE,   /**< the record did not fit the lane */
	VEX_GAP_ABANDONED,   /**< the producer died before it could announce the loss */
	VEX_GAP_REASON_COUNT,
};

/** Sequence numbers of the lane that the GAP stands in. */
struct vex_attr_gap {
	uint64_t first;
	uint64_t last;
	uint64_t count;
	uint32_t reason; /**< enum vex_gap_reason of the last loss */
	uint32_t reserved;
};

struct vex_attr_graph {
	uint64_t node;
	uint64_t edge;
	uint64_t from; /**< of an edge or a traversal */
	uint64_t to;
	uint64_t count; /**< of nodes, edges, properties or rows concerned */
};

struct vex_attr_vector {
	uint64_t vector;
	uint64_t collection;
	uint64_t count; /**< of vectors concerned or found */
	uint32_t dimension;
	uint32_t k; /**< neighbours or clusters asked for */
};

/** Of an event delivered while rules are loaded: what they made of it. */
struct vex_attr_route {
	uint64_t generation; /**< of the rule set */
	uint32_t rule; /**< of those that matched the first of the highest priority: its place in the
			* set; UINT32_MAX: none did */
	uint16_t matched; /**< how many rules did; 65535: so many or more; 0 with a rule: a summary */
	uint8_t qos;      /**< service class: 0 critical, 1 high, 2 normal, 3 low */
	uint8_t priority; /**< of that rule: 0 emergency to 7 debug; 255: none matched */
	uint64_t fingerprint; /**< of that rule: what it does, whatever its name; 0: none matched */
};

#define VEX_ROUTE_NO_RULE UINT32_MAX
#define VEX_ROUTE_NO_PRIORITY 255u

/**
 * Of the event with which a suppression ended: the events that its rule had held back. Where none of
 * its key came, the first of those held back comes late, as a summary, and is one of the count.
 */
struct vex_attr_suppressed {
	uint64_t count;
	uint64_t first_ns; /**< when the first and the last of them began, since 1970 */
	uint64_t last_ns;
};

VEX_STATIC_ASSERT(sizeof(struct vex_attr_file) == 32, "see attr.def");
VEX_STATIC_ASSERT(sizeof(struct vex_attr_gap) == 32, "see attr.def");
VEX_STATIC_ASSERT(sizeof(struct vex_attr_graph) == 40, "see attr.def");
VEX_STATIC_ASSERT(sizeof(struct vex_attr_vector) == 32, "see attr.def");
VEX_STATIC_ASSERT(sizeof(struct vex_attr_route) == 24, "see attr.def");
VEX_STATIC_ASSERT(sizeof(struct vex_attr_suppressed) == 24, "see attr.def");

/* An attribute's head: id in the upper 12 bits, payload bytes in the lower 20. */
#define VEX_ATTR_HEAD 4u
#define VEX_ATTR_LEN_MAX 0xfffffu

static inline uint32_t vex_attr_head(uint32_t id, uint32_t len)
{
	return id << 20 | len;
}

static inline uint32_t vex_attr_head_id(uint32_t head)
{
	return head >> 20;
}

static inline uint32_t vex_attr_head_len(uint32_t head)
{
	return head & VEX_ATTR_LEN_MAX;
}

/** Bytes that an attribute with a payload of len takes in a record. */
static inline uint32_t vex_attr_span(uint32_t len)
{
	return (VEX_ATTR_HEAD + len + 7u) & ~7u;
}

VEX_STATIC_ASSERT(2 * ((VEX_ATTR_HEAD + 24u + 7u) & ~7u) == VEX_RECORD_ADDED_MAX,
		"the data plane adds two attributes of 24 bytes");

#ifdef __cplusplus
}
#endif
#endif
