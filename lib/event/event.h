/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An event as programs handle it, and its way to and from a record.
 *
 * Strings are bytes with a length: paths may hold anything but NUL, attribute values anything.
 * All functions are pure and thread-safe; none allocates.
 */
#ifndef VEX_EVENT_EVENT_H
#define VEX_EVENT_EVENT_H

#include <stdbool.h>

#include "abi/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes owned by someone else; data may be NULL where len is 0. */
struct vex_bytes {
	const void *data;
	size_t len;
};

/** Name and value of an attribute: extended attributes, properties, metrics. */
struct vex_pair {
	struct vex_bytes name;  /**< at most 255 bytes */
	struct vex_bytes value; /**< at most 65,536 bytes */
};

/** Most pairs, and most labels, of one event. */
#define VEX_EVENT_PAIRS_MAX 32u
#define VEX_EVENT_LABELS_MAX 16u

/* Which optional groups of struct vex_event hold something. */
enum vex_event_has {
	VEX_HAS_TASK = 1 << 0,   /**< tid, ppid */
	VEX_HAS_TENANT = 1 << 1, /**< tenant */
	VEX_HAS_FILE = 1 << 2,   /**< dev, ino, parent_ino, mode, flags */
	VEX_HAS_RANGE = 1 << 3,  /**< offset, size */
	VEX_HAS_PATH = 1 << 4,
	VEX_HAS_PATH2 = 1 << 5,
	VEX_HAS_COMM = 1 << 6,
	VEX_HAS_PARENT2 = 1 << 7, /**< parent2_ino */
	VEX_HAS_GRAPH = 1 << 8,
	VEX_HAS_VECTOR = 1 << 9,
	VEX_HAS_GAP = 1 << 10,
	VEX_HAS_ROUTE = 1 << 11,      /**< given by the data plane, unless the port keeps ids */
	VEX_HAS_SUPPRESSED = 1 << 12, /**< likewise */
};

struct vex_event {
	uint32_t has;      /**< enum vex_event_has, or-ed */
	uint16_t type;     /**< enum vex_type */
	uint8_t boundary;  /**< enum vex_boundary; given by the port when publishing */
	uint8_t reserved;
	struct vex_event_id id; /**< given by the data plane, unless the port keeps ids */
	uint64_t start_ns; /**< since 1970; 0 when publishing: now */
	uint64_t duration_ns;
	int32_t result; /**< 0 or a positive count; a negative errno on failure */
	uint32_t pid;
	uint32_t tid;
	uint32_t ppid;
	uint32_t uid;
	uint32_t gid;
	uint32_t tenant;
	uint32_t mode;
	uint32_t flags;
	uint64_t dev;
	uint64_t ino;
	uint64_t parent_ino;
	uint64_t parent2_ino;
	uint64_t offset;
	uint64_t size;
	struct vex_bytes comm;
	struct vex_bytes path;
	struct vex_bytes path2;
	struct vex_attr_graph graph;
	struct vex_attr_vector vector;
	struct vex_attr_gap gap;
	uint32_t pair_count;
	uint32_t label_count;
	const struct vex_pair *pairs;
	const struct vex_bytes *labels;
	struct vex_attr_route route;
	struct vex_attr_suppressed suppressed;
};

/** An event that its rule held back, sent late to tell how many it was the first of. */
static inline bool vex_event_is_summary(const struct vex_event *event)
{
	return (event->has & VEX_HAS_ROUTE) && (event->has & VEX_HAS_SUPPRESSED) &&
			!event->route.matched;
}

/** Where vex_event_decode() puts pairs and labels. */
struct vex_event_space {
	struct vex_pair pairs[VEX_EVENT_PAIRS_MAX];
	struct vex_bytes labels[VEX_EVENT_LABELS_MAX];
};

/** Why a record was refused; names and texts are in vex_check_text(). */
enum vex_check {
	VEX_CHECK_OK,
	VEX_CHECK_SIZE,      /**< size out of bounds, not a multiple of 8, or beyond what is there */
	VEX_CHECK_TYPE,      /**< a type that event.def does not list */
	VEX_CHECK_BOUNDARY,  /**< no such boundary */
	VEX_CHECK_ATTRIBUTE, /**< an unknown attribute, a bad length, one too many */
	VEX_CHECK_COUNT,     /**< the attributes do not fill the record, or are not as many as said */
	VEX_CHECK_STRING,    /**< a NUL byte in a path or a name; a VALUE without a NAME */
};

/**
 * Checks a private copy of a record of which available bytes can be read. A record that
 * passes can be decoded without any further check.
 */
enum vex_check vex_record_check(const struct vex_record *record, size_t available);

/** The same; tells which attributes a good record has, bit 1 << id each. */
enum vex_check vex_record_check_seen(const struct vex_record *record, size_t available,
		uint32_t *seen);

/** Takes attributes (bit 1 << id each) out of a checked record, which shrinks. */
void vex_record_remove(struct vex_record *record, uint32_t attributes);

const char *vex_check_text(enum vex_check check);

/** By type: 0 of one that event.def does not list, 1 of an event, 2 of GAP. */
extern const uint8_t vex_type_kinds[VEX_TYPE_LIMIT];

/**
 * Bytes that the event takes as a record; 0 where it can't be one: a type that event.def does not
 * list, a GAP without its numbers, a string or a list too long, a NUL in an attribute's name or in
 * a label. It does not look for a NUL in comm, path and path2: vex_record_check() does.
 */
uint32_t vex_event_size(const struct vex_event *event);

/** Bytes of all fixed attributes, and of the heads of three strings. */
#define VEX_EVENT_FIXED_MAX 384u
#define VEX_EVENT_NAME_MAX 255u
#define VEX_EVENT_PATH_MAX 4096u

/**
 * Writes the event as a record of exactly vex_event_size() bytes: everything but size and
 * lane_seq, which the lane writes (callers outside lanes set them themselves).
 */
void vex_event_encode(const struct vex_event *event, struct vex_record *record);

/** What a publisher decides rather than the event. */
struct vex_header {
	uint64_t start_ns;
	uint8_t boundary;
};

/** The same, with these in place of what the event says. Returns the record's size. */
uint32_t vex_event_encode_as(const struct vex_event *event, struct vex_header header,
		struct vex_record *record);

/**
 * Reads a record that passed vex_record_check(). Strings point into the record; pairs and
 * labels into space. Both must outlive the event.
 */
void vex_event_decode(const struct vex_record *record, struct vex_event *event,
		struct vex_event_space *space);

/**
 * The payload of the first attribute of this id in a checked record, or NULL; len may be NULL.
 * Payloads are not aligned beyond four bytes.
 */
const void *vex_record_attr(const struct vex_record *record, enum vex_attr_id id, uint32_t *len);

/* Names, as event.def has them. Unknown numbers give NULL, unknown names VEX_TYPE_NONE. */
const char *vex_type_name(uint32_t type);
const char *vex_type_text(uint32_t type);
enum vex_type vex_type_by_name(const char *name);
enum vex_category vex_type_category(uint32_t type);
unsigned vex_type_ocsf(uint32_t type);
const char *vex_category_name(uint32_t category);
const char *vex_boundary_name(uint32_t boundary);
const char *vex_gap_reason_name(uint32_t reason);
const char *vex_qos_name(uint32_t qos);         /**< of struct vex_attr_route */
const char *vex_priority_name(uint32_t priority); /**< likewise */

/** When the event ended; the order in which lanes of a port are merged. */
static inline uint64_t vex_record_end_ns(const struct vex_record *record)
{
	return record->start_ns + record->duration_ns;
}

#ifdef __cplusplus
}
#endif
#endif
