/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control session with the data plane: looked for until found, found again after it went,
 * its statistics segment mapped while it lasts, orders sent and answered. Never blocks the
 * loop but for a connect to a full backlog (5 s at most).
 */
#ifndef VEX_CONTROL_PLANE_H
#define VEX_CONTROL_PLANE_H

#include <uv.h>

#include "stat/rules.h"
#include "stat/stat.h"
#include "wire/message.h"

/** Orders under way at a time. */
#define PLANE_ORDERS_MAX 64u
#define PLANE_ANSWER_MS 5000u
/** Rules are answered within this, and so much longer for each MiB. */
#define PLANE_RULES_MS 15000u
#define PLANE_RULES_MIB_MS 100u

struct plane;

/** What the data plane answered, if it did; failure is NULL where the order was carried out. */
typedef void (*plane_done)(void *context, const struct vex_message *answer,
		const struct wire_failure *failure);

/** Called once a data plane was found, each time. May give orders. */
typedef void (*plane_found)(void *context);

/** Begins to look for the data plane at socket, which must outlive the plane. -ENOMEM. */
int plane_start(uv_loop_t *loop, const char *socket, plane_found found, void *context,
		struct plane **plane);

/** Fails the orders under way and frees the plane once the loop has run on. NULL is fine. */
void plane_stop(struct plane *plane);

/** The mapped statistics; NULL while no data plane runs. Valid until the loop runs on. */
const struct vex_stat_segment *plane_segment(const struct plane *plane);

/** The same of the counters of rules; NULL, too, where it has none. */
const struct vex_rules_segment *plane_rule_counters(const struct plane *plane);

/** What rules it has in force; false while no data plane runs. Zeroed: none. */
bool plane_ruleset(const struct plane *plane, struct vex_ruleset_stat *ruleset);

/** Why there is no data plane now: a sentence that names its socket. */
const char *plane_why(const struct plane *plane);

/** Sends an order; done is called exactly once, perhaps before this returns. */
void plane_order(struct plane *plane, uint16_t message_type, uint32_t target, uint32_t worker,
		plane_done done, void *context);

/** A rule image of size bytes in a sealed memfd, which stays the caller's. */
struct plane_rules {
	int fd;
	uint64_t size;
	uint64_t generation;
	char name[VEX_NAME_MAX];
};

/** As plane_order(), with a memfd beside the message, which stays the caller's. */
void plane_order_with(struct plane *plane, uint16_t message_type, int fd, plane_done done,
		void *context);

/** Hands rules to the data plane, as an order whose answer may take longer by their size. */
void plane_load_rules(struct plane *plane, const struct plane_rules *rules, plane_done done,
		void *context);

#endif
