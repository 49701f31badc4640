/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is said over the data plane's socket (unix, SOCK_SEQPACKET): fixed binary messages of
 * one size, with file descriptors passed beside them. One connection is one port, one
 * subscription or one control session, and lasts as long as it. Each request has one answer,
 * DONE or what is named here, or REFUSED with a reason for people.
 *
 *   producer    HELLO (PRODUCER)        -> WELCOME   + eventfd that wakes the port's worker
 *               LANE_ADD  + ring memfd  -> LANE_ADDED + consumer page memfd
 *               LANE_REMOVE             -> DONE (the lane is drained, then freed)
 *   subscriber  HELLO (SUBSCRIBER) + one end of a unix datagram socket pair, by which it is woken
 *                                       (not an eventfd: a hostile one could block the writer)
 *                                       -> WELCOME (count = lanes to open, one a worker)
 *               LANE_ADD + consumer page memfd  -> LANE_ADDED + ring memfd
 *               START                   -> DONE (events flow from here on)
 *   control     HELLO (CONTROL)         -> WELCOME   + statistics segment
 *               PORT_MOVE, PORT_DETACH, SUBSCRIBER_DETACH -> DONE
 *               RULES + memfd with a rule image (lib/rule/image.h), sealed against writing as
 *                     well; generation and size 0 and no memfd: no rules any more
 *                                       -> DONE, with the swap; all workers are on it by then.
 *                                          Takes as long as the image takes to be verified
 *               RULE_COUNTERS           -> DONE      + counters of rules (lib/stat/rules.h)
 *               KERNEL_SELECT + memfd with a struct vex_tap_select (abi/tap.h), whose list of
 *                     excluded processes is the data plane's own -> DONE
 *               KERNEL_ENABLE, KERNEL_DISABLE -> DONE
 *
 * A memfd is sealed against shrinking and growing, a page's against new writable mappings as
 * well, before it is passed; the receiver refuses one that is not.
 */
#ifndef VEX_ABI_HANDSHAKE_H
#define VEX_ABI_HANDSHAKE_H

#include "abi/record.h"

#define VEX_SOCKET_DEFAULT "/run/vexplane/dataplane.sock"
#define VEX_HANDSHAKE_MAGIC 0x68786576u /* "vexh" */
#define VEX_NAME_MAX 48u
#define VEX_REASON_MAX 160u

enum vex_message_type {
	VEX_MESSAGE_NONE,
	VEX_MESSAGE_HELLO,
	VEX_MESSAGE_WELCOME,
	VEX_MESSAGE_LANE_ADD,
	VEX_MESSAGE_LANE_ADDED,
	VEX_MESSAGE_LANE_REMOVE,
	VEX_MESSAGE_START,
	VEX_MESSAGE_PORT_MOVE,
	VEX_MESSAGE_PORT_DETACH,
	VEX_MESSAGE_SUBSCRIBER_DETACH,
	VEX_MESSAGE_DONE,
	VEX_MESSAGE_REFUSED,
	VEX_MESSAGE_RULES,
	VEX_MESSAGE_RULE_COUNTERS,
	VEX_MESSAGE_KERNEL_SELECT,
	VEX_MESSAGE_KERNEL_ENABLE,
	VEX_MESSAGE_KERNEL_DISABLE,
};

enum vex_role {
	VEX_ROLE_NONE,
	VEX_ROLE_PRODUCER,
	VEX_ROLE_SUBSCRIBER,
	VEX_ROLE_CONTROL,
};

/** The port's records keep the ids they bring; for root and the data plane's own user. */
#define VEX_PORT_KEEP_ID 1u

/**
 * How urgently a port's lanes are polled: workers look at less urgent ones only while the more
 * urgent ones give less than a full burst. More than NORMAL is for root and the data plane's own
 * user. In a port's flags from VEX_PORT_QOS_SHIFT on.
 */
enum vex_qos {
	VEX_QOS_DEFAULT, /**< NORMAL */
	VEX_QOS_CRITICAL,
	VEX_QOS_HIGH,
	VEX_QOS_NORMAL,
	VEX_QOS_LOW,
	VEX_QOS_COUNT,
};

#define VEX_PORT_QOS_SHIFT 8
#define VEX_PORT_QOS_MASK (0xfu << VEX_PORT_QOS_SHIFT)

/** What a subscriber wants; all zero is everything. GAPs come whatever is asked for. */
struct vex_filter {
	uint64_t types[4];   /**< a bit a type; none set: all */
	uint32_t boundaries; /**< a bit a boundary; none set: all */
	uint32_t reserved;
};

struct vex_message {
	uint32_t magic;
	uint16_t version;
	uint16_t type; /**< enum vex_message_type */
	uint32_t request; /**< of the requester's choice; the answer repeats it */
	int32_t error;    /**< REFUSED: a negative errno */
	union {
		struct {
			uint32_t role;
			uint32_t flags;
			uint32_t boundary; /**< a producer's; of a subscriber: whose reverse lane it is */
			uint32_t reserved;
			struct vex_filter filter;
			uint64_t ring_size; /**< subscriber: wanted of each lane; 0: default */
			char name[VEX_NAME_MAX];
		} hello;
		struct {
			uint32_t id;    /**< port or subscriber */
			uint32_t node;
			uint32_t count; /**< lanes: a subscriber opens that many, a producer at most */
			uint32_t pid;   /**< of the data plane */
			uint64_t started_ns; /**< when it started: tells a new one from an old one */
		} welcome;
		struct {
			uint32_t lane; /**< subscriber: 0 to count - 1; added: the lane's number */
			uint32_t reserved;
			uint64_t ring_size;
			uint64_t position; /**< producer: where the consumer is to begin */
			uint64_t seq;      /**< producer: of the record there */
		} lane;
		struct {
			uint32_t id; /**< port or subscriber */
			uint32_t worker;
		} target;
		struct {
			uint64_t size; /**< of the image in the memfd, in bytes; 0: none */
			uint64_t generation; /**< grows from set to set; 0: unload */
			char name[VEX_NAME_MAX]; /**< for people */
		} rules;
		struct {
			uint64_t generation; /**< RULES: the set that is in force */
			uint64_t swap_ns; /**< from its publishing to the last worker's word */
		} done;
		char reason[VEX_REASON_MAX];
		uint8_t bytes[240];
	};
};

VEX_STATIC_ASSERT(sizeof(struct vex_message) == 256, "messages have one size");

#endif
