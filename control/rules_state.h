/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is kept of the rules: by rules.c, which is asked for changes, and rules_change.c, which makes
 * them; for those who report on it.
 */
#ifndef VEX_CONTROL_RULES_STATE_H
#define VEX_CONTROL_RULES_STATE_H

#include "call.h"
#include "rules.h"
#include "rules_job.h"

struct rules {
	struct control *control;
	struct store *store; /* NULL: see why_no_store */
	char why_no_store[STORE_WHY_MAX];
	struct rules_image image; /* in force */
	uint64_t current;         /* its version; 0: there are no rules */
	uint64_t fingerprint;     /* of its texts */
	uint64_t taken;           /* of the configured files as they were last taken; 0: never */
	uint64_t last;            /* the highest number that any data plane was given */
	uint64_t loaded;          /* what this data plane has of us; 0: nothing */
	char refused[WIRE_TEXT_MAX]; /* why it did not take what is in force; "" */
	bool reload;              /* the configured files are to be loaded when that can be */
	bool stopping;
	uv_timer_t retry; /* while the data plane is busy with what somebody else gave it */
	/* The change under way; job.meta and such are its own. */
	bool busy;
	uint64_t since_ms; /* of the loop's clock */
	uv_work_t work;
	struct rules_job job;
	struct task *task; /* NULL: nobody waits for it */
	uint64_t swap_ns;
	uint32_t by;       /* user */
};

/* -- rules_change.c -- */

/** Begins the change that job is. Nothing may be under way. */
void rules_begin(struct rules *rules);

/** What is to be done once nothing is under way, if anything. */
void rules_next(struct rules *rules);

#endif
